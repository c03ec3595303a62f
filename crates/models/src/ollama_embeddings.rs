//! Vectors from Ollama: `/api/embed`.

use std::time::Duration;

use ollama_rs::generation::embeddings::request::{EmbeddingsInput, GenerateEmbeddingsRequest};
use prometheus_client::metrics::counter::Counter;
use serde::Deserialize;
use serde_json::Value;

use crate::embedding::{Embedding, Shape};
use crate::http::{Http, refusal_inside};
use crate::ollama::keep_alive;
use crate::openai_embeddings::{LONGEST, told};
use crate::{Embedder, ModelError, Purpose};

/// An embedding model behind Ollama.
#[derive(Debug)]
pub(crate) struct OllamaEmbedder {
    pub(crate) http: Http,
    pub(crate) identity: String,
    pub(crate) model: String,
    pub(crate) shape: Shape,
    pub(crate) batch: usize,
    pub(crate) keep_alive: Duration,
    /// Tokens.
    pub(crate) spent: Counter,
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    embeddings: Vec<Vec<f32>>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    prompt_eval_count: Value,
}

impl OllamaEmbedder {
    async fn ask(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, ModelError> {
        let input = EmbeddingsInput::Multiple(self.shape.prefixed(texts, purpose));
        let body =
            GenerateEmbeddingsRequest::new(self.model.clone(), input).keep_alive(keep_alive(self.keep_alive));
        // Strings and numbers: this cannot fail.
        let body = self.http.post("/api/embed", serde_json::to_vec(&body).unwrap_or_default()).await?;
        let answer: Answer = serde_json::from_slice(&body.whole(LONGEST).await?)
            .map_err(|_| ModelError::Failed("what came is no list of vectors".to_owned()))?;
        if let Some(error) = answer.error.filter(|error| !error.is_null()) {
            return Err(refusal_inside(&error));
        }
        Shape::count(&self.spent, told(&answer.prompt_eval_count), texts);
        self.shape.checked(answer.embeddings, texts.len())
    }
}

impl Embedder for OllamaEmbedder {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn dims(&self) -> usize {
        self.shape.dims
    }

    fn batch(&self) -> usize {
        self.batch
    }

    fn embed<'a>(&'a self, texts: &'a [String], purpose: Purpose) -> Embedding<'a> {
        Box::pin(self.ask(texts, purpose))
    }
}
