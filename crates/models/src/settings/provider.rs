//! `[models.providers.<name>]`.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The `OpenAI` API, of anybody.
    OpenAi,
    Ollama,
    /// Nothing: for tests.
    Scripted,
}

impl Kind {
    /// The kind of a name that says it.
    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::OpenAi, Self::Ollama].into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Ollama => "ollama",
            Self::Scripted => "scripted",
        }
    }

    /// Where it is, unless an address is given.
    pub(crate) const fn base_url(self) -> &'static str {
        match self {
            Self::OpenAi => OPENAI,
            Self::Ollama => "http://localhost:11434",
            Self::Scripted => "",
        }
    }
}

/// `OpenAI` itself.
pub(crate) const OPENAI: &str = "https://api.openai.com/v1";

/// A chat provider. What is absent depends on its kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderSettings {
    /// Absent: the name says it.
    pub kind: Option<Kind>,
    /// `http` or `https`; with `/v1` for the `OpenAI` API.
    pub base_url: Option<String>,
    pub api_key: Option<SecretString>,
    /// Default: `gpt-4o-mini`; `qwen2.5:7b` for Ollama.
    pub model: Option<String>,
    /// Context window in tokens, of prompt and answer together. Default: 128,000; 8,192 for Ollama, which takes
    /// memory for all of it.
    pub window: Option<u32>,
    /// The longest answer, in tokens.
    pub max_tokens: u32,
    /// The longest answer, in bytes; what is longer is cut.
    pub answer_limit: usize,
    /// Calls at once. Default: 64; 4 for Ollama.
    pub concurrency: Option<usize>,
    /// How long a new connection may take.
    #[serde(with = "humantime_serde")]
    pub connect: Duration,
    /// From a call to its first token.
    #[serde(with = "humantime_serde")]
    pub first_token: Duration,
    /// Between two tokens.
    #[serde(with = "humantime_serde")]
    pub idle: Duration,
    /// Of a call, with waiting for a slot and repeats.
    #[serde(with = "humantime_serde")]
    pub total: Duration,
    /// Tokens of prompts and answers between midnight and midnight UTC; then the next provider is asked.
    pub tokens_per_day: Option<u64>,
    /// How long Ollama keeps the model in memory after a call.
    #[serde(with = "humantime_serde")]
    pub keep_alive: Duration,
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self {
            kind: None,
            base_url: None,
            api_key: None,
            model: None,
            window: None,
            max_tokens: 1024,
            answer_limit: 64 * 1024,
            concurrency: None,
            connect: Duration::from_secs(5),
            first_token: Duration::from_secs(30),
            idle: Duration::from_secs(15),
            total: Duration::from_mins(1),
            tokens_per_day: None,
            keep_alive: Duration::from_mins(30),
        }
    }
}

impl ProviderSettings {
    pub(crate) fn kind(&self, name: &str) -> Option<Kind> {
        self.kind.or_else(|| Kind::of(name))
    }

    pub(crate) fn base_url(&self, kind: Kind) -> &str {
        self.base_url.as_deref().unwrap_or_else(|| kind.base_url())
    }

    pub(crate) fn model(&self, kind: Kind) -> &str {
        self.model.as_deref().unwrap_or(match kind {
            Kind::OpenAi => "gpt-4o-mini",
            Kind::Ollama => "qwen2.5:7b",
            Kind::Scripted => "scripted",
        })
    }

    pub(crate) fn window(&self, kind: Kind) -> u32 {
        self.window.unwrap_or(if kind == Kind::Ollama { 8_192 } else { 128_000 })
    }

    pub(crate) fn concurrency(&self, kind: Kind) -> usize {
        self.concurrency.unwrap_or(if kind == Kind::Ollama { 4 } else { 64 })
    }
}
