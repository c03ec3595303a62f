//! The trait every embedder has, and the embedders a process knows.
//!
//! A vector means something only beside vectors of the same embedder. So a generation of the index remembers
//! the identity of the one it was made with, and whoever searches it or adds to it asks for that one by name.

pub mod scripted;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::ModelError;

/// What a text is embedded for: some models want to be told by a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Something to search for.
    Query,
    /// Something to be found.
    Passage,
}

/// The vectors of texts, in the order of the texts.
pub type Embedding<'a> = Pin<Box<dyn Future<Output = Result<Vec<Vec<f32>>, ModelError>> + Send + 'a>>;

/// Makes dense vectors of texts.
///
/// The ledger cannot fence a provider: a killed worker's batch is embedded again, and paid twice. A repeat
/// gives the same vectors, or ones as good; a late call changes nothing.
pub trait Embedder: Debug + Send + Sync {
    /// What a generation remembers: `<model>@<dims>`, and a fingerprint of prefixes and normalisation where
    /// there are any. Two embedders with one identity make comparable vectors.
    fn identity(&self) -> &str;

    /// The length of every vector.
    fn dims(&self) -> usize;

    /// Texts in one call at the most.
    fn batch(&self) -> usize;

    /// One vector a text, each with [`Embedder::dims`] values. `texts` has at most [`Embedder::batch`].
    ///
    /// # Errors
    /// [`ModelError`]; [`ModelError::Rejected`] when the provider will never embed one of these texts.
    fn embed<'a>(&'a self, texts: &'a [String], purpose: Purpose) -> Embedding<'a>;
}

/// The embedders a process knows. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Embedders {
    known: Arc<[Arc<dyn Embedder>]>,
}

impl Embedders {
    /// The first is what new generations are made with; the others are for generations made before.
    pub fn new(known: Vec<Arc<dyn Embedder>>) -> Self {
        Self { known: known.into() }
    }

    /// What new generations are made with; `None`: they are lexical only.
    pub fn current(&self) -> Option<Arc<dyn Embedder>> {
        self.known.first().cloned()
    }

    /// The one a generation was made with.
    pub fn by_identity(&self, identity: &str) -> Option<Arc<dyn Embedder>> {
        self.known.iter().find(|embedder| embedder.identity() == identity).cloned()
    }
}
