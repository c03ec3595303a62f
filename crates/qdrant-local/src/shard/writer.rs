//! The one thread that writes to a collection.
//!
//! It takes what is queued, up to [`TOGETHER`] points, writes all records to the journal at once,
//! applies neighbouring upserts as one operation, and answers. Then it looks whether to seal or to
//! flush. Sealing stops writes, not searches: they read the old segments until the new one is there.

use std::{
    io,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Instant,
};

use qdrant_client::qdrant::{DeletePoints, points_selector::PointsSelectorOneOf};
use qdrant_edge::{
    EdgeShard, PointId, PointInsertOperations, PointOperations, PointStructPersisted, UpdateOperation,
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    convert::{self, Schema},
    error::Refusal,
    journal::{Entry, Journal},
    shard::{Rhythm, files},
};

/// Points applied together: enough that eight clients with small batches pay once, few enough that
/// the first of them does not wait long.
const TOGETHER: usize = 1_024;
/// A journal that is longer is flushed early, so that a start does not replay for long. In bytes.
const LONG_JOURNAL: u64 = 64 << 20;
/// When nothing was written for one `flush_every`, this part of `seal_every` is reason enough to seal.
const QUIET_PART: usize = 10;

/// What the thread is asked.
#[derive(Debug)]
pub(super) enum Work {
    Write {
        change: Change,
        record: Vec<u8>,
        /// `None`: nobody waits.
        done: Option<oneshot::Sender<Result<u64, Refusal>>>,
    },
    /// Look at the clock.
    Tick,
    Stop,
}

/// A write, checked and converted.
#[derive(Debug)]
pub(super) enum Change {
    Upsert(Vec<PointStructPersisted>),
    Delete(Vec<PointId>),
}

impl Change {
    /// # Errors
    /// What is wrong with the request.
    pub(super) fn of(entry: Entry, schema: &Schema) -> Result<Self, Refusal> {
        match entry {
            Entry::Upsert(request) => {
                let points = request.points.into_iter().map(|point| convert::point(point, schema));
                points.collect::<Result<_, _>>().map(Self::Upsert)
            }
            Entry::Delete(DeletePoints { points, .. }) => {
                match points.and_then(|points| points.points_selector_one_of) {
                    Some(PointsSelectorOneOf::Points(list)) => convert::point_ids(list.ids).map(Self::Delete),
                    Some(PointsSelectorOneOf::Filter(_)) => Err(Refusal::Unsupported("delete by a filter")),
                    None => Err(Refusal::Invalid("PointsSelector is missing".to_owned())),
                }
            }
        }
    }

    /// As Edge takes it.
    pub(super) fn operation(self) -> UpdateOperation {
        UpdateOperation::PointOperation(match self {
            Self::Upsert(points) => PointOperations::UpsertPoints(PointInsertOperations::PointsList(points)),
            Self::Delete(ids) => PointOperations::DeletePoints { ids },
        })
    }

    fn points(&self) -> usize {
        match self {
            Self::Upsert(points) => points.len(),
            Self::Delete(ids) => ids.len(),
        }
    }

    /// Takes `next` in if both can be one operation: of a point that is in both, the later one wins.
    fn join(&mut self, next: Self) -> Option<Self> {
        match (self, next) {
            (Self::Upsert(points), Self::Upsert(more)) => points.extend(more),
            (Self::Delete(ids), Self::Delete(more)) => ids.extend(more),
            (_, next) => return Some(next),
        }
        None
    }
}

type Waiting = Option<oneshot::Sender<Result<u64, Refusal>>>;

struct Writer {
    edge: Arc<EdgeShard>,
    journal: Journal,
    rhythm: Rhythm,
    /// Writes since the start, for `operation_id`.
    writes: u64,
    /// Points changed since the last sealing.
    unsealed: usize,
    flushed: Instant,
    written: Instant,
}

/// Starts the thread; it ends at [`Work::Stop`], when the queue closes, or when Edge panics.
pub(super) fn start(
    name: &str,
    edge: Arc<EdgeShard>,
    journal: Journal,
    queue: mpsc::Receiver<Work>,
    rhythm: Rhythm,
) -> io::Result<JoinHandle<()>> {
    let name = name.to_owned();
    let now = Instant::now();
    let writer = Writer { edge, journal, rhythm, writes: 0, unsealed: 0, flushed: now, written: now };
    thread::Builder::new().name("index-writer".to_owned()).spawn(move || {
        if let Err(error) = files::guarded(|| {
            writer.run(queue);
            Ok(())
        }) {
            tracing::error!(collection = %name, %error, "a collection stopped until the next start");
        }
    })
}

impl Writer {
    fn run(mut self, mut queue: mpsc::Receiver<Work>) {
        let mut stopping = false;
        while !stopping {
            let Some(mut work) = queue.blocking_recv() else { break };
            let mut writes = Vec::new();
            let mut points = 0;
            loop {
                match work {
                    Work::Write { change, record, done } => {
                        points += change.points();
                        writes.push((change, record, done));
                    }
                    Work::Tick => {}
                    Work::Stop => stopping = true,
                }
                match queue.try_recv() {
                    Ok(next) if points < TOGETHER => work = next,
                    Ok(next) => {
                        // One more than wanted: it cannot be put back.
                        if let Work::Write { change, record, done } = next {
                            writes.push((change, record, done));
                        } else {
                            stopping |= matches!(next, Work::Stop);
                        }
                        break;
                    }
                    Err(_) => break,
                }
            }
            self.write(writes);
            self.look_at_the_clock();
        }
        self.flush();
    }

    fn write(&mut self, writes: Vec<(Change, Vec<u8>, Waiting)>) {
        if writes.is_empty() {
            return;
        }
        self.written = Instant::now();
        let records: Vec<u8> = writes.iter().flat_map(|(_, record, _)| record.iter().copied()).collect();
        if let Err(error) = self.journal.append(&records) {
            let reason = format!("the journal cannot be written: {error}");
            for (_, _, done) in writes {
                answer(done, Err(Refusal::Failed(reason.clone())));
            }
            return;
        }
        let mut together: Option<(Change, Vec<Waiting>)> = None;
        for (change, _, done) in writes {
            together = match together {
                None => Some((change, vec![done])),
                Some((mut first, mut waiting)) => match first.join(change) {
                    None => {
                        waiting.push(done);
                        Some((first, waiting))
                    }
                    Some(other) => {
                        self.apply(first, waiting);
                        Some((other, vec![done]))
                    }
                },
            };
        }
        if let Some((change, waiting)) = together {
            self.apply(change, waiting);
        }
    }

    fn apply(&mut self, change: Change, waiting: Vec<Waiting>) {
        self.unsealed += change.points();
        let applied = self.edge.update(change.operation()).map_err(|error| error.to_string());
        if let Err(error) = &applied {
            tracing::error!(%error, "the engine refused a write");
        }
        for done in waiting {
            self.writes += 1;
            answer(done, applied.clone().map(|()| self.writes).map_err(Refusal::Failed));
        }
    }

    fn look_at_the_clock(&mut self) {
        let quiet = self.written.elapsed() >= self.rhythm.flush_every;
        let enough = if quiet { self.rhythm.seal_every / QUIET_PART } else { self.rhythm.seal_every };
        if self.unsealed >= enough.max(1) {
            self.seal();
        }
        if self.flushed.elapsed() >= self.rhythm.flush_every || self.journal.length() >= LONG_JOURNAL {
            self.flush();
        }
    }

    fn seal(&mut self) {
        let started = Instant::now();
        let points = std::mem::take(&mut self.unsealed);
        match self.edge.optimize() {
            Ok(sealed) => {
                let milliseconds = started.elapsed().as_millis();
                tracing::debug!(points, sealed, milliseconds, "sealed");
            }
            // Such as a disk without room for the copy: searches go on, only slower.
            Err(error) => tracing::warn!(%error, points, "not sealed; tried again after as many points"),
        }
        if let Err(error) = files::prune_log(&self.edge.path().join("wal")) {
            tracing::warn!(%error, "the engine's log was not shortened");
        }
    }

    /// Brings everything to the disk and empties the journal.
    ///
    /// Panics as Edge does when the disk fails: the journal then keeps what it has.
    fn flush(&mut self) {
        self.flushed = Instant::now();
        if self.journal.length() == 0 {
            return;
        }
        self.edge.flush();
        if let Err(error) = self.journal.clear() {
            tracing::error!(%error, "the journal was not emptied; it is replayed at the next start");
        }
        tracing::trace!(milliseconds = self.flushed.elapsed().as_millis(), "flushed");
    }
}

fn answer(done: Waiting, answer: Result<u64, Refusal>) {
    if let Some(done) = done {
        // The client may have gone.
        let _gone = done.send(answer);
    }
}
