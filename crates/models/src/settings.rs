//! The `[models]` section: who writes answers, in which order, and who turns texts into vectors.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

mod embedder;
mod provider;
mod validate;

pub use embedder::EmbedderSettings;
pub(crate) use provider::OPENAI;
pub use provider::{Kind, ProviderSettings};
pub use validate::SettingsError;

/// Names that are no tables of `[models.providers]`.
pub(crate) const BUILT_IN: [&str; 3] = ["none", "scripted", "extractive"];

/// Who writes answers, and who turns texts into vectors.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Who writes answers, in the order in which they are asked.
    pub provider: Order,
    /// Of all providers together, for one answer.
    #[serde(with = "humantime_serde")]
    pub total: Duration,
    /// First wait after a provider failed several times in a row.
    #[serde(with = "humantime_serde")]
    pub breaker: Duration,
    /// The longest of these waits.
    #[serde(with = "humantime_serde")]
    pub breaker_max: Duration,
    /// How long the scripted model thinks.
    #[serde(with = "humantime_serde")]
    pub scripted_delay: Duration,
    /// Chat providers by name; `openai` and `ollama` are there without a table.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// Who turns texts into vectors, by its name below. Absent: search is lexical.
    pub embedder: Option<String>,
    /// Embedders by name.
    pub embedders: BTreeMap<String, EmbedderSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            provider: Order::default(),
            total: Duration::from_secs(90),
            breaker: Duration::from_secs(1),
            breaker_max: Duration::from_mins(1),
            scripted_delay: Duration::ZERO,
            providers: BTreeMap::new(),
            embedder: None,
            embedders: BTreeMap::new(),
        }
    }
}

/// Names of providers: a list, or a text with commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order(pub Vec<String>);

impl Default for Order {
    fn default() -> Self {
        Self(vec!["none".to_owned()])
    }
}

impl<'de> Deserialize<'de> for Order {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a name, names with commas between them, or a list of names")]
        enum Given {
            Text(String),
            List(Vec<String>),
        }
        let names = match Given::deserialize(deserializer)? {
            Given::Text(text) => text.split(',').map(str::trim).map(str::to_owned).collect(),
            Given::List(names) => names,
        };
        Ok(Self(names))
    }
}

impl Settings {
    /// A provider's own settings: its table, or none where its name says enough.
    pub(crate) fn provider(&self, name: &str) -> Option<ProviderSettings> {
        let table = self.providers.get(name).cloned();
        table.or_else(|| Kind::of(name).map(|_| ProviderSettings::default()))
    }

    /// Where an embedder is, and its key. What its table leaves out is that of the chat provider `openai` or
    /// `ollama`; its key only where the address is the same.
    pub(crate) fn address_of(&self, embedder: &EmbedderSettings) -> (String, Option<SecretString>) {
        let chat = self.providers.get(embedder.kind.name());
        let of_chat = chat.and_then(|chat| chat.base_url.clone());
        let of_chat = of_chat.unwrap_or_else(|| embedder.kind.base_url().to_owned());
        let base_url = embedder.base_url.clone().unwrap_or_else(|| of_chat.clone());
        let key_of_chat = chat.filter(|_| base_url == of_chat).and_then(|chat| chat.api_key.clone());
        (base_url, embedder.api_key.clone().or(key_of_chat))
    }
}
