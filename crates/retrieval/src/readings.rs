//! Passages that ordering need not read again: cutting thirty of them into words took longer than all else that a search
//! does.

use std::sync::Arc;

use knowledge::Reading;
use runtime::cache::Cache;
use store::passages::Passage;
use uuid::Uuid;

use crate::rank;

/// Bytes of all that is remembered: some 7,000 chunks of the usual size.
const LIMIT: u64 = 8 << 20;

/// Bytes of the words of a chunk, on average.
const CHUNK: u64 = 1100;

/// What was read. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Readings {
    cache: Cache<Uuid, Read>,
}

/// A chunk under a title: text and headings of a chunk never change, the title of its document may.
#[derive(Debug, PartialEq)]
pub(crate) struct Read {
    title: Box<str>,
    pub(crate) reading: Reading,
    /// See [`rank::fingerprint`].
    pub(crate) fingerprint: u64,
}

impl Default for Readings {
    fn default() -> Self {
        let bytes = |_: &Uuid, read: &Read| size_of::<Read>() + read.title.len() + read.reading.bytes();
        Self { cache: Cache::within(LIMIT, CHUNK, bytes) }
    }
}

impl Readings {
    /// Reads a passage, or remembers it.
    pub(crate) fn of(&self, passage: &Passage) -> Arc<Read> {
        let id = passage.chunk.0;
        let known = self.cache.get(&id).filter(|read| *read.title == *passage.title);
        known.unwrap_or_else(|| self.cache.keep(id, Read::of(passage)))
    }
}

/// The words of a passage.
pub(crate) fn read(passage: &Passage) -> Reading {
    Reading::of(&passage.title, &passage.heading, &passage.text)
}

impl Read {
    pub(crate) fn of(passage: &Passage) -> Self {
        Self {
            title: passage.title.as_str().into(),
            reading: read(passage),
            fingerprint: rank::fingerprint(&passage.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::{ChunkId, DocumentId};

    use super::*;

    fn passage(title: &str) -> Passage {
        Passage {
            chunk: ChunkId(Uuid::from_u128(1)),
            document: DocumentId(Uuid::from_u128(1)),
            position: 0,
            source: "docs".to_owned(),
            path: "a.md".to_owned(),
            title: title.to_owned(),
            heading: Vec::new(),
            text: "Refunds take five days.".to_owned(),
            url: None,
        }
    }

    #[test]
    fn a_passage_is_read_once() {
        let readings = Readings::default();
        let passage = passage("Billing");
        let first = readings.of(&passage);
        assert_eq!(*first, Read::of(&passage));
        assert!(Arc::ptr_eq(&first, &readings.of(&passage)));
    }

    #[test]
    fn a_passage_with_another_title_is_read_anew() {
        let readings = Readings::default();
        readings.of(&passage("Billing"));
        let renamed = passage("All about invoices");
        assert_eq!(*readings.of(&renamed), Read::of(&renamed));
        assert_eq!(*readings.of(&renamed), Read::of(&renamed));
    }
}
