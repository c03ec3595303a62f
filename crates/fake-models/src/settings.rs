//! What a test sets: what is said, how fast, which models there are, and how much they take.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::embedding::bag_of_words;
use super::record::ChatCall;
use super::{CHAT_MODEL, EMBEDDING_MODEL, FakeModels};

/// How much a call may carry, in tokens of four characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Prompt and the answer that is asked for, together. OpenAI's API refuses what is above; Ollama's drops
    /// the oldest part of the prompt without a word ([`ChatCall::truncated`]), and lets a call set its own
    /// window with `num_ctx`.
    pub context_window: usize,
    /// Texts in one call for embeddings; OpenAI's API only.
    pub batch: usize,
    /// One text to embed. Refused by OpenAI's API, and by Ollama's when `truncate` is false.
    pub text: usize,
    /// All the texts of one call for embeddings; OpenAI's API only.
    pub batch_tokens: usize,
}

impl Default for Limits {
    /// OpenAI's for embeddings, and the window of a small model.
    fn default() -> Self {
        Self { context_window: 8192, batch: 2048, text: 8192, batch_tokens: 300_000 }
    }
}

type Says = Arc<dyn Fn(&ChatCall) -> String + Send + Sync>;
type Embeds = Arc<dyn Fn(&str, usize) -> Vec<f32> + Send + Sync>;

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) says: Says,
    pub(super) embeds: Embeds,
    pub(super) key: Option<String>,
    pub(super) chat_models: Vec<String>,
    pub(super) embedding_models: Vec<String>,
    pub(super) limits: Limits,
    /// `None`: as fast as it goes.
    pub(super) tokens_per_second: Option<f64>,
    pub(super) first_token_after: Duration,
    pub(super) embedded_after: Duration,
    pub(super) dimension: usize,
    pub(super) normalised: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            says: Arc::new(echo),
            embeds: Arc::new(bag_of_words),
            key: None,
            chat_models: vec![CHAT_MODEL.to_owned()],
            embedding_models: vec![EMBEDDING_MODEL.to_owned()],
            limits: Limits::default(),
            tokens_per_second: None,
            first_token_after: Duration::ZERO,
            embedded_after: Duration::ZERO,
            dimension: 256,
            normalised: true,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Both scripts are in it, so that a damaged letter shows.
fn echo(call: &ChatCall) -> String {
    let asked = call.last_of("user").unwrap_or_default();
    format!("Вы спросили: {asked} [1].")
}

impl FakeModels {
    /// What every chat is answered from now on; before, it is the last thing that was asked, citing `[1]`.
    /// It is called without the lock, once for a call that is answered.
    pub fn says(&self, says: impl Fn(&ChatCall) -> String + Send + Sync + 'static) {
        self.lock().settings.says = Arc::new(says);
    }

    /// How a text becomes a vector of the dimension that is asked for; before, [`bag_of_words`].
    pub fn embeds(&self, embeds: impl Fn(&str, usize) -> Vec<f32> + Send + Sync + 'static) {
        self.lock().settings.embeds = Arc::new(embeds);
    }

    /// The pace of chats: token *n* is due at a point of time that does not depend on how late the one before
    /// was. An answer that is not streamed comes when its last token would have. At first, there is no pace.
    ///
    /// # Panics
    /// When it is not above zero.
    pub fn tokens_per_second(&self, tokens: f64) {
        assert!(tokens > 0.0, "a pace above zero");
        self.lock().settings.tokens_per_second = Some(tokens);
    }

    /// From the call to its first token; the response's headers go out at once when it is streamed.
    pub fn first_token_after(&self, wait: Duration) {
        self.lock().settings.first_token_after = wait;
    }

    /// From a call for embeddings to its answer.
    pub fn embedded_after(&self, wait: Duration) {
        self.lock().settings.embedded_after = wait;
    }

    /// From now on, OpenAI's API wants this key as a bearer token. Ollama's knows none.
    pub fn key(&self, key: &str) {
        self.lock().settings.key = Some(key.to_owned());
    }

    /// The chat models that there are, instead of [`CHAT_MODEL`].
    pub fn chat_models(&self, models: &[&str]) {
        self.lock().settings.chat_models = owned(models);
    }

    /// The embedding models that there are, instead of [`EMBEDDING_MODEL`].
    pub fn embedding_models(&self, models: &[&str]) {
        self.lock().settings.embedding_models = owned(models);
    }

    pub fn limits(&self, limits: Limits) {
        self.lock().settings.limits = limits;
    }

    /// Of the vectors, when a call does not ask for one; 256 at first.
    ///
    /// # Panics
    /// When it is zero.
    pub fn dimension(&self, dimension: usize) {
        assert!(dimension > 0, "a vector has a dimension");
        self.lock().settings.dimension = dimension;
    }

    /// Whether vectors have the length one, as OpenAI's and Ollama's do, which is so at first; or whatever
    /// length they come to, as with many a server that speaks OpenAI's API.
    pub fn normalised(&self, normalised: bool) {
        self.lock().settings.normalised = normalised;
    }
}

fn owned(models: &[&str]) -> Vec<String> {
    models.iter().map(|model| (*model).to_owned()).collect()
}
