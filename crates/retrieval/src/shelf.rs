//! Where the texts of chunks are: in the ledger, or in memory when a corpus is evaluated.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use store::passages::{self, Passage};
use store::{Error, Ledger};
use uuid::Uuid;

/// Texts of chunks by their ids.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shelf<'a> {
    /// Those that are live.
    Ledger(&'a Ledger),
    Memory(&'a HashMap<Uuid, Passage>),
}

impl Shelf<'_> {
    /// Those of the chunks that are there.
    pub(crate) async fn passages(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Passage>, Error> {
        match self {
            Self::Ledger(ledger) => {
                let seen = passages::visible(ledger, ids, None).await?;
                Ok(seen.passages.into_iter().map(|passage| (passage.chunk.0, passage)).collect())
            }
            Self::Memory(all) => Ok(ids.iter().filter_map(|id| Some((*id, all.get(id)?.clone()))).collect()),
        }
    }

    /// At most so many, spread evenly, the same for the same knowledge.
    pub(crate) async fn sample(&self, limit: u16) -> Result<Vec<Passage>, Error> {
        match self {
            Self::Ledger(ledger) => passages::sample(ledger, limit.into()).await,
            Self::Memory(all) => {
                let mut sample: Vec<Passage> = all.values().cloned().collect();
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
