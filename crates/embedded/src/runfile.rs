//! `run.json`: how the tools of the same machine find a running `vectora up`.
//!
//! It holds secrets (the local key, the NATS token, perhaps a password in the database URL), so it
//! is readable by its owner only, and nothing prints it.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::files;

/// What a running installation tells the tools beside it. Unknown fields are ignored, so that
/// tools of the release before can read it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    /// The process that wrote it.
    pub pid: u32,
    /// Its release.
    pub version: String,
    /// Address and port of the public HTTP listener.
    pub listen: String,
    /// Address and port of the internal listener (metrics, readiness).
    pub internal: String,
    /// Where the ledger is.
    pub database_url: String,
    /// Where the queue is.
    pub nats_url: String,
    /// The queue's token, when it has one.
    #[serde(default)]
    pub nats_token: Option<String>,
    /// Where the index is.
    #[serde(default)]
    pub qdrant_url: Option<String>,
    /// The index's key, when it has one.
    #[serde(default)]
    pub qdrant_api_key: Option<String>,
    /// The API key of the local tools.
    #[serde(default)]
    pub key: Option<String>,
    /// The embedded `PostgreSQL`, when there is one.
    #[serde(default)]
    pub postgres_pid: Option<u32>,
    /// The embedded nats-server, when there is one.
    #[serde(default)]
    pub nats_pid: Option<u32>,
}

impl fmt::Debug for RunFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunFile")
            .field("pid", &self.pid)
            .field("version", &self.version)
            .field("listen", &self.listen)
            .field("internal", &self.internal)
            .finish_non_exhaustive()
    }
}

/// Why `run.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunFileError {
    /// It could not be read, written or removed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// "read", "write" or "remove".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is not what this release writes. The cause is left out: it could quote a secret.
    #[error("{} is damaged or of another release; start `vectora up` again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// The file's path in a data directory.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("run.json")
}

impl RunFile {
    /// Replaces `run.json` of `data_dir` in one step, mode 0600.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn write(&self, data_dir: &Path) -> Result<(), RunFileError> {
        let path = path(data_dir);
        let text = serde_json::to_string_pretty(self).map_err(io::Error::from);
        text.and_then(|text| files::write(&path, &text, None)).map_err(|source| RunFileError::Io {
            action: "write",
            path,
            source,
        })
    }

    /// Reads `run.json`; `None` when there is none. It may be left of a killed process: ask
    /// [`crate::lock::is_held`].
    ///
    /// # Errors
    /// When it cannot be read (another user's) or understood.
    pub fn read(data_dir: &Path) -> Result<Option<Self>, RunFileError> {
        let path = path(data_dir);
        match fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(found) => Ok(Some(found)),
                Err(_) => Err(RunFileError::Damaged { path }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(RunFileError::Io { action: "read", path, source }),
        }
    }

    /// Removes `run.json`, if it is there.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn remove(data_dir: &Path) -> Result<(), RunFileError> {
        let path = path(data_dir);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(RunFileError::Io { action: "remove", path, source: error })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn example() -> RunFile {
        RunFile {
            pid: 7,
            version: "0.1.0".to_owned(),
            listen: "127.0.0.1:8080".to_owned(),
            internal: "127.0.0.1:9090".to_owned(),
            database_url: "postgres://u:hidden@h/d".to_owned(),
            nats_url: "nats://127.0.0.1:20000".to_owned(),
            nats_token: Some("hidden".to_owned()),
            qdrant_url: Some("http://127.0.0.1:6334".to_owned()),
            qdrant_api_key: Some("hidden".to_owned()),
            key: Some("vk_hidden".to_owned()),
            postgres_pid: Some(8),
            nats_pid: None,
        }
    }

    #[test]
    fn what_is_written_is_read_until_it_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(RunFile::read(dir.path()).unwrap(), None);
        example().write(dir.path()).unwrap();
        assert_eq!(RunFile::read(dir.path()).unwrap(), Some(example()));
        let mode = fs::metadata(path(dir.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        RunFile::remove(dir.path()).unwrap();
        RunFile::remove(dir.path()).unwrap();
        assert_eq!(RunFile::read(dir.path()).unwrap(), None);
    }

    #[test]
    fn a_run_file_shows_no_secret() {
        assert!(!format!("{:?}", example()).contains("hidden"));
        let dir = tempfile::tempdir().unwrap();
        fs::write(path(dir.path()), r#"{"pid": "hidden"}"#).unwrap();
        let error = RunFile::read(dir.path()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hidden"));
    }
}
