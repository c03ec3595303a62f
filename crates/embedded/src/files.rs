//! Directories, files and logs that servers of another user must be able to use.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use crate::account::Account;

/// A server's log is set aside once, at a start, when it has grown beyond this.
const LOG_LIMIT: u64 = 16 * 1024 * 1024;
/// As much of a log as an error carries.
const TAIL_LINES: usize = 20;
const TAIL_BYTES: u64 = 8 * 1024;

/// Creates what is missing of `dir`. As root the new directories may be passed through (0711), or
/// the server's user could not reach what lies below; otherwise they are private (0700).
pub(crate) fn create_all(dir: &Path) -> io::Result<()> {
    let mode = if crate::account::is_root() { 0o711 } else { 0o700 };
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent() {
        create_all(parent)?;
    }
    match DirBuilder::new().mode(mode).create(dir) {
        // The umask has taken bits away.
        Ok(()) => fs::set_permissions(dir, Permissions::from_mode(mode)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Creates one directory that only `owner` may enter. It must not exist.
pub(crate) fn create_private(dir: &Path, owner: &Account) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(dir)?;
    give(dir, owner)
}

/// Makes `owner` the owner, if that is somebody else.
fn give(path: &Path, owner: &Account) -> io::Result<()> {
    if owner.is_current() {
        return Ok(());
    }
    std::os::unix::fs::lchown(path, Some(owner.uid), Some(owner.gid))
}

/// Replaces a file in one step, readable by `owner` only (by this user when there is none).
pub(crate) fn write(path: &Path, text: &str, owner: Option<&Account>) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    // 0600 and under a new name: a link that another user has put here is not followed.
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(text.as_bytes())?;
    if let Some(owner) = owner.filter(|owner| !owner.is_current()) {
        std::os::unix::fs::fchown(file.as_file(), Some(owner.uid), Some(owner.gid))?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Where a server's standard error goes, and what it said since it was started.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    start: u64,
}

impl Log {
    /// Opens the log for appending and remembers where this start begins.
    pub(crate) fn open(path: &Path, owner: Option<&Account>) -> io::Result<Self> {
        if fs::symlink_metadata(path).is_ok_and(|found| found.len() > LOG_LIMIT) {
            fs::rename(path, path.with_extension("log.old"))?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)?;
        if let Some(owner) = owner.filter(|owner| !owner.is_current()) {
            std::os::unix::fs::fchown(&file, Some(owner.uid), Some(owner.gid))?;
        }
        let start = file.metadata()?.len();
        Ok(Self { file, start })
    }

    pub(crate) fn writer(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// The last lines since the start, for an error text.
    pub(crate) fn tail(&self) -> String {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = self.file.try_clone()?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(self.start.max(length.saturating_sub(TAIL_BYTES))))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => last_lines(&String::from_utf8_lossy(&bytes)),
            Err(error) => format!("(the log cannot be read: {error})"),
        }
    }
}

/// The last lines of a text that are not blank, indented below the sentence that introduces them.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return "  (it said nothing)".to_owned();
    }
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines[from..].iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_shows_only_the_end_of_what_this_start_wrote() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server.log");
        fs::write(&path, "of an earlier run\n").unwrap();
        let log = Log::open(&path, None).unwrap();
        assert_eq!(log.tail(), "  (it said nothing)");
        for line in 0..100 {
            writeln!(log.writer().unwrap(), "line {line}").unwrap();
        }
        let tail = log.tail();
        assert_eq!(tail.lines().count(), TAIL_LINES);
        assert!(tail.ends_with("  line 99") && !tail.contains("earlier"));
    }

    #[test]
    fn a_file_is_replaced_whole_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settings");
        write(&path, "one", None).unwrap();
        write(&path, "two", None).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
