//! `embed` makes vectors of a batch of chunks and puts them into the collection of their generation.
//!
//! Reads: the batch with its chunks. Writes: points, under the ids of their chunks; the batch; and, with the last batch
//! of a revision, which revision is live. **A repeat** writes the same points again. **A late call** of a worker that
//! lost its claim may bring back points that were deleted meanwhile: the ledger deletes those a second time
//! (`store::tombstones`). Deliberately not here: deleting anything. A lost fence says nothing about what is wanted.

use contract::{Kind, Stream};
use knowledge::{Index, IndexError, Point, analyser};
use store::batches::{self, Batch};
use store::work::{Claim, Outcome, Verdict};
use store::{Error, Ledger};

use super::Tools;
use crate::stage::{Stage, StageError};

const INDEX: &str = "index";

pub(super) struct Embed {
    ledger: Ledger,
    index: Index,
}

impl Embed {
    pub(super) fn new(tools: &Tools) -> Self {
        Self { ledger: tools.ledger.clone(), index: tools.index.clone() }
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
        let points = batch
            .chunks
            .iter()
            .map(|chunk| Point {
                id: chunk.id.0,
                sparse: analyser::document(&chunk.title, &chunk.heading, &chunk.text),
            })
            .collect();
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
