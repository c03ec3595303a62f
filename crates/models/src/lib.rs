//! What writes answers, and what turns texts into vectors.
//!
//! A reading order: [`chat`] and [`embedding`] are the two traits. [`openai`], [`ollama`] and their embeddings make one
//! call over [`http`] and read what comes ([`lines`], [`growing`]). Around a provider stand time limits and slots
//! ([`limits`]), repeats ([`retry`]) and a [`breaker`], put together in [`guard`]; [`failover`] asks one provider
//! after the other within the [`budget`]. [`configured`] builds all of it from [`settings`].
//!
//! **Invariant:** a model knows nothing of the ledger and the queue; it gets a text and returns one.
//! **Invariant:** no error, log line, metric or `Debug` here holds a key, a question or an answer.
#![expect(rustdoc::private_intra_doc_links, reason = "the reading order names private modules")]

mod breaker;
pub mod budget;
pub mod chat;
mod configured;
mod embedders;
pub mod embedding;
mod error;
mod failover;
mod growing;
mod guard;
mod guarded;
mod http;
mod limits;
mod lines;
mod metrics;
mod ollama;
mod ollama_embeddings;
mod openai;
mod openai_embeddings;
mod retry;
pub mod scripted;
pub mod scripted_embeddings;
mod settings;
pub mod tokens;

#[cfg(test)]
mod tests;

pub use budget::Budget;
pub use chat::{ChatModel, Finish, Grow, Reply, Request, Role, Said, Usage};
pub use configured::{Models, configured};
pub use embedders::{EmbedderError, Embedders};
pub use embedding::{Embedder, Purpose};
pub use error::ModelError;
pub use failover::Chain;
pub use metrics::Metrics;
pub use settings::{EmbedderSettings, Kind, Order, ProviderSettings, Settings, SettingsError};
