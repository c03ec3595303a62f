//! What the product knows how to do with text: cut it into chunks, turn it into sparse vectors, keep those in
//! the index, and pick the sentences that answer.
//!
//! **Invariant:** nothing else in the workspace talks to Qdrant, and nothing here reads the ledger. What is
//! visible is decided by the ledger; the index holds ids and vectors only.

pub mod analyser;
pub mod chunker;
pub mod coverage;
pub mod extractive;
pub mod fusion;
pub mod index;
mod passage;
pub mod rerank;
pub mod sentences;
mod settings;
mod sparse;
mod word_list;

pub use chunker::{Chunk, chunks};
pub use fusion::Fusion;
pub use index::{Hit, Index, IndexError, Point, Wanted};
pub use passage::passage;
pub use rerank::{Candidate, Ranked, Reading, rerank};
pub use settings::{Settings, SettingsError};
pub use sparse::Sparse;
