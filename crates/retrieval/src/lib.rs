//! Search as people get it: what the index finds, as far as the ledger shows it, and how well it covers the question.
//!
//! The index knows vectors and ids; the ledger knows which of them are visible, to whom, and their text. This is the
//! one place where both meet: the `retrieve` stage, `GET /v1/search`, the fitting of the threshold, the evaluation
//! and the tools all search through it.

pub mod calibrate;
mod candidates;
pub mod check;
mod error;
pub mod evaluate;
mod fits;
mod meaning;
mod metrics;
mod prepare;
mod rank;
mod readings;
pub mod reindex;
mod search;
mod shelf;
mod vectors;

use contract::{ChunkId, DocumentId};
use serde::{Deserialize, Serialize};

pub use self::error::RetrievalError;
pub use self::fits::{Fit, Fits};
pub use self::meaning::{Comparison, Meaning, Nearness};
pub use self::metrics::Metrics;
pub use self::prepare::{prepare, recipe};
pub use self::search::Retriever;
pub use self::vectors::{VectorError, Vectors};

/// What was found for a question. It is kept with the turn, so that citations survive the document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Best first.
    pub passages: Vec<Passage>,
    /// How much of the question the best passage holds: 0 is nothing, about 1 is everything in one sentence; a short
    /// question that the passage is made of can have more.
    pub coverage: f32,
    /// Below this coverage the knowledge base does not support an answer.
    pub threshold: f32,
    /// The words that were looked for, the most telling first.
    pub looked_for: Vec<String>,
    /// There is no knowledge at all.
    pub empty: bool,
    /// How rare each term of the question is, as the index counts it.
    #[serde(default)]
    pub idf: Vec<(u32, f32)>,
    /// By what an answer's sentences are compared with the passages, where there is an embedder that can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<Meaning>,
    /// What was searched for, where the question alone depends on what was said before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched: Option<String>,
}

impl Found {
    /// Whether the knowledge base supports an answer.
    pub fn covered(&self) -> bool {
        !self.passages.is_empty() && self.coverage >= self.threshold
    }

    /// The IDF of a term of the question; 0 for any other.
    pub fn idf(&self, term: u32) -> f32 {
        self.idf.iter().find(|(known, _)| *known == term).map_or(0.0, |(_, idf)| *idf)
    }
}

/// A part of a document that was found; neighbours that were found too are one passage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    pub document: DocumentId,
    /// The best chunk of the passage.
    pub chunk: ChunkId,
    pub score: f32,
    pub source: String,
    pub path: String,
    pub title: String,
    /// The headings above it, outermost first.
    pub heading: Vec<String>,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
