//! Vectors over the `OpenAI` API: `/embeddings` of `OpenAI`, vLLM, text-embeddings-inference, llama.cpp, LM Studio.
//!
//! Numbers are asked for as floats, which every server knows; packed ones (base64 of little-endian `f32`) are
//! read as well, because some send nothing else.

use async_openai::types::embeddings::{CreateEmbeddingRequest, EmbeddingInput, EncodingFormat};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prometheus_client::metrics::counter::Counter;
use serde::Deserialize;
use serde_json::Value;

use crate::embedding::{Embedding, Shape};
use crate::http::{Http, refusal_inside};
use crate::{Embedder, ModelError, Purpose};

/// The longest answer that is read, in bytes: 256 texts of 4,096 dimensions as JSON are 22 MiB.
pub(crate) const LONGEST: usize = 32 << 20;

/// An embedding model behind an `OpenAI`-compatible server.
#[derive(Debug)]
pub(crate) struct OpenAiEmbedder {
    pub(crate) http: Http,
    pub(crate) identity: String,
    pub(crate) model: String,
    pub(crate) shape: Shape,
    pub(crate) batch: usize,
    /// Tokens.
    pub(crate) spent: Counter,
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    data: Vec<Item>,
    #[serde(default)]
    error: Option<Value>,
    /// Whatever it looks like: vectors are not thrown away for it.
    #[serde(default)]
    usage: Value,
}

#[derive(Debug, Deserialize)]
struct Item {
    /// Absent: in the order of the texts.
    #[serde(default)]
    index: Option<usize>,
    embedding: Numbers,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Numbers {
    Plain(Vec<f32>),
    Packed(String),
}

impl Numbers {
    fn unpacked(self) -> Option<Vec<f32>> {
        let packed = match self {
            Self::Plain(numbers) => return Some(numbers),
            Self::Packed(packed) => STANDARD.decode(packed).ok()?,
        };
        let (numbers, rest) = packed.as_chunks::<4>();
        rest.is_empty().then(|| numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

impl OpenAiEmbedder {
    async fn ask(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, ModelError> {
        let body = CreateEmbeddingRequest {
            model: self.model.clone(),
            input: EmbeddingInput::StringArray(self.shape.prefixed(texts, purpose)),
            encoding_format: Some(EncodingFormat::Float),
            // Others refuse to be told.
            dimensions: self
                .model
                .starts_with("text-embedding-3")
                .then(|| u32::try_from(self.shape.dims).ok())
                .flatten(),
            user: None,
        };
        // Strings and numbers: this cannot fail.
        let body = self.http.post("/embeddings", serde_json::to_vec(&body).unwrap_or_default()).await?;
        let answer = read(&body.whole(LONGEST).await?)?;
        Shape::count(&self.spent, told(&answer.usage["prompt_tokens"]), texts);
        self.shape.checked(vectors(answer, texts.len())?, texts.len())
    }
}

fn read(json: &[u8]) -> Result<Answer, ModelError> {
    let answer: Answer = serde_json::from_slice(json)
        .map_err(|_| ModelError::Failed("what came is no list of vectors".to_owned()))?;
    match answer.error.as_ref().filter(|error| !error.is_null()) {
        Some(error) => Err(refusal_inside(error)),
        None => Ok(answer),
    }
}

/// Tokens as a provider tells them.
pub(crate) fn told(tokens: &Value) -> Option<u32> {
    tokens.as_u64().and_then(|tokens| u32::try_from(tokens).ok())
}

/// The vectors of an answer, in the order of the texts.
fn vectors(answer: Answer, wanted: usize) -> Result<Vec<Vec<f32>>, ModelError> {
    let failed = |text: &str| ModelError::Failed(text.to_owned());
    let came = answer.data.len();
    if came != wanted {
        return Err(ModelError::Failed(format!("{came} vectors came for {wanted} texts")));
    }
    let mut ordered: Vec<Option<Vec<f32>>> = vec![None; wanted];
    for (place, item) in answer.data.into_iter().enumerate() {
        let numbers =
            item.embedding.unpacked().ok_or_else(|| failed("a packed vector cannot be unpacked"))?;
        match ordered.get_mut(item.index.unwrap_or(place)) {
            Some(slot @ None) => *slot = Some(numbers),
            _ => return Err(failed("two vectors have the same place, or one has none")),
        }
    }
    // Every place was filled once: as many came as there are.
    Ok(ordered.into_iter().flatten().collect())
}

impl Embedder for OpenAiEmbedder {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(json: &[u8], wanted: usize) -> Result<Vec<Vec<f32>>, ModelError> {
        super::vectors(read(json)?, wanted)
    }

    #[test]
    fn vectors_are_put_in_the_order_of_their_texts() {
        let json = br#"{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}],"usage":{}}"#;
        assert_eq!(vectors(json, 2), Ok(vec![vec![1.0], vec![2.0]]));
        let json = br#"{"data":[{"embedding":[1]},{"embedding":[2]}]}"#;
        assert_eq!(vectors(json, 2), Ok(vec![vec![1.0], vec![2.0]]));
        let json = br#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[2]}]}"#;
        assert!(vectors(json, 2).is_err());
        let json = br#"{"data":[{"index":7,"embedding":[1]}]}"#;
        assert!(vectors(json, 1).is_err());
    }

    #[test]
    fn packed_vectors_are_read_as_well() {
        let packed = STANDARD.encode([1.5_f32.to_le_bytes(), (-2.0_f32).to_le_bytes()].concat());
        let json = format!(r#"{{"data":[{{"index":0,"embedding":"{packed}"}}]}}"#);
        assert_eq!(vectors(json.as_bytes(), 1), Ok(vec![vec![1.5, -2.0]]));
        assert!(vectors(br#"{"data":[{"index":0,"embedding":"***"}]}"#, 1).is_err());
    }
}
