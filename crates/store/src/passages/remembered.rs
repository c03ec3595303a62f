//! Passages that need not be read again. What a chunk is in a revision never changes, nor does the name of a source or the
//! path of a document (**whoever lets them change forgets here**), and no id is used twice: only which revision of a
//! document is live, and who may see it, must be asked each time. Reading thirty passages took the ledger longer than
//! anything else a search does.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use uuid::Uuid;

use super::Passage;

/// Bytes of all that is remembered, by the estimate of [`Weigh`]: some 12,000 chunks of English, half as many of Russian.
const LIMIT: u64 = 16 << 20;

/// Bytes of a chunk, on average, with what it takes to remember it.
const CHUNK: u64 = 1400;

/// A chunk, as it is in one revision.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    /// While it is the live one of its document, this is what the chunk is.
    pub(super) revision: Uuid,
    /// Of the revision; the document's come besides.
    pub(super) tags: Vec<String>,
    pub(super) passage: Arc<Passage>,
}

/// Those looked at often or lately, in at most 16 MiB. Clones share them.
#[derive(Debug, Clone)]
pub struct Remembered {
    cache: Arc<Cache<Uuid, Arc<Known>, Weigh>>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self::within(LIMIT)
    }
}

impl Remembered {
    fn within(limit: u64) -> Self {
        let chunks = usize::try_from(limit / CHUNK).unwrap_or(usize::MAX);
        Self { cache: Arc::new(Cache::with_weighter(chunks, limit, Weigh)) }
    }

    pub(super) fn get(&self, chunk: Uuid) -> Option<Arc<Known>> {
        self.cache.get(&chunk)
    }

    pub(super) fn keep(&self, known: Known) {
        self.cache.insert(known.passage.chunk.0, Arc::new(known));
    }

    /// It may be another one in the revision that is live now.
    pub(super) fn forget(&self, chunk: Uuid) {
        self.cache.remove(&chunk);
    }
}

/// A passage weighs the bytes of its strings, and what it takes to hold them.
#[derive(Debug, Clone)]
struct Weigh;

impl Weighter<Uuid, Arc<Known>> for Weigh {
    fn weight(&self, _: &Uuid, known: &Arc<Known>) -> u64 {
        // An entry of the cache and the counters of an Arc; the allocator's share in each string.
        const ENTRY: usize = 64;
        const STRING: usize = size_of::<String>() + 8;
        let Known { tags, passage, .. } = &**known;
        let Passage { source, path, title, heading, text, url, .. } = &**passage;
        let strings = [source, path, title, text].into_iter().chain(heading).chain(tags).chain(url);
        let bytes = ENTRY
            + size_of::<Known>()
            + size_of::<Passage>()
            + strings.map(|s| STRING + s.capacity()).sum::<usize>();
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use contract::{ChunkId, DocumentId};

    use super::*;

    fn known(chunk: u128, bytes: usize) -> Known {
        let passage = Arc::new(Passage {
            chunk: ChunkId(Uuid::from_u128(chunk)),
            document: DocumentId(Uuid::from_u128(1)),
            position: 0,
            source: "docs".to_owned(),
            path: "a.md".to_owned(),
            title: "Billing".to_owned(),
            heading: vec!["Refunds".to_owned()],
            text: "x".repeat(bytes),
            url: None,
        });
        Known { revision: Uuid::from_u128(7), tags: Vec::new(), passage }
    }

    #[test]
    fn what_is_kept_is_given_back_until_it_is_forgotten() {
        let remembered = Remembered::default();
        let id = Uuid::from_u128(3);
        remembered.keep(known(3, 10));
        assert_eq!(remembered.get(id).as_deref(), Some(&known(3, 10)));
        remembered.forget(id);
        assert_eq!(remembered.get(id), None);
    }

    #[test]
    fn no_more_than_the_limit_is_held() {
        let remembered = Remembered::within(100_000);
        for id in 0..1000 {
            remembered.keep(known(id, 600));
        }
        assert!(remembered.cache.weight() <= 100_000, "{}", remembered.cache.weight());
        assert!(remembered.cache.len() > 30, "and it is used: {}", remembered.cache.len());
    }
}
