//! What writes answers, and what makes dense vectors.
//!
//! **Invariant:** a model knows nothing of the ledger and the queue; it gets a text and returns one, or a vector.

pub mod chat;
pub mod embedding;
pub mod scripted;
mod settings;

pub use chat::{ChatModel, Grow, ModelError, Reply};
pub use embedding::{Embedder, Embedders, Embedding, Purpose};
pub use settings::{Provider, Settings};

use std::sync::Arc;

/// The configured model; `None` when there is none, and answers are refused politely.
pub fn configured(settings: &Settings) -> Option<Arc<dyn ChatModel>> {
    match settings.provider {
        Provider::None => None,
        Provider::Scripted => Some(Arc::new(scripted::Scripted::new(settings.scripted_delay))),
    }
}

/// The configured embedders; none: search is lexical only.
///
/// # Errors
/// A scripted embedder that is none.
pub fn embedders(settings: &Settings) -> Result<Embedders, String> {
    let scripted = settings.scripted_embedders.iter().map(|name| {
        let scripted: embedding::scripted::Scripted = name.parse()?;
        Ok(Arc::new(scripted) as Arc<dyn Embedder>)
    });
    Ok(Embedders::new(scripted.collect::<Result<_, String>>()?))
}
