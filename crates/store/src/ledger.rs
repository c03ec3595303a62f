//! The connection pool, sized by role.

use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, Postgres, Transaction};

use crate::{Error, Settings};

/// What a process does, which decides how many connections it may hold.
///
/// Batches make few connections enough: a claim, a renewal, a settle or an accept is one flight for many
/// rows, and at most two flights of each are in the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything in one process: `vectora up`.
    All,
    /// What answers people in it.
    Public,
    Ingress,
    Api,
    Worker,
    /// One command, then gone.
    Tool,
}

impl Role {
    fn max_connections(self) -> u32 {
        match self {
            // The server is on this machine: beyond what its cores can do, statements only take turns, and each takes
            // longer (https://wiki.postgresql.org/wiki/Number_Of_Database_Connections). Where a disk is slow more would
            // wait at once; but what waits is taken by the next batch, so few are enough. One more than cores, because
            // one may wait for a lock.
            Self::All | Self::Public => (cores() + 1).clamp(3, 25),
            Self::Ingress | Self::Api => 10,
            Self::Worker => 12,
            Self::Tool => 4,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::All => "vectora up",
            Self::Public => "vectora up, public",
            Self::Ingress => "vectora ingress",
            Self::Api => "vectora api",
            Self::Worker => "vectora worker",
            Self::Tool => "vectora",
        }
    }
}

fn cores() -> u32 {
    std::thread::available_parallelism().map_or(2, |cores| u32::try_from(cores.get()).unwrap_or(24))
}

/// A handle on the ledger; clones share the pool.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(crate) pool: PgPool,
    patience: Duration,
}

/// Beyond what the server allows a statement: then the answer is lost, not late.
const GRACE: Duration = Duration::from_secs(5);

/// A connection used so lately is as good as one that is in use: the server may go away under both. Under load nearly
/// all are, and a ping would double the round trips.
const FRESH: Duration = Duration::from_millis(100);

/// A connection that does not answer a ping by then is dropped.
const PING: Duration = Duration::from_millis(500);

/// The configured URL is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("store.url (DATABASE_URL) is not a PostgreSQL URL: write postgres://user:password@host/database")]
pub struct UrlError;

/// sqlx's parser takes any scheme, and says what it does not like by quoting it.
pub(crate) fn parse(url: &SecretString) -> Result<PgConnectOptions, UrlError> {
    let url = url.expose_secret();
    let known = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    known.then(|| PgConnectOptions::from_str(url).ok()).flatten().ok_or(UrlError)
}

impl Ledger {
    /// Makes the pool without connecting: a ledger that is away is noticed, and waited for, at first use.
    ///
    /// # Errors
    /// [`UrlError`] when the URL cannot be read. It never prints the URL, which may hold a password.
    pub fn open(settings: &Settings, role: Role) -> Result<Self, UrlError> {
        let url = settings.url.as_ref().ok_or(UrlError)?;
        let millis = |limit: Duration| format!("{}ms", limit.as_millis());
        let options = parse(url)?.application_name(role.name()).options([
            ("statement_timeout", millis(settings.statement_timeout)),
            ("lock_timeout", millis(settings.lock_timeout)),
            ("idle_in_transaction_session_timeout", millis(settings.idle_in_transaction_timeout)),
            // Statements here touch few rows by key; planning with the just-in-time compiler costs more.
            ("jit", "off".to_owned()),
            // Every table grows, and a plan is kept: one that was made while a table had a page would go on reading
            // all of it. Where there is no index it is read all the same.
            ("enable_seqscan", "off".to_owned()),
            // By keys, whatever their number, the plan is the same; left to itself the server plans most of the
            // larger statements anew each time, which took more of it than running them.
            ("plan_cache_mode", "force_generic_plan".to_owned()),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections.unwrap_or_else(|| role.max_connections()))
            .acquire_timeout(settings.acquire_timeout)
            // A ping before use: after a restart of the server the pool mends itself without failing a single
            // caller. With a limit of its own: a host that died silently answers nothing, and each connection to it
            // would cost a whole acquire.
            .test_before_acquire(false)
            .before_acquire(|connection, used| {
                Box::pin(async move {
                    if used.idle_for < FRESH {
                        return Ok(true);
                    }
                    let alive = tokio::time::timeout(PING, connection.ping()).await;
                    Ok(matches!(alive, Ok(Ok(()))))
                })
            })
            .connect_lazy_with(options);
        Ok(Self { pool, patience: settings.statement_timeout + GRACE })
    }

    /// Runs a ledger call with a limit on this side. The server's own limits end a statement that is slow; a
    /// server that died without closing its connections answers nothing at all.
    ///
    /// # Errors
    /// The call's own, or [`Error::Unavailable`] after the limit: the outcome is unknown then.
    pub fn within<'a, T: 'a>(
        &self,
        call: impl Future<Output = Result<T, Error>> + Send + 'a,
    ) -> Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>> {
        let limited = tokio::time::timeout(self.patience, call);
        // Boxed: a ledger call is tens of kilobytes, and would be part of every future that awaits one.
        Box::pin(async move {
            limited.await.unwrap_or_else(|elapsed| {
                let silent = std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed);
                Err(Error::Unavailable(sqlx::Error::Io(silent)))
            })
        })
    }

    /// # Errors
    /// [`Error::Unavailable`] when no statement can be run now.
    pub async fn ping(&self) -> Result<(), Error> {
        self.within(async { Ok(sqlx::query("SELECT 1").execute(&self.pool).await.map(drop)?) }).await
    }

    /// Ends all connections; what runs is finished first.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>, Error> {
        Ok(self.pool.begin().await?)
    }
}
