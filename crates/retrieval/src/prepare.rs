//! The first generation, and its collection: an installation begins with one.

use knowledge::{Index, analyser, chunker};
use models::Embedder;
use store::Ledger;
use store::generations::{self, Generation, Recipe};

use crate::{RetrievalError, Vectors};

/// What this process makes generations with. `embedder`: what [`Vectors::current`] gave.
pub fn recipe<'a>(prefix: &'a str, embedder: Option<&'a dyn Embedder>) -> Recipe<'a> {
    let dims = |embedder: &dyn Embedder| i32::try_from(embedder.dims()).unwrap_or(i32::MAX);
    let embedder = embedder.map(|embedder| (embedder.identity(), dims(embedder)));
    Recipe { analyser: analyser::VERSION, chunker: chunker::VERSION, embedder, prefix }
}

/// Makes the collection of a generation, once.
///
/// # Errors
/// [`RetrievalError`].
pub(crate) async fn make_collection(
    ledger: &Ledger,
    index: &Index,
    generation: &Generation,
) -> Result<(), RetrievalError> {
    let dense = generation.dims.and_then(|dims| usize::try_from(dims).ok());
    index.create(&generation.collection, dense).await.map_err(RetrievalError::Index)?;
    Ok(generations::prepared(ledger, generation.id).await?)
}

/// Makes sure that there is a live generation and that its collection was made once. A collection that was made and
/// is gone is not made again here: an empty one in its place would refuse every question in silence.
///
/// # Errors
/// [`RetrievalError`]; [`RetrievalError::Lost`] for a collection that is gone.
pub async fn prepare(
    ledger: &Ledger,
    index: &Index,
    vectors: &Vectors,
    prefix: &str,
) -> Result<Generation, RetrievalError> {
    let embedder = vectors.current();
    let generation = generations::ensure(ledger, recipe(prefix, embedder.as_deref())).await?;
    if generation.prepared {
        if index.exists(&generation.collection).await.map_err(RetrievalError::Index)? {
            return Ok(generation);
        }
        return Err(RetrievalError::Lost { collection: generation.collection });
    }
    make_collection(ledger, index, &generation).await?;
    Ok(Generation { prepared: true, ..generation })
}
