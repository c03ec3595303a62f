//! The index: what may be asked of Qdrant, and nothing else of it.
//!
//! A collection belongs to one generation and has one sparse vector, `lexical`, whose IDF the engine
//! multiplies in; that of a generation with an embedder has a dense vector beside it, `dense`, compared by
//! cosine. Points carry an id (the chunk row's) and the vectors, no payload.
//!
//! PostgreSQL cannot fence these calls. A repeated upsert or delete of the same ids changes nothing; a *late*
//! upsert can bring back a point that was deleted, which is why chunk ids are never used twice and the ledger
//! deletes a retired point a second time (LEDGER.md, tombstones). A call that ran into its time limit may
//! still be carried out.

mod collections;
mod error;
mod points;
mod search;
mod terms;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use qdrant_client::{Qdrant, QdrantError};
use secrecy::ExposeSecret;

pub use error::{Cause, IndexError};
pub use points::Point;
pub use search::{Hit, Probe, Probed, Wanted};
pub use terms::{Found, Statistics};

use crate::settings::{Settings, SettingsError};

/// The name of the sparse vector in every collection.
pub const VECTOR: &str = "lexical";

/// The name of the dense vector in the collection of a generation with an embedder.
pub const DENSE: &str = "dense";

/// Connections for searches. HTTP/2 carries many calls on one; its driver task is a bottleneck only past a
/// thousand calls a second.
const READERS: usize = 2;
/// Connections for everything else, so that no search waits behind a large upsert.
const WRITERS: usize = 1;

/// A client of the index. Clones share connections and what is known of terms.
#[derive(Clone)]
pub struct Index {
    reader: Qdrant,
    writer: Qdrant,
    search_limit: Duration,
    write_limit: Duration,
    write_timeout: Duration,
    terms: Arc<terms::Cache>,
}

impl Index {
    /// Connects with the first call, not here: an index that is away must not keep a process from starting.
    ///
    /// A call that runs into its timeout makes the client connect anew and try once more, for as long as
    /// connecting may take. That is not for the call's sake: nothing else would ever replace a connection
    /// whose other end vanished without a word, for the client sends no keep-alive pings of its own.
    ///
    /// # Errors
    /// Settings that [`Settings::validate`] refuses, or no URL.
    pub fn connect(settings: &Settings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self {
            reader: client(settings, settings.search_timeout, READERS)?,
            writer: client(settings, settings.write_timeout, WRITERS)?,
            search_limit: settings.search_timeout + settings.connect_timeout,
            write_limit: settings.write_timeout + settings.connect_timeout,
            write_timeout: settings.write_timeout,
            terms: Arc::new(terms::Cache::default()),
        })
    }

    /// Whether the index answers at all, for `/ready` and the breaker's probe.
    ///
    /// # Errors
    /// [`IndexError`]
    pub async fn health(&self) -> Result<(), IndexError> {
        self.read("", self.reader.health_check()).await.map(drop)
    }

    /// A call somebody waits for.
    fn read<'a, T: 'a>(
        &self,
        collection: &'a str,
        call: impl Future<Output = Result<T, QdrantError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, IndexError>> {
        limited(self.search_limit, collection, call)
    }

    /// A call that changes something, or looks at much.
    fn write<'a, T: 'a>(
        &self,
        collection: &'a str,
        call: impl Future<Output = Result<T, QdrantError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, IndexError>> {
        limited(self.write_limit, collection, call)
    }
}

/// Neither the address nor the key.
impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").finish_non_exhaustive()
    }
}

fn client(settings: &Settings, timeout: Duration, connections: usize) -> Result<Qdrant, SettingsError> {
    let url = settings.url.as_deref().ok_or(SettingsError::NoUrl)?;
    let mut builder = Qdrant::from_url(url)
        .connect_timeout(settings.connect_timeout)
        .timeout(timeout)
        .keep_alive_while_idle()
        // Otherwise `build` blocks on a call and prints to standard output.
        .skip_compatibility_check();
    builder.set_pool_size(connections);
    if let Some(key) = &settings.api_key {
        builder.set_api_key(key.expose_secret());
    }
    builder.build().map_err(|_| SettingsError::Url)
}

/// The client repeats a failed call once over a new connection, so its own timeout can pass twice.
///
/// Boxed: the client's futures are up to 18 KB, and would be part of every caller's.
fn limited<'a, T: 'a>(
    limit: Duration,
    collection: &'a str,
    call: impl Future<Output = Result<T, QdrantError>> + Send + 'a,
) -> BoxFuture<'a, Result<T, IndexError>> {
    Box::pin(async move {
        match tokio::time::timeout(limit, call).await {
            Ok(result) => result.map_err(|error| IndexError::of(&error, collection)),
            Err(_) => Err(IndexError::Away(Cause::TimeLimit)),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::Sparse;

    fn index(url: String) -> Index {
        let settings = Settings {
            url: Some(url),
            api_key: Some("hunter2".into()),
            connect_timeout: Duration::from_millis(300),
            search_timeout: Duration::from_millis(300),
            write_timeout: Duration::from_millis(300),
        };
        Index::connect(&settings).expect("connects lazily")
    }

    fn query() -> Sparse {
        Sparse { indices: vec![1], values: vec![1.0] }
    }

    #[tokio::test]
    async fn a_refused_connection_is_away_within_the_limit() {
        // Bound and dropped again: nothing listens there.
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = socket.local_addr().expect("address");
        drop(socket);
        let began = Instant::now();
        let error = index(format!("http://{address}")).search("c", &query(), 10).await.expect_err("away");
        assert!(matches!(error, IndexError::Away(_)), "{error:?}");
        assert!(began.elapsed() < Duration::from_secs(2));
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("127.0.0.1"), "{shown}");
    }

    #[tokio::test]
    async fn a_server_that_never_answers_is_away_within_the_limit() {
        // The listener's queue accepts the connection; nobody ever reads from it.
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = socket.local_addr().expect("address");
        let began = Instant::now();
        let error = index(format!("http://{address}")).exists("c").await.expect_err("away");
        assert!(matches!(error, IndexError::Away(_)), "{error:?}");
        assert!(began.elapsed() < Duration::from_secs(2));
        drop(socket);
    }

    #[tokio::test]
    async fn a_query_without_terms_finds_nothing_and_calls_nobody() {
        let index = index("http://127.0.0.1:9".to_owned());
        assert_eq!(index.search("c", &Sparse::default(), 10).await.expect("no call"), Vec::new());
    }
}
