//! `[models.embedders.<name>]`.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::Kind;
use crate::embedding::Shape;

/// What turns texts into vectors. `model` and `dims` have no default.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbedderSettings {
    pub kind: Kind,
    /// Absent: that of the chat provider of this kind.
    pub base_url: Option<String>,
    /// Absent: that of the chat provider of this kind, where the address is the same.
    pub api_key: Option<SecretString>,
    pub model: String,
    /// Numbers in a vector.
    pub dims: usize,
    /// Stands before every query, such as `query: `.
    pub query_prefix: String,
    /// Stands before every passage, such as `passage: `.
    pub passage_prefix: String,
    /// Vectors are brought to length 1.
    pub normalise: bool,
    /// Texts in one call.
    pub batch: usize,
    /// Calls at once.
    pub concurrency: usize,
    /// How long a new connection may take.
    #[serde(with = "humantime_serde")]
    pub connect: Duration,
    /// Of a call, with waiting for a slot and repeats.
    #[serde(with = "humantime_serde")]
    pub total: Duration,
    /// How long Ollama keeps the model in memory after a call.
    #[serde(with = "humantime_serde")]
    pub keep_alive: Duration,
}

impl Default for EmbedderSettings {
    fn default() -> Self {
        Self {
            kind: Kind::OpenAi,
            base_url: None,
            api_key: None,
            model: String::new(),
            dims: 0,
            query_prefix: String::new(),
            passage_prefix: String::new(),
            normalise: true,
            batch: 32,
            concurrency: 4,
            connect: Duration::from_secs(5),
            total: Duration::from_secs(30),
            keep_alive: Duration::from_mins(30),
        }
    }
}

impl EmbedderSettings {
    pub(crate) fn shape(&self) -> Shape {
        Shape {
            dims: self.dims,
            query_prefix: self.query_prefix.clone(),
            passage_prefix: self.passage_prefix.clone(),
            normalise: self.normalise,
        }
    }
}
