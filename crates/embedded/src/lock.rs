//! One Vectora per data directory.
//!
//! The lock is the kernel's (`flock`): it goes with the process, however that ends, so it is never
//! stale. The number in the file is for people and error messages only.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::files;

/// Holds the data directory until dropped.
#[derive(Debug)]
pub struct DataDirLock {
    /// Closing it releases the lock.
    _file: File,
}

/// Why a data directory cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error(
        "the data directory {} is in use by process {holder}; stop that one, or choose another --data-dir",
        dir.display()
    )]
    Held {
        /// The data directory.
        dir: PathBuf,
        /// What the lock file says: a process number, or "(unknown)".
        holder: String,
    },
    /// The lock file could not be made or locked.
    #[error(
        "cannot lock the data directory with {}; check its owner and free space, or choose another --data-dir",
        path.display()
    )]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl DataDirLock {
    /// Creates `dir` if it is missing, and takes `dir/lock`.
    ///
    /// # Errors
    /// [`LockError::Held`] names the process that has it.
    pub fn acquire(dir: &Path) -> Result<Self, LockError> {
        let path = dir.join("lock");
        let failed = |source| LockError::Io { path: path.clone(), source };
        files::create_all(dir).map_err(failed)?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o644)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = written(&mut file).unwrap_or_else(|| "(unknown)".to_owned());
                return Err(LockError::Held { dir: dir.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Whether a live process holds `dir`. For tools that want to know if `run.json` still counts.
pub fn is_held(dir: &Path) -> bool {
    File::open(dir.join("lock"))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn written(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_the_first_one_is() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("data");
        assert!(!is_held(&dir));
        let lock = DataDirLock::acquire(&dir).unwrap();
        assert!(is_held(&dir));
        let error = DataDirLock::acquire(&dir).map(drop).unwrap_err().to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        assert!(error.contains("--data-dir"), "{error}");
        drop(lock);
        assert!(!is_held(&dir));
        DataDirLock::acquire(&dir).unwrap();
    }
}
