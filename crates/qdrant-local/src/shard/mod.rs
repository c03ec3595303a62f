//! One collection: Edge's shard, the one thread that writes to it, and the calls that read it.
//!
//! Reads run beside each other and beside writes and sealing, on the runtime's blocking threads, as
//! many as [`READERS_A_CORE`] allows. Writes go through a queue to the thread (`writer`), which alone
//! updates, seals and flushes: Edge's `flush` panics when it meets an update or a sealing.

mod duplicates;
mod files;
mod writer;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use qdrant_client::qdrant::{DeletePoints, UpsertPoints};
use qdrant_edge::{EdgeConfig, EdgeShard, OperationResult};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::{convert::Schema, error::Refusal, journal::Entry};

pub(crate) use files::create;
use writer::{Change, Work};

/// More would only wait for a core, each with a stack and an allocator's arena of its own.
const READERS_A_CORE: usize = 2;
/// Writes that wait for the thread; a client that does not wait is held back beyond.
const QUEUE: usize = 32;

/// How often a collection is sealed and flushed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhythm {
    /// Points changed between two sealings.
    pub(crate) seal_every: usize,
    /// The longest that a write is in the journal only.
    pub(crate) flush_every: Duration,
}

/// An open collection.
#[derive(Debug)]
pub(crate) struct Shard {
    /// `None` once it is closed.
    edge: Mutex<Option<Arc<EdgeShard>>>,
    schema: Schema,
    config: EdgeConfig,
    readers: Arc<Semaphore>,
    most_readers: u32,
    queue: mpsc::Sender<Work>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The number of a write, if it was waited for.
pub(crate) type Applied = Option<u64>;

impl Shard {
    /// Opens the directory, replays its journal and starts the thread. Blocks.
    ///
    /// # Errors
    /// Why the collection cannot be used, for people.
    pub(crate) fn open(directory: &Path, name: &str, rhythm: Rhythm) -> Result<Self, String> {
        let (edge, journal) = files::open(directory)?;
        let edge = Arc::new(edge);
        let config = edge.config().clone();
        let schema = Schema::of(&config);
        let (queue, work) = mpsc::channel(QUEUE);
        let thread = writer::start(name, Arc::clone(&edge), journal, work, rhythm)
            .map_err(|error| format!("its thread does not start: {error}"))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let most_readers = cores * READERS_A_CORE;
        Ok(Self {
            edge: Mutex::new(Some(edge)),
            schema,
            config,
            readers: Arc::new(Semaphore::new(most_readers)),
            most_readers: u32::try_from(most_readers).unwrap_or(u32::MAX),
            queue,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(crate) fn config(&self) -> &EdgeConfig {
        &self.config
    }

    /// Runs `read` on a blocking thread.
    ///
    /// # Errors
    /// Edge's, and [`Refusal::Closed`].
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&EdgeShard) -> OperationResult<T> + Send + 'static,
    {
        let permit = Arc::clone(&self.readers).acquire_owned().await.map_err(|_| Refusal::Closed)?;
        let edge = self.edge().clone().ok_or(Refusal::Closed)?;
        let answer = tokio::task::spawn_blocking(move || {
            let answer = read(&edge);
            // Before the permit: who holds all permits holds the last reference.
            drop(edge);
            drop(permit);
            answer
        });
        match answer.await {
            Ok(answer) => Ok(answer?),
            Err(error) => Err(Refusal::Failed(format!("the engine failed: {error}"))),
        }
    }

    /// Writes points, replacing those that exist; returns when it is applied if the request waits.
    pub(crate) async fn upsert(&self, request: UpsertPoints) -> Result<Applied, Refusal> {
        self.write(request.wait.unwrap_or(false), Entry::Upsert(request)).await
    }

    /// Deletes points by id.
    pub(crate) async fn delete(&self, request: DeletePoints) -> Result<Applied, Refusal> {
        self.write(request.wait.unwrap_or(false), Entry::Delete(request)).await
    }

    async fn write(&self, wait: bool, entry: Entry) -> Result<Applied, Refusal> {
        // Checked, converted and encoded here, beside each other, so that the thread only writes.
        let record = entry.record();
        let change = Change::of(entry, &self.schema)?;
        let (done, answer) = oneshot::channel();
        let done = wait.then_some(done);
        self.queue.send(Work::Write { change, record, done }).await.map_err(|_| Refusal::Closed)?;
        if !wait {
            return Ok(None);
        }
        answer.await.map_err(|_| Refusal::Closed)?.map(Some)
    }

    /// Lets the thread look at the clock; it is busy, and does so anyway, when the queue is full.
    pub(crate) fn tick(&self) {
        let _busy_or_closed = self.queue.try_send(Work::Tick);
    }

    /// Refuses new calls, waits for the running ones, flushes, and lets go of the directory.
    pub(crate) async fn close(&self) {
        if let Ok(permits) = self.readers.acquire_many(self.most_readers).await {
            permits.forget();
            self.readers.close();
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let edge = self.edge().take();
        let Some(thread) = thread else { return };
        // An error: the thread has ended already.
        let _ended = self.queue.send(Work::Stop).await;
        let closed = tokio::task::spawn_blocking(move || {
            let _panic_is_logged = thread.join();
            drop(edge);
        });
        if closed.await.is_err() {
            tracing::error!("a collection could not be flushed when it was closed; its journal remains");
        }
    }

    fn edge(&self) -> std::sync::MutexGuard<'_, Option<Arc<EdgeShard>>> {
        self.edge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
