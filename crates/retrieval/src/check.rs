//! `vectora index check`: whether the index has the points that the ledger says it has, and no others.
//!
//! Both sides are read in pages in the order of their ids and compared as they come, so memory does not grow
//! with the knowledge. The installation goes on meanwhile: a point may come or go between the two reads. So
//! what differs is compared a second time, and only what differs twice is reported.
//!
//! **Missing**: a chunk of a live revision that is complete in the generation has no point. It is not found,
//! and nobody else notices. **Unexpected**: a point whose chunk is in no building or live revision, and no
//! tombstone waits for it. It is never shown, and takes memory and places among the best.

use std::collections::{BTreeSet, VecDeque};

use knowledge::{Index, IndexError};
use store::generations::{self, Generation};
use store::{Ledger, documents, tombstones};
use uuid::Uuid;

use crate::RetrievalError;
use crate::search::lost;

/// Ids in a page. 16 bytes each; a page of the ledger is a statement, of the index a call.
const PAGE: u16 = 2000;

/// Differences kept of each kind: 1.6 MB. With more, building anew is the better remedy.
const KEPT: usize = 100_000;

/// Rows of one repairing statement.
const REPAIRED: usize = 500;

/// What a comparison found.
#[derive(Debug, Clone)]
pub struct Checked {
    pub generation: Generation,
    /// Points the ledger expects.
    pub expected: u64,
    /// Points in the index.
    pub found: u64,
    /// Chunks without a point, sorted; 100,000 at the most.
    pub missing: Vec<Uuid>,
    /// Points without a reason, sorted; 100,000 at the most.
    pub unexpected: Vec<Uuid>,
    /// The collection itself is not there.
    pub lost: bool,
}

impl Checked {
    pub const fn is_clean(&self) -> bool {
        !self.lost && self.missing.is_empty() && self.unexpected.is_empty()
    }

    fn misses(&mut self, chunk: Uuid) {
        self.expected += 1;
        if self.missing.len() < KEPT {
            self.missing.push(chunk);
        }
    }
}

/// Compares a generation with its collection.
///
/// # Errors
/// [`RetrievalError`]. A collection that is not there is a result.
pub async fn check(
    ledger: &Ledger,
    index: &Index,
    generation: &Generation,
) -> Result<Checked, RetrievalError> {
    let mut checked = compare(ledger, index, generation).await?;
    if !checked.is_clean() && !checked.lost {
        let again = compare(ledger, index, generation).await?;
        checked = Checked {
            missing: both(&checked.missing, &again.missing),
            unexpected: both(&checked.unexpected, &again.unexpected),
            ..again
        };
    }
    Ok(checked)
}

fn both(once: &[Uuid], twice: &[Uuid]) -> Vec<Uuid> {
    once.iter().filter(|id| twice.binary_search(id).is_ok()).copied().collect()
}

async fn compare(ledger: &Ledger, index: &Index, generation: &Generation) -> Result<Checked, RetrievalError> {
    let mut expected = Pages::new(Side::Ledger(ledger, generation));
    let mut found = Pages::new(Side::Index(index, generation));
    let mut checked = Checked {
        generation: generation.clone(),
        expected: 0,
        found: 0,
        missing: Vec::new(),
        unexpected: Vec::new(),
        lost: !index.exists(&generation.collection).await.map_err(RetrievalError::Index)?,
    };
    if checked.lost {
        return Ok(checked);
    }
    let mut strange = Vec::new();
    loop {
        let (one, other) = (expected.peek().await?, found.peek().await?);
        match (one, other) {
            (None, None) => break,
            (Some(chunk), None) => {
                expected.take();
                checked.misses(chunk);
            }
            (Some(chunk), Some(point)) if chunk < point => {
                expected.take();
                checked.misses(chunk);
            }
            (chunk, Some(point)) => {
                found.take();
                checked.found += 1;
                if chunk == Some(point) {
                    expected.take();
                    checked.expected += 1;
                } else {
                    strange.push(point);
                }
            }
        }
        if strange.len() >= usize::from(PAGE) {
            judge(ledger, &mut checked, &mut strange).await?;
        }
    }
    judge(ledger, &mut checked, &mut strange).await?;
    Ok(checked)
}

/// Keeps those points that the ledger knows no reason for.
async fn judge(
    ledger: &Ledger,
    checked: &mut Checked,
    strange: &mut Vec<Uuid>,
) -> Result<(), RetrievalError> {
    if !strange.is_empty() && checked.unexpected.len() < KEPT {
        let found = generations::unexpected_points(ledger, checked.generation.id, strange).await?;
        // The ledger answers in any order.
        checked.unexpected.extend(found.into_iter().collect::<BTreeSet<_>>());
    }
    strange.clear();
    Ok(())
}

/// Where ids come from.
enum Side<'a> {
    Ledger(&'a Ledger, &'a Generation),
    Index(&'a Index, &'a Generation),
}

/// Ids in ascending order, a page in memory.
struct Pages<'a> {
    side: Side<'a>,
    page: VecDeque<Uuid>,
    last: Option<Uuid>,
    ended: bool,
}

impl<'a> Pages<'a> {
    const fn new(side: Side<'a>) -> Self {
        Self { side, page: VecDeque::new(), last: None, ended: false }
    }

    async fn peek(&mut self) -> Result<Option<Uuid>, RetrievalError> {
        if self.page.is_empty() && !self.ended {
            let page = match self.side {
                Side::Ledger(ledger, generation) => {
                    let after = self.last.unwrap_or(Uuid::nil());
                    generations::expected_points(ledger, generation.id, after, PAGE.into()).await?
                }
                Side::Index(index, generation) => {
                    let page = index.ids(&generation.collection, self.last, PAGE.into()).await;
                    page.map_err(lost)?
                }
            };
            self.ended = page.len() < usize::from(PAGE);
            self.last = page.last().copied().or(self.last);
            self.page = page.into();
        }
        Ok(self.page.front().copied())
    }

    fn take(&mut self) {
        self.page.pop_front();
    }
}

/// Has what is missing embedded again by the workers, and what is unexpected deleted by the keeper. A repeat
/// before they are done embeds again, and deletes nothing twice that matters.
///
/// # Errors
/// [`RetrievalError`]; [`RetrievalError::Lost`] when there is no collection to repair.
pub async fn repair(ledger: &Ledger, checked: &Checked) -> Result<(), RetrievalError> {
    let generation = &checked.generation;
    if checked.lost {
        return Err(RetrievalError::Lost { collection: generation.collection.clone() });
    }
    for missing in checked.missing.chunks(REPAIRED) {
        generations::mend(ledger, generation.id, missing).await?;
    }
    for unexpected in checked.unexpected.chunks(REPAIRED) {
        tombstones::bury(ledger, generation.id, unexpected).await?;
    }
    Ok(())
}

/// What there is, at a glance.
#[derive(Debug, Clone)]
pub struct Status {
    pub generations: Vec<Holding>,
    pub stock: documents::Stock,
    /// Points that will be deleted.
    pub tombstones: i64,
}

/// A generation and its collection.
#[derive(Debug, Clone)]
pub struct Holding {
    pub generation: Generation,
    /// Points in the collection; `None`: it is not there.
    pub points: Option<u64>,
    pub progress: generations::Progress,
}

/// Live, building, and retired ones that are not dropped yet.
///
/// # Errors
/// [`RetrievalError`].
pub async fn status(ledger: &Ledger, index: &Index) -> Result<Status, RetrievalError> {
    let mut found: Vec<Generation> = Vec::new();
    found.extend(generations::live(ledger).await?);
    found.extend(generations::building(ledger).await?);
    found.extend(generations::to_drop(ledger, std::time::Duration::ZERO).await?);
    let mut holdings = Vec::with_capacity(found.len());
    for generation in found {
        let points = match index.count(&generation.collection).await {
            Ok(points) => Some(points),
            Err(IndexError::Missing(_)) => None,
            Err(error) => return Err(RetrievalError::Index(error)),
        };
        let progress = generations::progress(ledger, generation.id).await?;
        holdings.push(Holding { generation, points, progress });
    }
    Ok(Status {
        generations: holdings,
        stock: documents::stock(ledger).await?,
        tombstones: tombstones::waiting(ledger).await?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_twice_is_reported() {
        let id = |n: u128| Uuid::from_u128(n);
        assert_eq!(both(&[id(1), id(3), id(5)], &[id(3), id(4), id(5)]), [id(3), id(5)]);
    }
}
