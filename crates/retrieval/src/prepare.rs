//! The first generation, and its collection: an installation begins with one.

use knowledge::{Index, analyser, chunker};
use store::Ledger;
use store::generations::{self, Generation, Recipe};

use crate::RetrievalError;

/// What this process makes generations with.
pub fn recipe(prefix: &str) -> Recipe<'_> {
    Recipe { analyser: analyser::VERSION, chunker: chunker::VERSION, prefix }
}

/// Makes sure that there is a live generation and that its collection was made once. A collection that was made and
/// is gone is not made again here: an empty one in its place would refuse every question in silence.
///
/// # Errors
/// [`RetrievalError`]; [`RetrievalError::Lost`] for a collection that is gone.
pub async fn prepare(ledger: &Ledger, index: &Index, prefix: &str) -> Result<Generation, RetrievalError> {
    let generation = generations::ensure(ledger, recipe(prefix)).await?;
    if generation.prepared {
        if index.exists(&generation.collection).await.map_err(RetrievalError::Index)? {
            return Ok(generation);
        }
        return Err(RetrievalError::Lost { collection: generation.collection });
    }
    index.create(&generation.collection).await.map_err(RetrievalError::Index)?;
    generations::prepared(ledger, generation.id).await?;
    Ok(Generation { prepared: true, ..generation })
}
