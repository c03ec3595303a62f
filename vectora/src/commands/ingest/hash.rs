//! The SHA-256 of each file, on all cores: it is what decides whether a file is sent.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use ingress::ingestions::limits;
use sha2::{Digest, Sha256};

use super::Failure;
use super::walk::Candidate;
use crate::commands::display::Display;

/// Bytes read at a time.
const PIECE: usize = 128 * 1024;
/// Reading waits for the disk as much as for the processor; more threads than this only make it seek.
const THREADS: usize = 8;

/// A file and what it holds.
#[derive(Debug)]
pub(super) struct Hashed {
    /// In the source.
    pub(super) path: String,
    /// On this machine.
    pub(super) file: PathBuf,
    /// Bytes, when it was read.
    pub(super) size: u64,
    /// In hexadecimal digits.
    pub(super) hash: String,
}

/// Hashes all of them, and names those that cannot be read. Both keep the order of `files`.
pub(super) fn all(files: Vec<Candidate>, display: &Display) -> (Vec<Hashed>, Vec<Failure>) {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = AtomicUsize::new(0);
    let mut read: Vec<(usize, io::Result<(u64, String)>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores.min(THREADS))
            .map(|_| {
                scope.spawn(|| {
                    let mut own = Vec::new();
                    let mut piece = vec![0; PIECE];
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        let Some(file) = files.get(n) else { return own };
                        own.push((n, hash(file, &mut piece)));
                        display.show("reading", n + 1, files.len());
                    }
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    read.sort_unstable_by_key(|(n, _)| *n);
    let (mut hashed, mut unreadable) = (Vec::with_capacity(files.len()), Vec::new());
    for (file, (_, read)) in files.into_iter().zip(read) {
        match read {
            Ok((size, hash)) => {
                hashed.push(Hashed { path: file.path, file: file.file, size, hash });
            }
            Err(error) => unreadable.push(Failure { path: file.path, error: error.to_string() }),
        }
    }
    (hashed, unreadable)
}

fn hash(file: &Candidate, piece: &mut [u8]) -> io::Result<(u64, String)> {
    let mut open = File::open(&file.file)?;
    fits(open.metadata()?.len())?;
    let (mut hasher, mut size) = (Sha256::new(), 0);
    loop {
        let read = open.read(piece)?;
        if read == 0 {
            return Ok((size, hex(&hasher.finalize())));
        }
        size += u64::try_from(read).unwrap_or(u64::MAX);
        fits(size)?;
        hasher.update(&piece[..read]);
    }
}

/// # Errors
/// When a file of this size would be refused.
pub(super) fn fits(size: u64) -> io::Result<()> {
    let limit = u64::try_from(limits::FILE).unwrap_or(u64::MAX);
    if size <= limit {
        return Ok(());
    }
    Err(io::Error::other(format!("it has more than {} MiB, the limit of a file: split it", limit >> 20)))
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_are_hashed_in_their_order_and_what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().expect("there is room");
        let mut files = Vec::new();
        for n in 0..100 {
            let file = dir.path().join(n.to_string());
            if n != 50 {
                std::fs::write(&file, "hello").expect("there is room");
            }
            files.push(Candidate { path: n.to_string(), file });
        }
        let (hashed, unreadable) = all(files, &Display::new(true));
        assert_eq!((hashed.len(), unreadable.len()), (99, 1));
        assert_eq!(unreadable[0].path, "50");
        assert_eq!((hashed[60].path.as_str(), hashed[60].size), ("61", 5));
        assert!(hashed.iter().all(|file| file.hash.starts_with("2cf24dba5fb0a30e") && file.hash.len() == 64));
    }

    #[test]
    fn a_file_over_the_limit_is_refused_with_it() {
        assert!(fits(64 << 20).is_ok());
        assert!(fits((64 << 20) + 1).expect_err("too large").to_string().contains("64 MiB"));
    }
}
