//! Where the socket is. Its path has at most 107 bytes, and clients of another user (root, for a
//! server of `postgres`) must reach it.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{Options, ROLE, StartError, owner};
use crate::{
    account::{self, Account},
    files,
};

/// `sun_path` has 108 bytes and ends with a zero.
const LONGEST: usize = 107;
/// `PostgreSQL`'s port names the socket. The directory is ours alone, so any number would do.
pub(super) const PORT: u16 = 5432;

/// The directory, made ready, without what a killed server left in it.
pub(super) async fn prepare(options: &Options, owner: &Account) -> Result<PathBuf, StartError> {
    let wanted = wanted(options);
    let dir = if fits(&wanted) { wanted } else { short(options, owner) };
    let checked = match fs::symlink_metadata(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = dir.parent().unwrap_or(Path::new("/"));
            files::create_all(parent)
                .and_then(|()| files::create_private(&dir, owner))
                .map_err(|source| StartError::io("create", &dir, source))?;
            fs::symlink_metadata(&dir)
        }
        found => found,
    };
    let found = checked.map_err(|source| StartError::io("look at", &dir, source))?;
    // In /tmp anybody could have been here first, and would then see every query.
    let trusted = found.uid() == 0 || found.uid() == owner.uid;
    let problem = if !found.is_dir() {
        Some("it is not a directory".to_owned())
    } else if !trusted {
        Some(format!("it belongs to user {}, not to {}", found.uid(), owner.name))
    } else if found.mode() & 0o002 != 0 {
        Some("everybody may write to it".to_owned())
    } else {
        None
    };
    if let Some(problem) = problem {
        return Err(StartError::SocketDir { dir, problem });
    }
    owner::can_enter(owner, &dir, &options.data_dir).await?;
    remove_stale(&dir, &options.data_dir)
        .map_err(|source| StartError::io("remove a stale socket in", &dir, source))?;
    Ok(dir)
}

/// Removes a short directory again; one inside the cluster stays.
pub(super) fn forget(dir: &Path, options: &Options) {
    if dir != wanted(options) {
        // Not empty or already gone: then there is nothing to tidy.
        fs::remove_dir(dir).ok();
    }
}

/// `postgres://` with the socket's directory as a percent-encoded host: what sqlx and libpq read.
/// Port and TLS mode are spelled out, or `PGPORT` and `PGSSLMODE` would decide.
pub(super) fn url(dir: &Path, database: &str) -> String {
    let host = encoded(&dir.to_string_lossy());
    format!("postgres://{ROLE}@{host}:{PORT}/{}?sslmode=disable", encoded(database))
}

fn wanted(options: &Options) -> PathBuf {
    match &options.socket_dir {
        Some(dir) => std::path::absolute(dir).unwrap_or_else(|_| dir.clone()),
        None => options.data_dir.join("socket"),
    }
}

/// Whether a socket can be here, and its directory be written in a URL and in `postgresql.conf`.
/// libpq takes a comma, even an encoded one, for the end of the first of several hosts.
fn fits(dir: &Path) -> bool {
    let file = file(dir);
    file.as_os_str().len() <= LONGEST
        && file.to_str().is_some_and(|text| !text.contains(|c: char| c == ',' || c.is_control()))
}

fn file(dir: &Path) -> PathBuf {
    dir.join(format!(".s.PGSQL.{PORT}"))
}

/// A short path that is the same at each start of the same cluster.
fn short(options: &Options, owner: &Account) -> PathBuf {
    let hash = crate::short_hash(&options.data_dir);
    // Root's runtime directory is closed to the server's user.
    let runtime = crate::environment("XDG_RUNTIME_DIR")
        .map(|dir| PathBuf::from(dir).join(format!("vectora-{hash}")))
        .filter(|dir| dir.is_absolute() && fits(dir) && dir.parent().is_some_and(Path::is_dir));
    match runtime {
        Some(dir) if !account::is_root() => dir,
        _ => PathBuf::from(format!("/tmp/vectora-{}-{hash}", owner.uid)),
    }
}

/// A killed server leaves its socket and a lock file with its number, which can be another
/// program's by now; `PostgreSQL` would then refuse to start. Only this cluster's are removed.
fn remove_stale(dir: &Path, data_dir: &Path) -> io::Result<()> {
    let socket = file(dir);
    let lock = PathBuf::from(format!("{}.lock", socket.display()));
    let ours = fs::read_to_string(&lock)
        .is_ok_and(|text| text.lines().nth(1).is_some_and(|line| Path::new(line) == data_dir));
    if ours {
        for path in [socket, lock] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            let halves = [byte >> 4, byte & 15].map(crate::hex_digit);
            out.extend(halves.map(|digit| digit.to_ascii_uppercase()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_107_bytes_is_the_longest() {
        let tail = "/.s.PGSQL.5432".len();
        assert!(fits(Path::new(&format!("/{}", "a".repeat(LONGEST - tail - 1)))));
        assert!(!fits(Path::new(&format!("/{}", "a".repeat(LONGEST - tail)))));
        assert!(!fits(Path::new("/a\nb")) && !fits(Path::new("/a,b")));
    }

    #[test]
    fn the_url_keeps_every_character_of_the_directory() {
        let url = url(Path::new("/data dir/ж@:?"), "vectora");
        assert_eq!(url, "postgres://vectora@%2Fdata%20dir%2F%D0%B6%40%3A%3F:5432/vectora?sslmode=disable");
    }
}
