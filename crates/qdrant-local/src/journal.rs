//! Writes that Edge has not yet flushed, as the requests themselves.
//!
//! Edge 0.7.2 writes a log of its own and never reads it again: `EdgeShard::load` opens the segments
//! and leaves the log alone, so that everything since the last `flush()` is gone after a `SIGKILL`.
//! This journal is what is replayed instead. A record is in it before Edge applies it, and the
//! journal is emptied after each flush. Replaying a record that was applied already changes nothing:
//! upserts replace whole points and deletions are by id, in the same order.
//!
//! A record is `length: u32`, `checksum: u64` (FNV-1a of the rest), `kind: u8`, the request in
//! protobuf. A tail that is cut or does not match its checksum was never acknowledged, or its page
//! did not reach the disk: it ends the replay.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
};

use prost::Message as _;
use qdrant_client::qdrant::{DeletePoints, UpsertPoints};

/// Length, checksum, kind.
const HEADER: usize = 4 + 8 + 1;
const UPSERT: u8 = 1;
const DELETE: u8 = 2;

/// A write as it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    Upsert(UpsertPoints),
    Delete(DeletePoints),
}

impl Entry {
    /// Appends the record to `out`.
    ///
    /// # Panics
    /// Never: a message of 4 GiB is over the server's limit by far.
    pub(crate) fn record(&self) -> Vec<u8> {
        let (kind, length) = match self {
            Self::Upsert(request) => (UPSERT, request.encoded_len()),
            Self::Delete(request) => (DELETE, request.encoded_len()),
        };
        let mut out = vec![0; HEADER];
        out.reserve(length);
        out[HEADER - 1] = kind;
        let fits = "a vector grows as needed";
        match self {
            Self::Upsert(request) => request.encode(&mut out).expect(fits),
            Self::Delete(request) => request.encode(&mut out).expect(fits),
        }
        let length = u32::try_from(length).expect("messages are limited to 64 MiB");
        let sum = checksum(&out[HEADER - 1..]);
        out[..4].copy_from_slice(&length.to_le_bytes());
        out[4..12].copy_from_slice(&sum.to_le_bytes());
        out
    }

    /// The first record of `bytes` and what follows it; `None` at the end or at a torn record.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
        let sum = u64::from_le_bytes(bytes.get(4..12)?.try_into().ok()?);
        let end = HEADER.checked_add(length)?;
        let body = bytes.get(12..end)?;
        if checksum(body) != sum {
            return None;
        }
        let entry = match body[0] {
            UPSERT => Self::Upsert(UpsertPoints::decode(&body[1..]).ok()?),
            DELETE => Self::Delete(DeletePoints::decode(&body[1..]).ok()?),
            _ => return None,
        };
        Some((entry, &bytes[end..]))
    }
}

/// FNV-1a, 64 bits: against torn pages, not against people.
fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The open file of one collection.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// Whole records only, in bytes.
    length: u64,
}

impl Journal {
    /// Opens or creates it; what it holds is returned in order, to be replayed.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Vec<Entry>)> {
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut entries = Vec::new();
        let mut rest = bytes.as_slice();
        while let Some((entry, after)) = Entry::read(rest) {
            entries.push(entry);
            rest = after;
        }
        let length = (bytes.len() - rest.len()) as u64;
        file.set_len(length)?;
        Ok((Self { file, length }, entries))
    }

    /// Writes records, to the kernel and not to the disk: all of them or none.
    pub(crate) fn append(&mut self, records: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(records) {
            // A full disk: half a record would hide the ones after it.
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += records.len() as u64;
        Ok(())
    }

    /// Empties it, on the disk too: an old record replayed over a newer flush would turn time back.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        if self.length > 0 {
            self.file.set_len(0)?;
            self.file.sync_data()?;
            self.length = 0;
        }
        Ok(())
    }

    /// In bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> [Entry; 2] {
        [
            Entry::Upsert(UpsertPoints { collection_name: "a".repeat(300), ..Default::default() }),
            Entry::Delete(DeletePoints { wait: Some(true), ..Default::default() }),
        ]
    }

    #[test]
    fn records_come_back_in_order_and_a_torn_tail_is_dropped() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal");
        let all: Vec<u8> = entries().iter().flat_map(Entry::record).collect();
        for cut in 0..all.len() {
            std::fs::write(&path, &all[..cut]).expect("written");
            let (journal, read) = Journal::open(&path).expect("opened");
            let first = entries()[0].record().len();
            assert_eq!(read, entries()[..usize::from(cut >= first)]);
            assert_eq!(journal.length(), if cut >= first { first as u64 } else { 0 });
        }
    }

    #[test]
    fn a_changed_byte_ends_the_replay() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal");
        let mut all: Vec<u8> = entries().iter().flat_map(Entry::record).collect();
        let in_the_second = entries()[0].record().len() + HEADER;
        all[in_the_second] ^= 1;
        std::fs::write(&path, &all).expect("written");
        assert_eq!(Journal::open(&path).expect("opened").1, entries()[..1]);
    }

    #[test]
    fn what_is_appended_is_read_and_what_is_cleared_is_gone() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal");
        let (mut journal, _) = Journal::open(&path).expect("opened");
        journal.append(&entries()[0].record()).expect("appended");
        assert_eq!(Journal::open(&path).expect("opened").1, entries()[..1]);
        journal.clear().expect("cleared");
        journal.append(&entries()[1].record()).expect("appended");
        assert_eq!(Journal::open(&path).expect("opened").1, entries()[1..]);
    }
}
