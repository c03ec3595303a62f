//! Passages that reranking need not read again: cutting thirty of them into words took longer than all else that a search
//! does.

use std::sync::Arc;

use knowledge::Reading;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use store::passages::Passage;
use uuid::Uuid;

/// Bytes of all that is remembered: some 7,000 chunks of the usual size.
const LIMIT: u64 = 8 << 20;

/// Bytes of the words of a chunk, on average.
const CHUNK: u64 = 1100;

/// Those looked at often or lately, in at most 8 MiB. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Readings {
    cache: Arc<Cache<Uuid, Read, Weigh>>,
}

/// What a chunk's words are under a title: text and headings of a chunk never change, the title of its document may.
#[derive(Debug, Clone)]
struct Read {
    title: Box<str>,
    reading: Arc<Reading>,
}

impl Default for Readings {
    fn default() -> Self {
        Self::within(LIMIT)
    }
}

impl Readings {
    fn within(limit: u64) -> Self {
        let chunks = usize::try_from(limit / CHUNK).unwrap_or(usize::MAX);
        Self { cache: Arc::new(Cache::with_weighter(chunks, limit, Weigh)) }
    }

    /// Reads a passage, or remembers it.
    pub(crate) fn of(&self, passage: &Passage) -> Arc<Reading> {
        let id = passage.chunk.0;
        if let Some(read) = self.cache.get(&id).filter(|read| *read.title == *passage.title) {
            return read.reading;
        }
        let reading = Arc::new(read(passage));
        let title = passage.title.as_str().into();
        self.cache.insert(id, Read { title, reading: Arc::clone(&reading) });
        reading
    }
}

/// The words of a passage.
pub(crate) fn read(passage: &Passage) -> Reading {
    Reading::of(&passage.title, &passage.heading, &passage.text)
}

#[derive(Debug, Clone)]
struct Weigh;

impl Weighter<Uuid, Read> for Weigh {
    fn weight(&self, _: &Uuid, read: &Read) -> u64 {
        // An entry of the cache, and the allocator's share.
        const ENTRY: usize = 160;
        u64::try_from(ENTRY + read.title.len() + read.reading.bytes()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use contract::{ChunkId, DocumentId};

    use super::*;

    fn passage(chunk: u128, title: &str, text: &str) -> Passage {
        Passage {
            chunk: ChunkId(Uuid::from_u128(chunk)),
            document: DocumentId(Uuid::from_u128(1)),
            position: 0,
            source: "docs".to_owned(),
            path: "a.md".to_owned(),
            title: title.to_owned(),
            heading: Vec::new(),
            text: text.to_owned(),
            url: None,
        }
    }

    #[test]
    fn a_passage_is_read_once() {
        let readings = Readings::default();
        let passage = passage(1, "Billing", "Refunds take five days.");
        let first = readings.of(&passage);
        assert_eq!(*first, read(&passage));
        assert!(Arc::ptr_eq(&first, &readings.of(&passage)));
    }

    #[test]
    fn a_passage_with_another_title_is_read_anew() {
        let readings = Readings::default();
        readings.of(&passage(1, "Billing", "Refunds take five days."));
        let renamed = passage(1, "All about invoices", "Refunds take five days.");
        assert_eq!(*readings.of(&renamed), read(&renamed));
        assert_eq!(*readings.of(&renamed), read(&renamed));
    }

    #[test]
    fn no_more_than_the_limit_is_held() {
        let readings = Readings::within(100_000);
        for chunk in 0..1000 {
            readings.of(&passage(chunk, "Billing", &"word ".repeat(100)));
        }
        assert!(readings.cache.weight() <= 100_000, "{}", readings.cache.weight());
        assert!(readings.cache.len() > 30, "and it is used: {}", readings.cache.len());
    }
}
