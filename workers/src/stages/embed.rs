//! `embed` makes vectors of a batch of chunks and puts them into the collection of their generation.
//!
//! Reads: the batch with its chunks. Writes: points, under the ids of their chunks; the batch; and, with the last batch
//! of a revision, which revision is live. **A repeat** writes the same points again. **A late call** of a worker that
//! lost its claim may bring back points that were deleted meanwhile: the ledger deletes those a second time
//! (`store::tombstones`). Dense vectors are the embedder's of the batch's generation, which is not always the configured
//! one: while a generation is built beside the live one, batches of both come. A passage that the embedder refuses is
//! written without one, and found by its words. Deliberately not here: deleting anything. A lost fence says nothing about what is wanted.

use contract::{Kind, Stream};
use knowledge::{Index, IndexError, Point, analyser, passage};
use retrieval::{VectorError, Vectors};
use store::batches::{self, Batch};
use store::work::{Claim, Outcome, Verdict};
use store::{Error, Ledger};

use super::Tools;
use crate::stage::{Stage, StageError};

const INDEX: &str = "index";

pub(super) struct Embed {
    ledger: Ledger,
    index: Index,
    vectors: Vectors,
}

impl Embed {
    pub(super) fn new(tools: &Tools) -> Self {
        Self { ledger: tools.ledger.clone(), index: tools.index.clone(), vectors: tools.vectors.clone() }
    }
}

impl Stage for Embed {
    const STAGE: contract::Stage =
        contract::Stage { name: batches::EMBED, kind: Kind::EmbedBatch, stream: Stream::Documents };
    type Input = Batch;
    type Output = ();

    async fn load(&self, claims: &[Claim]) -> Result<Vec<Option<Batch>>, Error> {
        batches::load(&self.ledger, claims).await
    }

    async fn handle(&self, _claim: &Claim, batch: &Batch) -> Result<(), StageError> {
        if batch.analyser != analyser::VERSION {
            let source = format!("the generation needs the analyser {}", batch.analyser).into();
            return Err(StageError::Waits { source });
        }
        if !batch.prepared {
            return Err(StageError::Waits { source: "the collection is being made".into() });
        }
        let dense = self.dense(batch).await?;
        let points = batch.chunks.iter().zip(dense);
        let points = points.map(|(chunk, dense)| Point {
            id: chunk.id.0,
            sparse: analyser::document(&chunk.title, &chunk.heading, &chunk.text),
            dense,
        });
        let points = points.collect();
        runtime::fault::point("embed.upserting").await;
        let upserted = self.index.upsert(&batch.collection, points).await;
        runtime::fault::point("embed.upserted").await;
        upserted.map_err(|error| match error {
            IndexError::Away(_) => StageError::Unavailable { dependency: INDEX, source: error.into() },
            // `vectora reindex` makes another generation, whose batches must get past this one.
            IndexError::Missing(_) => StageError::Waits {
                source: format!("{error}: build it anew with `vectora reindex`").into(),
            },
            IndexError::Refused(_) => StageError::Retry { source: error.into() },
        })
    }

    async fn settle(&self, batch: &[(Claim, Batch, Verdict<()>)]) -> Result<Vec<Outcome>, Error> {
        batches::settle(&self.ledger, &Self::STAGE, batch).await
    }
}

impl Embed {
    /// A dense vector for each chunk, where the generation has such vectors.
    async fn dense(&self, batch: &Batch) -> Result<Vec<Option<Vec<f32>>>, StageError> {
        let Some(identity) = &batch.embedder else { return Ok(vec![None; batch.chunks.len()]) };
        let texts: Vec<String> =
            batch.chunks.iter().map(|chunk| passage(&chunk.title, &chunk.heading, &chunk.text)).collect();
        self.vectors.of_all_passages(identity, &texts).await.map_err(|error| match error {
            // Not `Unavailable`, also where the embedder is away: batches of a generation with another one, or with
            // none, must get past this one.
            VectorError::Unknown(_) | VectorError::Away(_) => StageError::Waits { source: error.into() },
            VectorError::Failed(_) | VectorError::Shape { .. } => StageError::Retry { source: error.into() },
            VectorError::Refused(_) => StageError::Reject { source: error.into() },
        })
    }
}
