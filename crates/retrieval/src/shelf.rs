//! Where the texts of chunks are: in the ledger, or in memory when a corpus is evaluated.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use store::passages::{self, Passage, Remembered};
use store::{Error, Ledger};
use uuid::Uuid;

/// Texts of chunks by their ids.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shelf<'a> {
    /// Those that are live.
    Ledger(&'a Ledger, &'a Remembered),
    Memory(&'a HashMap<Uuid, Arc<Passage>>),
}

impl Shelf<'_> {
    /// Those of the chunks that are there.
    pub(crate) async fn passages(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Arc<Passage>>, Error> {
        match self {
            Self::Ledger(ledger, remembered) => {
                let seen = passages::visible(ledger, ids, None, remembered).await?;
                Ok(seen.passages.into_iter().map(|passage| (passage.chunk.0, passage)).collect())
            }
            Self::Memory(all) => {
                Ok(ids.iter().filter_map(|id| Some((*id, Arc::clone(all.get(id)?)))).collect())
            }
        }
    }

    /// At most so many, spread evenly, the same for the same knowledge.
    pub(crate) async fn sample(&self, limit: u16) -> Result<Vec<Passage>, Error> {
        match self {
            Self::Ledger(ledger, remembered) => passages::sample(ledger, limit.into(), remembered).await,
            Self::Memory(all) => {
                let mut sample: Vec<Passage> = all.values().map(|passage| Passage::clone(passage)).collect();
                sample.sort_by_cached_key(|passage| {
                    let mut hasher = DefaultHasher::new();
                    (&passage.path, passage.position).hash(&mut hasher);
                    hasher.finish()
                });
                sample.truncate(limit.into());
                Ok(sample)
            }
        }
    }
}
