//! Why a private `PostgreSQL` is not there: each with the thing, the limit and the remedy.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use crate::find::FindError;

/// Why the server is not there. Log lines are the server's own and hold no data of the ledger.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It is not installed.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The cluster was made by another major version, which is not installed.
    #[error(
        "the cluster in {} was made by PostgreSQL {cluster}, but PostgreSQL {installed} is installed; \
         install postgresql-{cluster}, or dump it with the old version and restore it, or choose another --data-dir",
        dir.display()
    )]
    Version {
        /// The cluster's directory.
        dir: PathBuf,
        /// The version in its `PG_VERSION`.
        cluster: String,
        /// The major version that would be used.
        installed: u32,
    },
    /// The directory holds something else.
    #[error(
        "{} is not empty and holds no PostgreSQL cluster (PG_VERSION is missing or empty); empty it, or choose another --data-dir",
        dir.display()
    )]
    NotACluster {
        /// The directory.
        dir: PathBuf,
    },
    /// The account to run as does not exist.
    #[error(
        "PostgreSQL cannot run as root, and there is no user {user} to run it as; \
         it comes with the distribution's postgresql, or start Vectora as an ordinary user"
    )]
    NoUser {
        /// The account's name.
        user: String,
    },
    /// Only root may become somebody else.
    #[error(
        "PostgreSQL is to run as {user}, which only root can arrange; start Vectora as {user} or as root"
    )]
    NotAllowed {
        /// The account's name.
        user: String,
    },
    /// `peer` authentication and `initdb` need a name.
    #[error(
        "the user with the number {uid} has no name in /etc/passwd, which PostgreSQL needs; add an entry for it"
    )]
    NoName {
        /// The user's number.
        uid: u32,
    },
    /// The account cannot reach the directory.
    #[error(
        "the user {user}, who runs PostgreSQL for root, may not enter {}, which is on the way to {}; \
         run `chmod o+x {}`, or choose another --data-dir such as /var/lib/vectora",
        blocked.display(), data_dir.display(), blocked.display()
    )]
    Unreachable {
        /// The account's name.
        user: String,
        /// The first directory it may not enter.
        blocked: PathBuf,
        /// Where it has to get to.
        data_dir: PathBuf,
    },
    /// A directory for sockets that somebody else controls.
    #[error("{} is to hold PostgreSQL's socket, but {problem}; remove it", dir.display())]
    SocketDir {
        /// The directory.
        dir: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file or directory of its own.
    #[error("cannot {action} {}; check owner and free space, or choose another --data-dir", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The cluster could not be made.
    #[error(
        "{step} failed ({status}) for a new PostgreSQL cluster in {}; check owner and free space; it said:\n{tail}",
        dir.display()
    )]
    Create {
        /// The program.
        step: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The cluster's directory.
        dir: PathBuf,
        /// The last lines.
        tail: String,
    },
    /// It ended before it accepted connections.
    #[error("PostgreSQL ended while starting ({status}); its last words, from {}:\n{tail}", log.display())]
    Died {
        /// How.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The last lines.
        tail: String,
    },
    /// It does not get ready.
    #[error("PostgreSQL was not ready within {} s; its last words, from {}:\n{tail}", limit.as_secs(), log.display())]
    Slow {
        /// How long.
        limit: Duration,
        /// Its log.
        log: PathBuf,
        /// The last lines.
        tail: String,
    },
    /// A server of an earlier run ignores SIGKILL.
    #[error("the PostgreSQL of an earlier run (process {pid}) in {} does not end; end it by hand", dir.display())]
    Stuck {
        /// Its number.
        pid: u32,
        /// The cluster's directory.
        dir: PathBuf,
    },
}

impl StartError {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}
