//! A collection's directory: made whole, opened, and brought to the state that was acknowledged.

use std::{
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use qdrant_edge::{EdgeConfig, EdgeOptimizersConfig, EdgeShard, VectorStorageDatatype, WalOptions};
use rustix::fs::FallocateFlags;

use crate::{
    convert::Schema,
    journal::{Entry, Journal},
    shard::{duplicates, writer::Change},
};

/// Ours, beside Edge's `segments`, `wal` and `edge_config.json`.
const JOURNAL: &str = "journal";
/// Where Edge builds a segment; what lies there at a start was cut off.
const HALF_SEGMENTS: &str = "temp_segments";
/// Edge's log, which it writes and does not read.
const LOG: &str = "wal";

/// The longest that Edge's log may stay locked after it was closed: a child process between its fork and its
/// exec takes milliseconds, on a machine out of breath a second.
const LOCKED: Duration = Duration::from_secs(10);
/// Between two looks at the lock.
const LOOK: Duration = Duration::from_millis(5);

/// Segments of a collection. Sealing merges into the smallest, so that each copies about 1/8 of all
/// points; with four instead of eight, 60,000 points were written half as fast, and searches took the
/// same time (0.6 ms at 20,000 points, 1.0 ms at 60,000).
const SEGMENTS: usize = 8;
/// In KiB of vectors. Below, a segment stays as it is written: in memory, and quick for so few.
const SEALING_THRESHOLD: usize = 256;
/// Bytes of a file of Edge's log; nothing reads it, so it need not be large.
const LOG_FILE: usize = 4 << 20;

/// Makes an empty collection in `directory`, which must not exist. The caller renames it into place.
///
/// # Errors
/// For people.
pub(crate) fn create(directory: &Path, config: EdgeConfig) -> Result<(), String> {
    fs::create_dir(directory).map_err(|error| error.to_string())?;
    guarded(|| EdgeShard::new(directory, tuned(config)).map(drop).map_err(|error| error.to_string()))?;
    sync_directory(directory).map_err(|error| error.to_string())
}

/// Makes names in a directory outlast a power failure.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

/// This server's settings where the request says nothing.
fn tuned(mut config: EdgeConfig) -> EdgeConfig {
    for vector in config.sparse_vectors.values_mut() {
        // Mapped files, which the kernel may drop, instead of memory of the process: 7 MiB instead of
        // 37 at 20,000 points of 120 terms, and searches as fast. Halves and bytes save nothing on top
        // (the indices are what is large), so weights stay exact.
        vector.on_disk.get_or_insert(true);
        vector.datatype.get_or_insert(VectorStorageDatatype::Float32);
    }
    config.optimizers = EdgeOptimizersConfig {
        default_segment_number: Some(SEGMENTS),
        indexing_threshold: Some(SEALING_THRESHOLD),
        ..EdgeOptimizersConfig::default()
    };
    config.wal_options = Some(WalOptions { segment_capacity: LOG_FILE, ..WalOptions::default() });
    config
}

/// Opens a collection and applies what its journal holds.
///
/// # Errors
/// For people; what was acknowledged stays in the directory.
pub(super) fn open(directory: &Path) -> Result<(EdgeShard, Journal), String> {
    let log = directory.join(LOG);
    wait_until_unlocked(&log).and_then(|()| prune_log(&log)).map_err(|error| format!("{LOG}: {error}"))?;
    match fs::remove_dir_all(directory.join(HALF_SEGMENTS)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(format!("{HALF_SEGMENTS}: {error}"));
        }
        _ => {}
    }
    let (mut journal, entries) =
        Journal::open(&directory.join(JOURNAL)).map_err(|error| format!("{JOURNAL}: {error}"))?;
    let edge = guarded(|| EdgeShard::load(directory, None).map_err(|error| error.to_string()))?;
    guarded(|| replay(&edge, entries))?;
    guarded(|| duplicates::remove(&edge))?;
    guarded(|| {
        edge.flush();
        Ok(())
    })?;
    journal.clear().map_err(|error| format!("{JOURNAL}: {error}"))?;
    Ok((edge, journal))
}

/// Edge locks its log with `flock(2)` and refuses a locked one. The lock belongs to the open file, not to the process:
/// a child that another thread forks meanwhile holds it too, until its exec closes the descriptor, also after Edge let
/// go. The directory is this server's alone, so whoever holds it is such a child.
fn wait_until_unlocked(log: &Path) -> io::Result<()> {
    let file = match fs::File::open(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let began = Instant::now();
    loop {
        match file.try_lock() {
            // Not left to closing, for the same reason.
            Ok(()) => return file.unlock(),
            Err(fs::TryLockError::WouldBlock) if began.elapsed() < LOCKED => thread::sleep(LOOK),
            Err(fs::TryLockError::WouldBlock) => {
                return Err(io::Error::other("another process holds its lock"));
            }
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
    }
}

fn replay(edge: &EdgeShard, entries: Vec<Entry>) -> Result<(), String> {
    if entries.is_empty() {
        return Ok(());
    }
    let records = entries.len();
    let schema = Schema::of(&edge.config());
    for entry in entries {
        let change = Change::of(entry, &schema).map_err(|error| format!("{JOURNAL}: {error}"))?;
        edge.update(change.operation()).map_err(|error| error.to_string())?;
    }
    tracing::info!(records, "writes that were not flushed were applied again");
    Ok(())
}

/// Removes the closed files of Edge's log but the last, from which it counts on.
///
/// Edge never shortens it: a point costs about 1.3 KB there for each time it was ever written. It also
/// keeps the files mapped, so that a name removed frees nothing until the end of the process; a hole
/// does. Nothing looks into it any more.
pub(super) fn prune_log(log: &Path) -> io::Result<()> {
    let Ok(files) = fs::read_dir(log) else { return Ok(()) };
    let mut closed = Vec::new();
    for file in files {
        let name = file?.file_name();
        if let Some(number) = name.to_str().and_then(|name| name.strip_prefix("closed-")?.parse::<u64>().ok())
        {
            closed.push((number, name));
        }
    }
    closed.sort_unstable();
    closed.pop();
    closed.iter().try_for_each(|(_, name)| {
        let path = log.join(name);
        let file = fs::OpenOptions::new().write(true).open(&path)?;
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        // Not every file system can; the space then comes back with the next start.
        let _cannot = rustix::fs::fallocate(&file, hole, 0, file.metadata()?.len());
        fs::remove_file(path)
    })
}

/// Edge reports some damage by panicking: that must not take the other collections with it.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("the engine panicked: {}", text.unwrap_or("for no stated reason")))
    })
}
