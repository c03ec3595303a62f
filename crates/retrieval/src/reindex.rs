//! `vectora reindex`: a new generation beside the live one, and the switch to it. Searches go on throughout.
//!
//! This process only writes what is to be done: the workers of the installation embed, as they do after an
//! ingestion. Every step is in the ledger when it is made, and a repeat begins with the generation that is
//! being built. So the command may be killed at any point, and run again.
//!
//! **The old collection may be gone** (somebody deleted the index): everything comes out of the ledger, the
//! files are not needed.
//!
//! **A changed embedder** is a new generation like any other: the live one is searched with its own until the switch,
//! so a process should be able to reach both until then.
//!
//! **A changed chunker** gives each live document a new revision from its extracted text. Normally these go
//! live first, and the new generation is made of the new chunks. Where the live generation cannot take
//! anything any more (its collection is gone, or its analyser is not ours), the new one is made of the old
//! chunks and switched to, and the new revisions go live in it as they are done.

use std::time::Duration;

use knowledge::{Index, analyser, chunker};
use store::generations::{self, Generation, Progress, Recipe};
use store::{Ledger, revisions};
use tokio::time::Instant;

use crate::prepare::make_collection;
use crate::{RetrievalError, Vectors, calibrate, check, prepare, recipe};

/// Documents of one transaction: a fraction of a second, in which no extraction of them settles.
const AT_ONCE: i64 = 200;

/// Between two looks at what the workers have done.
const LOOK: Duration = Duration::from_millis(300);

/// How long nothing may change, with batches that were given up, until it is clear that only those are left.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Of collections.
    pub prefix: &'a str,
    /// Chunk all documents anew, also if the chunker is the same.
    pub chunks: bool,
    /// Build a new generation, also if nothing differs.
    pub force: bool,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Revisions in the ledger that are not live yet.
    Chunking { left: i64 },
    /// Documents that are in the new generation.
    Embedding(Progress),
    /// Headings asked to fit the threshold.
    Fitting { done: usize, of: usize },
}

/// How it ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The live generation is as a new one would be.
    Unchanged(Generation),
    /// This one is live now, with so many documents.
    Switched { generation: Generation, documents: i64 },
}

/// Why it did not end well. What was done stays, and the next run goes on with it.
#[derive(Debug, thiserror::Error)]
pub enum ReindexError {
    #[error(transparent)]
    Retrieval(#[from] RetrievalError),
    #[error(
        "a generation is being built with the analyser {analyser} and the chunker {chunker}, which are not \
         those of this release: let that release finish it, or run `vectora reindex --abandon` first"
    )]
    Foreign { analyser: String, chunker: String },
    #[error(
        "{batches} batches were given up and nothing else is left: see `vectora failed list`, drive them \
         again with `vectora failed redrive`, and run this again"
    )]
    GivenUp { batches: i64 },
    #[error("the generation was abandoned meanwhile")]
    Abandoned,
}

impl From<store::Error> for ReindexError {
    fn from(error: store::Error) -> Self {
        Self::Retrieval(error.into())
    }
}

impl From<knowledge::IndexError> for ReindexError {
    fn from(error: knowledge::IndexError) -> Self {
        Self::Retrieval(RetrievalError::Index(error))
    }
}

/// Builds a new generation and switches to it, if anything differs. `step` is called several times a second.
///
/// # Errors
/// [`ReindexError`].
pub async fn reindex(
    ledger: &Ledger,
    index: &Index,
    vectors: &Vectors,
    options: Options<'_>,
    mut step: impl FnMut(Step),
) -> Result<Outcome, ReindexError> {
    let live = Live::look(ledger, index, vectors, options.prefix).await?;
    let embedder = vectors.current();
    let wanted = recipe(options.prefix, embedder.as_deref());
    let anew = options.chunks || live.generation.chunker != chunker::VERSION;
    let begun = resumable(ledger, index, wanted).await?;
    let same = is_made_with(&live.generation, wanted);
    if begun.is_none() && !options.force && !anew && live.usable && same {
        let checked = check::check(ledger, index, &live.generation).await?;
        if checked.missing.is_empty() && !checked.lost {
            return Ok(Outcome::Unchanged(live.generation));
        }
    }
    let generation = match begun {
        Some(generation) => generation,
        None => generations::begin(ledger, wanted).await?,
    };
    if !generation.prepared {
        make_collection(ledger, index, &generation).await?;
    }
    if anew {
        // The generation's own id: a second run knows by it what the first one did.
        while revisions::chunk_anew(ledger, generation.id.0, AT_ONCE).await? > 0 {
            step(Step::Chunking { left: revisions::building(ledger).await? });
        }
        if live.usable {
            chunked(ledger, &mut step).await?;
        }
    }
    let documents = build(ledger, index, vectors, &generation, &mut step).await?;
    if anew && !live.usable {
        chunked(ledger, &mut step).await?;
    }
    Ok(Outcome::Switched { generation, documents })
}

/// Stops a generation that is being built; `None`: there is none. Its collection is dropped with the retired
/// ones.
///
/// # Errors
/// [`RetrievalError`].
pub async fn abandon(ledger: &Ledger) -> Result<Option<Generation>, RetrievalError> {
    let Some(building) = generations::building(ledger).await? else { return Ok(None) };
    Ok(generations::abandon(ledger, building.id).await?.then_some(building))
}

/// The live generation, and whether it can take new points.
struct Live {
    generation: Generation,
    usable: bool,
}

impl Live {
    async fn look(
        ledger: &Ledger,
        index: &Index,
        vectors: &Vectors,
        prefix: &str,
    ) -> Result<Self, ReindexError> {
        let (generation, there) = match prepare(ledger, index, vectors, prefix).await {
            Ok(generation) => (generation, true),
            Err(lost @ RetrievalError::Lost { .. }) => (generations::live(ledger).await?.ok_or(lost)?, false),
            Err(error) => return Err(error.into()),
        };
        let usable = there && generation.analyser == analyser::VERSION;
        Ok(Self { generation, usable })
    }
}

/// Whether a generation was made by this analyser and with this embedder, or with none.
pub fn is_made_with(generation: &Generation, wanted: Recipe<'_>) -> bool {
    let embedder = wanted.embedder.map(|(identity, _)| identity);
    generation.analyser == wanted.analyser && generation.embedder.as_deref() == embedder
}

/// The generation that an earlier run began, if it can be gone on with.
async fn resumable(
    ledger: &Ledger,
    index: &Index,
    wanted: Recipe<'_>,
) -> Result<Option<Generation>, ReindexError> {
    let Some(begun) = generations::building(ledger).await? else { return Ok(None) };
    if begun.analyser != analyser::VERSION || begun.chunker != chunker::VERSION {
        return Err(ReindexError::Foreign { analyser: begun.analyser, chunker: begun.chunker });
    }
    let gone = begun.prepared && !index.exists(&begun.collection).await?;
    if gone || !is_made_with(&begun, wanted) {
        // What was built is gone, and the ledger counts it as done: nothing is lost by beginning again. Nor where
        // another embedder is configured by now: nobody would search it with this one.
        generations::abandon(ledger, begun.id).await?;
        return Ok(None);
    }
    Ok(Some(begun))
}

/// Waits until every revision that is on its way is live. Those of an ingestion that happens to run count
/// too: the ledger does not tell them apart, and they are on the same way.
async fn chunked(ledger: &Ledger, step: &mut impl FnMut(Step)) -> Result<(), ReindexError> {
    loop {
        let left = revisions::building(ledger).await?;
        step(Step::Chunking { left });
        if left == 0 {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Has the workers build the generation, fits its threshold, and makes it the live one. Returns its
/// documents.
async fn build(
    ledger: &Ledger,
    index: &Index,
    vectors: &Vectors,
    generation: &Generation,
    step: &mut impl FnMut(Step),
) -> Result<i64, ReindexError> {
    let mut fitted = false;
    let (mut before, mut since) = (None, Instant::now());
    loop {
        // Again each time: revisions come while it is built.
        while generations::fill(ledger, generation.id, AT_ONCE).await? > 0 {
            step(Step::Embedding(generations::progress(ledger, generation.id).await?));
        }
        let progress = generations::progress(ledger, generation.id).await?;
        step(Step::Embedding(progress));
        if progress.built == progress.revisions {
            if !fitted {
                fit(ledger, index, vectors, generation, step).await;
                fitted = true;
            }
            // `false`: something came in between that is not complete.
            if generations::switch(ledger, generation.id).await? {
                return Ok(progress.revisions);
            }
        }
        if generations::building(ledger).await?.is_none_or(|building| building.id != generation.id) {
            // Somebody else runs the same command, and was faster; or has abandoned it.
            let live = generations::live(ledger).await?.is_some_and(|live| live.id == generation.id);
            return if live { Ok(progress.revisions) } else { Err(ReindexError::Abandoned) };
        }
        if before != Some(progress) {
            (before, since) = (Some(progress), Instant::now());
        } else if progress.failed > 0 && since.elapsed() > PATIENCE {
            return Err(ReindexError::GivenUp { batches: progress.failed });
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// So that the first question after the switch is judged by a threshold of its own. Not worth failing for:
/// the keeper fits a generation that has none.
async fn fit(
    ledger: &Ledger,
    index: &Index,
    vectors: &Vectors,
    generation: &Generation,
    step: &mut impl FnMut(Step),
) {
    let told = |done, of| step(Step::Fitting { done, of });
    let fitted = calibrate::measure(ledger, index, vectors, Some(generation.clone()), told).await;
    let kept = match fitted {
        Ok(fitted) => calibrate::keep(ledger, &fitted).await,
        Err(error) => Err(error),
    };
    if let Err(error) = kept {
        tracing::warn!(error = &error as &dyn std::error::Error, "the threshold is fitted after the switch");
    }
}
