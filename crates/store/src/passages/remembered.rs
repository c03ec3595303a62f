//! Passages that need not be read again. What a chunk is in a revision never changes, nor does the name of a source or the
//! path of a document (**whoever lets them change forgets here**), and no id is used twice: only which revision of a
//! document is live, and who may see it, must be asked each time. Reading thirty passages took the ledger longer than
//! anything else a search does.

use std::sync::Arc;

use runtime::cache::Cache;
use uuid::Uuid;

use super::Passage;

/// Bytes of all that is remembered: some 12,000 chunks of English, half as many of Russian.
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
    cache: Cache<Uuid, Known>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self { cache: Cache::within(LIMIT, CHUNK, |_, known| bytes(known)) }
    }
}

impl Remembered {
    pub(super) fn get(&self, chunk: Uuid) -> Option<Arc<Known>> {
        self.cache.get(&chunk)
    }

    pub(super) fn keep(&self, known: Known) {
        self.cache.keep(known.passage.chunk.0, known);
    }

    /// It may be another one in the revision that is live now.
    pub(super) fn forget(&self, chunk: Uuid) {
        self.cache.forget(&chunk);
    }
}

/// Of the strings, and of what it takes to hold them.
fn bytes(known: &Known) -> usize {
    // With the allocator's share.
    const STRING: usize = size_of::<String>() + 8;
    let Known { tags, passage, .. } = known;
    let Passage { source, path, title, heading, text, url, .. } = &**passage;
    let strings = [source, path, title, text].into_iter().chain(heading).chain(tags).chain(url);
    size_of::<Known>() + size_of::<Passage>() + strings.map(|s| STRING + s.capacity()).sum::<usize>()
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
    fn a_passage_weighs_at_least_its_text() {
        assert!(bytes(&known(3, 600)) >= 600 + size_of::<Passage>());
    }
}
