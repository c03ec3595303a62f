//! What writes answers.
//!
//! **Invariant:** a model knows nothing of the ledger and the queue; it gets a text and returns one.

pub mod chat;
pub mod scripted;
mod settings;

pub use chat::{ChatModel, Grow, ModelError, Reply};
pub use settings::{Provider, Settings};

use std::sync::Arc;

/// The configured model; `None` when there is none, and answers are refused politely.
pub fn configured(settings: &Settings) -> Option<Arc<dyn ChatModel>> {
    match settings.provider {
        Provider::None => None,
        Provider::Scripted => Some(Arc::new(scripted::Scripted::new(settings.scripted_delay))),
    }
}
