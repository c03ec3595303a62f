//! Passages that reranking need not read again: cutting thirty of them into words took longer than all else that a search
//! does.

use std::sync::Arc;

use knowledge::{Reading, Remembered};
use store::passages::Passage;
use uuid::Uuid;

/// Bytes of all that is remembered: some 7,000 chunks of the usual size.
const LIMIT: u64 = 8 << 20;

/// Bytes of the words of a chunk, on average.
const CHUNK: u64 = 1100;

/// What was read. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Readings {
    remembered: Remembered<Uuid, Read>,
}

/// What a chunk's words are under a title: text and headings of a chunk never change, the title of its document may.
#[derive(Debug)]
struct Read {
    title: Box<str>,
    reading: Arc<Reading>,
}

impl Default for Readings {
    fn default() -> Self {
        let bytes = |_: &Uuid, read: &Read| size_of::<Read>() + read.title.len() + read.reading.bytes();
        Self { remembered: Remembered::within(LIMIT, CHUNK, bytes) }
    }
}

impl Readings {
    /// Reads a passage, or remembers it.
    pub(crate) fn of(&self, passage: &Passage) -> Arc<Reading> {
        let id = passage.chunk.0;
        if let Some(read) = self.remembered.get(&id).filter(|read| *read.title == *passage.title) {
            return Arc::clone(&read.reading);
        }
        let reading = Arc::new(read(passage));
        let title = passage.title.as_str().into();
        self.remembered.keep(id, Read { title, reading: Arc::clone(&reading) });
        reading
    }
}

/// The words of a passage.
pub(crate) fn read(passage: &Passage) -> Reading {
    Reading::of(&passage.title, &passage.heading, &passage.text)
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
        assert_eq!(*first, read(&passage));
        assert!(Arc::ptr_eq(&first, &readings.of(&passage)));
    }

    #[test]
    fn a_passage_with_another_title_is_read_anew() {
        let readings = Readings::default();
        readings.of(&passage("Billing"));
        let renamed = passage("All about invoices");
        assert_eq!(*readings.of(&renamed), read(&renamed));
        assert_eq!(*readings.of(&renamed), read(&renamed));
    }
}
