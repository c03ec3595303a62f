//! A private `PostgreSQL` cluster, reachable through a Unix socket only.
//!
//! No password exists: `peer` authentication lets the server's own user, the user of this process
//! and root be the superuser `vectora`, and nobody else. Root cannot run `PostgreSQL`, so root's
//! cluster belongs to `postgres`.

mod cluster;
mod config;
mod error;
mod owner;
mod previous;
mod socket;

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::Signal;

pub use self::error::StartError;
use crate::{
    account::Account,
    child::{Child, Signals},
    files::Log,
    find::{self, PgBinaries},
    process,
};

/// The superuser of the cluster.
pub const ROLE: &str = "vectora";
/// The database that exists from the start.
pub const DATABASE: &str = "vectora";

/// SIGINT: sessions are ended and a checkpoint is written. SIGQUIT: recovery at the next start.
const STOP_STEPS: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(30)),
    (Signal::QUIT, Duration::from_secs(10)),
    (Signal::KILL, Duration::from_secs(10)),
];
/// Shared memory of a killed server is gone when its last process is; this is beyond any of them.
const SHARED_MEMORY_LIMIT: Duration = Duration::from_secs(10);

/// What to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster's directory; made by `initdb` if missing or empty. One server a directory.
    pub data_dir: PathBuf,
    /// Where the socket is; `None` is `<data_dir>/socket`. If the socket's path were longer than
    /// 107 bytes, a short directory is taken instead: [`PostgresServer::socket_dir`] tells.
    pub socket_dir: Option<PathBuf>,
    /// Sync to disk. False only for tests: a power failure then destroys the cluster.
    pub durable: bool,
    /// Connections at once, all roles together.
    pub max_connections: u16,
    /// `PostgreSQL`'s own cache, in MiB.
    pub shared_buffers_mib: u32,
    /// The account the server runs as; `None` is this one, and `postgres` for root.
    pub run_as: Option<String>,
    /// How long it may take until it accepts connections; recovery after a crash takes time.
    pub start_limit: Duration,
}

impl Options {
    /// A durable cluster, 100 connections, 64 MiB of cache, two minutes to start.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            socket_dir: None,
            durable: true,
            max_connections: 100,
            shared_buffers_mib: 64,
            run_as: None,
            start_limit: Duration::from_mins(2),
        }
    }
}

/// A running server. Dropping it ends it at once (SIGQUIT, the next start recovers);
/// [`PostgresServer::stop`] is the polite way.
#[derive(Debug)]
pub struct PostgresServer {
    options: Options,
    owner: Account,
    binaries: PgBinaries,
    socket_dir: PathBuf,
    child: Child,
}

/// Makes the cluster if there is none, stops what an earlier run left in the directory, starts
/// the server and waits until it accepts connections. The database [`DATABASE`] exists then.
///
/// # Errors
/// See [`StartError`]; nothing is left running then.
pub async fn start(mut options: Options) -> Result<PostgresServer, StartError> {
    // First: where nothing is installed there is no user `postgres` either.
    let newest = find::postgres().await?;
    let owner = owner::of(&options).await?;
    options.data_dir = cluster::locate(&options.data_dir, &owner).await?;
    let binaries = cluster::binaries(&options.data_dir, newest).await?;
    if cluster::version(&options.data_dir)?.is_none() {
        let began = Instant::now();
        cluster::create(&options, &owner, &binaries).await?;
        tracing::info!(
            dir = %options.data_dir.display(),
            elapsed = ?began.elapsed(),
            "a new PostgreSQL cluster was made"
        );
    }
    previous::end(&options.data_dir).await?;
    let socket_dir = socket::prepare(&options, &owner).await?;
    let child = launch(&options, &owner, &binaries, &socket_dir).await?;
    Ok(PostgresServer { options, owner, binaries, socket_dir, child })
}

impl PostgresServer {
    /// The URL of [`DATABASE`]. It holds no secret: who may use it is decided by who asks.
    pub fn url(&self) -> String {
        self.url_for(DATABASE)
    }

    /// The URL of another database of the cluster, for sqlx and psql alike.
    pub fn url_for(&self, database: &str) -> String {
        socket::url(&self.socket_dir, database)
    }

    /// The directory the socket is in.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The programs in use, and their major version.
    pub fn binaries(&self) -> &PgBinaries {
        &self.binaries
    }

    /// The postmaster; of the last start, if it has ended.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Waits for the postmaster to end, for whatever reason. Does not borrow the server, so that
    /// it can be stopped meanwhile; a restart is not waited for.
    pub fn wait(&self) -> impl Future<Output = ExitStatus> + Send + use<> {
        self.child.wait()
    }

    /// Fast shutdown (SIGINT), after 30 s an immediate one. Returns at once if it has ended.
    pub async fn stop(&mut self) -> ExitStatus {
        let status = self.child.stop(&STOP_STEPS).await;
        socket::forget(&self.socket_dir, &self.options);
        status
    }

    /// SIGKILL for the postmaster; returns when its other processes are gone, too.
    pub async fn kill(&mut self) -> ExitStatus {
        let status = self.child.stop(&[(Signal::KILL, Duration::from_secs(10))]).await;
        if let Err(error) = previous::end(&self.options.data_dir).await {
            tracing::warn!(%error, "processes of a killed PostgreSQL are left");
        }
        status
    }

    /// Stops it if it runs, and starts it again; the URL stays.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn restart(&mut self) -> Result<(), StartError> {
        self.child.stop(&STOP_STEPS).await;
        previous::end(&self.options.data_dir).await?;
        self.socket_dir = socket::prepare(&self.options, &self.owner).await?;
        self.child = launch(&self.options, &self.owner, &self.binaries, &self.socket_dir).await?;
        Ok(())
    }
}

/// Starts the postmaster, again if the kernel has not yet let go of a dead one's shared memory.
async fn launch(
    options: &Options,
    owner: &Account,
    binaries: &PgBinaries,
    socket_dir: &Path,
) -> Result<Child, StartError> {
    let deadline = Instant::now() + SHARED_MEMORY_LIMIT;
    loop {
        match launch_once(options, owner, binaries, socket_dir).await {
            Err(StartError::Died { tail, .. })
                if tail.contains("pre-existing shared memory block") && Instant::now() < deadline =>
            {
                tokio::time::sleep(process::POLL).await;
            }
            outcome => return outcome,
        }
    }
}

async fn launch_once(
    options: &Options,
    owner: &Account,
    binaries: &PgBinaries,
    socket_dir: &Path,
) -> Result<Child, StartError> {
    let data_dir = &options.data_dir;
    config::write(data_dir, options, owner, socket_dir).await?;
    let log_path = data_dir.join("server.log");
    let opening = |source| StartError::io("open", &log_path, source);
    let log = Log::open(&log_path, Some(owner)).map_err(opening)?;

    let program = binaries.dir.join("postgres");
    let mut command = owner.command(&program);
    command.arg("-D").arg(data_dir).stdin(Stdio::null());
    command.stdout(log.writer().map_err(opening)?).stderr(log.writer().map_err(opening)?);
    let (began, not_before) = (Instant::now(), previous::now());
    let signals = Signals { parent_death: Signal::INT, dropped: Signal::QUIT };
    let child =
        Child::spawn(command, signals).await.map_err(|source| StartError::io("run", &program, source))?;

    let pid = child.pid();
    let ready = process::until(options.start_limit, || {
        child.ended().is_some() || previous::is_ready(data_dir, pid, not_before)
    });
    let in_time = ready.await;
    if let Some(status) = child.ended() {
        return Err(StartError::Died { status, log: log_path, tail: log.tail() });
    }
    if !in_time {
        let error = StartError::Slow { limit: options.start_limit, log: log_path, tail: log.tail() };
        child.stop(&STOP_STEPS[1..]).await;
        return Err(error);
    }
    tracing::info!(pid, elapsed = ?began.elapsed(), "PostgreSQL accepts connections");
    Ok(child)
}
