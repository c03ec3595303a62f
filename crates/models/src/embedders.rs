//! The embedders there are: the one for new generations, and those that older ones were made with.

use std::sync::Arc;

use crate::{Embedder, ModelError, Purpose};

/// All configured embedders. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Embedders {
    /// With their names in the configuration.
    all: Arc<[(String, Arc<dyn Embedder>)]>,
    current: Option<String>,
}

/// An embedder that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("models.embedders.{name}: {error}")]
pub struct EmbedderError {
    pub name: String,
    pub error: ModelError,
}

impl Embedders {
    /// `current`: the name of the one for new generations.
    pub fn new(all: Vec<(String, Arc<dyn Embedder>)>, current: Option<String>) -> Self {
        Self { all: all.into(), current }
    }

    /// The one for new generations; `None`: they are lexical.
    pub fn current(&self) -> Option<Arc<dyn Embedder>> {
        let (_, embedder) = self.all.iter().find(|(name, _)| Some(name) == self.current.as_ref())?;
        Some(embedder.clone())
    }

    /// The one that a generation remembers; `None` when it is no longer configured.
    pub fn by_identity(&self, identity: &str) -> Option<Arc<dyn Embedder>> {
        let (_, embedder) = self.all.iter().find(|(_, embedder)| embedder.identity() == identity)?;
        Some(embedder.clone())
    }

    /// Embeds one text with the current one: what it makes has the configured dimension.
    ///
    /// # Errors
    /// It does not ([`ModelError::Misfit`]), and both numbers are named; or there was no answer.
    pub async fn check(&self) -> Result<(), EmbedderError> {
        let Some(embedder) = self.current() else { return Ok(()) };
        let made = embedder.embed(&["Vectora".to_owned()], Purpose::Query).await;
        let name = self.current.clone().unwrap_or_default();
        made.map(drop).map_err(|error| EmbedderError { name, error })
    }
}
