//! The `[models]` section.

use std::time::Duration;

use serde::Deserialize;

/// Who writes answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Nobody: every question is refused politely until there is knowledge.
    #[default]
    None,
    /// The scripted model, for tests and for measuring the mechanism alone.
    Scripted,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub provider: Provider,
    /// How long the scripted model thinks.
    #[serde(with = "humantime_serde")]
    pub scripted_delay: Duration,
    /// Scripted embedders, `<name>@<dims>`, for tests; the first is what new generations are made with.
    pub scripted_embedders: Vec<String>,
}
