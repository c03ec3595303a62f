//! Why a search did not happen.

use knowledge::IndexError;

use crate::VectorError;

/// A search that has no result. Each names its remedy, where there is one.
#[derive(Debug, thiserror::Error)]
pub enum RetrievalError {
    #[error(transparent)]
    Ledger(#[from] store::Error),
    #[error(transparent)]
    Index(IndexError),
    /// Of the vectors that a fit needs. A search does without.
    #[error(transparent)]
    Vectors(#[from] VectorError),
    /// Nothing has been indexed by this installation yet.
    #[error("there is no index yet: start `vectora up`, or `vectora worker`")]
    NoGeneration,
    /// The ledger knows a collection that the index does not have (any more).
    #[error("the index lost the collection {collection}: build it anew with `vectora reindex`")]
    Lost { collection: String },
    /// The vectors in the index were made by another analyser than this process has.
    #[error(
        "the index was made with the analyser {live}, this process has {ours}: build it anew with `vectora reindex`"
    )]
    Analyser { live: String, ours: &'static str },
}

impl RetrievalError {
    /// Whether waiting, or a remedy outside, makes the same search succeed.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Ledger(error) => error.is_unavailable(),
            Self::Index(error) => error.is_away(),
            Self::Vectors(error) => matches!(error, VectorError::Away(_) | VectorError::Unknown(_)),
            Self::NoGeneration | Self::Lost { .. } | Self::Analyser { .. } => true,
        }
    }

    /// Which dependency is away.
    pub const fn dependency(&self) -> &'static str {
        match self {
            Self::Ledger(_) => "ledger",
            Self::Vectors(_) => "embedder",
            _ => "index",
        }
    }
}
