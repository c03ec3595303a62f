//! The listener: where it is, what it takes, and how it stops.

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use qdrant_client::qdrant::{
    collections_server::CollectionsServer, points_server::PointsServer, qdrant_server::QdrantServer,
};
use secrecy::SecretString;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{service::interceptor::InterceptedService, transport::server::TcpIncoming};

use crate::{
    auth::KeyCheck, catalogue::Catalogue, collections::CollectionCalls, error::Error, health::Health,
    points::PointCalls, shard::Rhythm,
};

/// A batch of 1,024 points with dense vectors of 3,072 dimensions is 12 MiB; tonic's own limit is 4.
const LARGEST_MESSAGE: usize = 64 << 20;
/// What calls may still take when the server stops; searches take milliseconds.
const LAST_CALLS: Duration = Duration::from_secs(10);

/// What to start.
#[derive(Clone)]
pub struct Options {
    /// Everything lies in it; created if missing. One server a directory.
    pub directory: PathBuf,
    /// What every call must show.
    pub api_key: SecretString,
    /// `127.0.0.1:0` takes a free port.
    pub listen: SocketAddr,
    /// Points changed until a collection is sealed, at least 1. Unsealed points cost each insert
    /// more and more time (RETRIEVAL.md); sealing copies segments.
    pub seal_every: usize,
    /// The longest that a write waits for the disk.
    pub flush_every: Duration,
}

impl Options {
    /// A free port on loopback, 5,000 points, five seconds.
    pub fn new(directory: impl Into<PathBuf>, api_key: SecretString) -> Self {
        Self {
            directory: directory.into(),
            api_key,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            seal_every: 5_000,
            flush_every: Duration::from_secs(5),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options")
            .field("directory", &self.directory)
            .field("listen", &self.listen)
            .field("seal_every", &self.seal_every)
            .field("flush_every", &self.flush_every)
            .finish_non_exhaustive()
    }
}

/// A running server. Dropped without [`Server::stop`], it stops answering; what was not flushed is in
/// the journals.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    catalogue: Arc<Catalogue>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    /// Opens the directory and listens. Replaying journals may take seconds after a crash.
    ///
    /// # Errors
    /// [`Error`]. A damaged collection is none: it is logged, and calls to it say so.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let Options { directory, api_key, listen, seal_every, flush_every } = options;
        let failed = |source| Error::Listen { address: listen, source };
        let incoming = TcpIncoming::bind(listen).map_err(failed)?.with_nodelay(Some(true));
        let address = incoming.local_addr().map_err(failed)?;
        let rhythm = Rhythm { seal_every, flush_every };
        let path = directory.clone();
        let catalogue = tokio::task::spawn_blocking(move || Catalogue::open(directory, rhythm))
            .await
            .map_err(|error| Error::Directory { path, source: std::io::Error::other(error) })??;
        let server = Self {
            address,
            catalogue: Arc::new(catalogue),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        server.serve(incoming, KeyCheck::new(api_key));
        server.flush_on_a_timer(flush_every);
        server.tasks.close();
        Ok(server)
    }

    /// Where gRPC is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same for `qdrant-client`: `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no new calls, waits for the running ones (ten seconds at most), flushes, and lets go of
    /// the directory. Again is the same as once.
    pub async fn stop(&self) {
        self.stopping.cancel();
        if tokio::time::timeout(LAST_CALLS, self.tasks.wait()).await.is_err() {
            tracing::warn!("the index stops although calls are running");
        }
        self.catalogue.close().await;
    }

    fn serve(&self, incoming: TcpIncoming, check: KeyCheck) {
        let points = PointsServer::new(PointCalls { catalogue: Arc::clone(&self.catalogue) })
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(usize::MAX);
        let collections = CollectionsServer::new(CollectionCalls { catalogue: Arc::clone(&self.catalogue) });
        let router = tonic::transport::Server::builder()
            .add_service(QdrantServer::new(Health))
            .add_service(InterceptedService::new(collections, check.clone()))
            .add_service(InterceptedService::new(points, check));
        let stopping = self.stopping.clone();
        self.tasks.spawn(async move {
            let stop = stopping.cancelled_owned();
            if let Err(error) = router.serve_with_incoming_shutdown(incoming, stop).await {
                tracing::error!(%error, "the index stopped listening");
            }
        });
    }

    fn flush_on_a_timer(&self, every: Duration) {
        let catalogue = Arc::clone(&self.catalogue);
        let stopping = self.stopping.clone();
        self.tasks.spawn(async move {
            let mut timer = tokio::time::interval(every.max(Duration::from_millis(10)));
            timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while stopping.run_until_cancelled(timer.tick()).await.is_some() {
                catalogue.tick();
            }
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}
