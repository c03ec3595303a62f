//! A private `nats-server` with `JetStream`, on loopback, with a token.
//!
//! Everything it has lies in one directory: `nats.conf` (0600, the token is in it and on no
//! command line), `nats.pid`, `nats.log` and the store `jetstream/`.

mod config;
mod port;
mod ready;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    account::bare_command,
    child::{Child, Signals},
    files::{self, Log},
    find::{self, FindError},
    process,
};

/// SIGTERM lets it write its state; beyond this it is killed, which loses nothing either.
const STOP_STEPS: [(Signal, Duration); 2] =
    [(Signal::TERM, Duration::from_secs(10)), (Signal::KILL, Duration::from_secs(10))];
/// A free port can be taken between looking and using.
const PORT_TRIES: usize = 5;

/// What to start.
#[derive(Clone)]
pub struct Options {
    /// Its directory; created if missing. One server a directory.
    pub dir: PathBuf,
    /// The port on 127.0.0.1; `None` takes a free one and keeps it over restarts.
    pub port: Option<u16>,
    /// What clients must show, such as a [`crate::random_token`].
    pub token: String,
    /// Sync every message to disk before acknowledging it, where the server can (2.10 and newer;
    /// 2.9 does not know the setting and syncs every two minutes). False for tests.
    pub durable: bool,
    /// The most that streams in files may hold or reserve together, in bytes.
    pub max_file_store: u64,
    /// How long it may take until it answers; reading a large store takes time.
    pub start_limit: Duration,
}

impl Options {
    /// A durable server on a free port, 8 GiB of store, one minute to start.
    pub fn new(dir: impl Into<PathBuf>, token: impl Into<String>) -> Self {
        Self {
            dir: dir.into(),
            port: None,
            token: token.into(),
            durable: true,
            max_file_store: 8 << 30,
            start_limit: Duration::from_mins(1),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("dir", &self.dir)
            .field("port", &self.port)
            .field("durable", &self.durable)
            .finish_non_exhaustive()
    }
}

/// Why the server is not there. Log lines are the server's own; it does not print the token.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It is not installed.
    #[error(transparent)]
    Find(#[from] FindError),
    /// It does not say which version it is.
    #[error("{} does not run: `--version` printed no version", program.display())]
    Program {
        /// The program.
        program: PathBuf,
    },
    /// A file or directory of its own.
    #[error("cannot {action} {}; check owner and free space", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Another program has the port.
    #[error(
        "port {port} on 127.0.0.1 is in use, so nats-server cannot have it; choose another port, or none for a free one"
    )]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// It ended before it answered.
    #[error("nats-server ended while starting ({status}); its last words, from {}:\n{tail}", log.display())]
    Died {
        /// How.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The last lines.
        tail: String,
    },
    /// It does not answer.
    #[error("nats-server did not answer on port {port} within {} s; its last words, from {}:\n{tail}", limit.as_secs(), log.display())]
    Slow {
        /// Where it was asked.
        port: u16,
        /// How long.
        limit: Duration,
        /// Its log.
        log: PathBuf,
        /// The last lines.
        tail: String,
    },
    /// A server of an earlier run ignores SIGKILL.
    #[error("the nats-server of an earlier run (process {pid}) in {} does not end; end it by hand", dir.display())]
    Stuck {
        /// Its number.
        pid: u32,
        /// The directory.
        dir: PathBuf,
    },
}

/// A running server. Dropping it kills it at once; [`NatsServer::stop`] is the polite way.
#[derive(Debug)]
pub struct NatsServer {
    options: Options,
    program: PathBuf,
    version: Vec<u32>,
    port: u16,
    child: Child,
}

/// Stops what an earlier run left in the directory, starts the server and waits until it answers.
///
/// # Errors
/// See [`StartError`]; nothing is left running then.
pub async fn start(mut options: Options) -> Result<NatsServer, StartError> {
    let program = find::nats_server()?;
    let version =
        find::nats_version(&program).await.ok_or_else(|| StartError::Program { program: program.clone() })?;
    files::create_all(&options.dir)
        .and_then(|()| process::resolved(&options.dir))
        .map(|resolved| options.dir = resolved)
        .map_err(|source| StartError::Io { action: "create", path: options.dir.clone(), source })?;
    end_previous(&options.dir).await?;

    let mut tries = 0;
    loop {
        let port = match options.port {
            Some(port) => port,
            None => port::free().map_err(|source| StartError::Io {
                action: "find a free port on",
                path: PathBuf::from("127.0.0.1"),
                source,
            })?,
        };
        tries += 1;
        match launch(&options, &program, &version, port).await {
            Ok(child) => return Ok(NatsServer { options, program, version, port, child }),
            Err(StartError::PortInUse { .. }) if options.port.is_none() && tries < PORT_TRIES => {}
            Err(error) => return Err(error),
        }
    }
}

impl NatsServer {
    /// Where clients connect: `nats://127.0.0.1:<port>`, the same after every restart. The token
    /// is not in it.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// What clients must show.
    pub fn token(&self) -> &str {
        &self.options.token
    }

    /// The process; of the last start, if it has ended.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// The version, such as `[2, 9, 10]`.
    pub fn version(&self) -> &[u32] {
        &self.version
    }

    /// Where `JetStream` keeps its streams.
    pub fn store_dir(&self) -> PathBuf {
        config::store_dir(&self.options.dir)
    }

    /// Waits for the process to end, for whatever reason. Does not borrow the server, so that it
    /// can be stopped meanwhile; a restart is not waited for.
    pub fn wait(&self) -> impl Future<Output = ExitStatus> + Send + use<> {
        self.child.wait()
    }

    /// SIGTERM, and SIGKILL after 10 s. Returns at once if it has ended.
    pub async fn stop(&mut self) -> ExitStatus {
        self.child.stop(&STOP_STEPS).await
    }

    /// SIGKILL, and waits for the end.
    pub async fn kill(&mut self) -> ExitStatus {
        self.child.stop(&[(Signal::KILL, Duration::from_secs(10))]).await
    }

    /// Stops it if it runs, and starts it again on the same port.
    ///
    /// # Errors
    /// See [`StartError`]. A port that another program took meanwhile is waited for until
    /// `start_limit`.
    pub async fn restart(&mut self) -> Result<(), StartError> {
        self.stop().await;
        let deadline = Instant::now() + self.options.start_limit;
        loop {
            match launch(&self.options, &self.program, &self.version, self.port).await {
                Ok(child) => {
                    self.child = child;
                    return Ok(());
                }
                Err(StartError::PortInUse { .. }) if Instant::now() < deadline => {
                    tokio::time::sleep(process::POLL).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

async fn launch(options: &Options, program: &Path, version: &[u32], port: u16) -> Result<Child, StartError> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| StartError::Io { action, path, source }
    };
    let path = config::path(&options.dir);
    let text = config::text(options, version, port);
    files::write(&path, &text, None).map_err(failed("write", &path))?;
    let log_path = options.dir.join("nats.log");
    let log = Log::open(&log_path, None).map_err(failed("open", &log_path))?;

    let mut command = bare_command(program);
    command.arg("--config").arg(&path).stdin(Stdio::null());
    let writer = log.writer().map_err(failed("open", &log_path))?;
    command.stdout(writer.try_clone().map_err(failed("open", &log_path))?).stderr(writer);
    let began = Instant::now();
    let signals = Signals { parent_death: Signal::TERM, dropped: Signal::KILL };
    let child = Child::spawn(command, signals).await.map_err(failed("run", program))?;

    let name = config::server_name(&options.dir);
    let ready = tokio::time::timeout(options.start_limit, ready::answers(port, &name));
    tokio::select! {
        // An answer of this very server counts even if it ended right after.
        biased;
        ready = ready => match ready {
            Ok(()) => {
                let pid = child.pid();
                tracing::info!(pid, port, elapsed = ?began.elapsed(), "nats-server answers");
                Ok(child)
            }
            Err(_) => Err(StartError::Slow {
                port,
                limit: options.start_limit,
                log: log_path,
                tail: log.tail(),
            }),
        },
        status = child.wait() => {
            let tail = log.tail();
            if tail.contains("address already in use") {
                return Err(StartError::PortInUse { port });
            }
            Err(StartError::Died { status, log: log_path, tail })
        }
    }
}

/// Ends a server that a killed Vectora left in `dir`. It is ours if it runs with our
/// configuration; the pid file is for people, since its number can be anybody's by now.
async fn end_previous(dir: &Path) -> Result<(), StartError> {
    let config = config::path(dir);
    let left = || process::all_with_argument("nats-server", &config);
    for (signal, limit) in STOP_STEPS {
        let pids = left();
        if pids.is_empty() {
            return Ok(());
        }
        tracing::warn!(?pids, ?signal, "a nats-server of an earlier run is still there; stopping it");
        for pid in pids {
            process::signal(pid, signal);
        }
        process::until(limit, || left().is_empty()).await;
    }
    match left().first() {
        Some(pid) => Err(StartError::Stuck { pid: *pid, dir: dir.to_owned() }),
        None => Ok(()),
    }
}
