//! Where the distribution has put the servers' programs.
//!
//! `PostgreSQL`'s are not on `PATH` on Debian, and `nats-server` lies in `/usr/sbin`, which is not
//! on an ordinary user's.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    account::{self, bare_command},
    tool,
};

/// The ledger uses what `PostgreSQL` has since 15 (`UNIQUE NULLS NOT DISTINCT`, `MERGE`).
const OLDEST_POSTGRES: u32 = 15;
const VERSION_LIMIT: Duration = Duration::from_secs(20);

/// A server program that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// Nothing that could be used.
    #[error("{what} was not found (looked in {looked_in}); install it with: {install}")]
    Missing {
        /// The program, and the oldest version that will do.
        what: String,
        /// Directories, separated by commas.
        looked_in: String,
        /// A command for the shell.
        install: String,
    },
    /// Something is there, but too old.
    #[error("{} is version {version}, but at least {oldest} is needed; install it with: {install}", path.display())]
    TooOld {
        /// The program.
        path: PathBuf,
        /// Its version.
        version: u32,
        /// The oldest that will do.
        oldest: u32,
        /// A command for the shell.
        install: String,
    },
}

/// A directory with `postgres` and `initdb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PgBinaries {
    /// The directory.
    pub dir: PathBuf,
    /// The major version, such as 15.
    pub version: u32,
}

/// The `nats-server` of `PATH` or of the usual directories.
///
/// # Errors
/// [`FindError::Missing`], with the command that installs it.
pub fn nats_server() -> Result<PathBuf, FindError> {
    let dirs = search_path();
    dirs.iter().map(|dir| dir.join("nats-server")).find(|file| is_program(file)).ok_or_else(|| {
        FindError::Missing {
            what: "nats-server".to_owned(),
            looked_in: listed(&dirs),
            install: install_command("nats-server"),
        }
    })
}

/// The newest usable `PostgreSQL`: what `pg_config` names first, then the newest of
/// `/usr/lib/postgresql`, then `PATH`.
///
/// # Errors
/// When there is none, or none that is new enough, with the command that installs it.
pub async fn postgres() -> Result<PgBinaries, FindError> {
    let (dirs, found) = installed().await;
    if let Some(usable) = found.iter().find(|one| one.version >= OLDEST_POSTGRES) {
        return Ok(usable.clone());
    }
    let install = install_command("postgresql");
    Err(match found.first() {
        Some(old) => FindError::TooOld {
            path: old.dir.join("postgres"),
            version: old.version,
            oldest: OLDEST_POSTGRES,
            install,
        },
        None => FindError::Missing {
            what: format!("PostgreSQL {OLDEST_POSTGRES} or newer (postgres and initdb)"),
            looked_in: listed(&dirs),
            install,
        },
    })
}

/// The installed `PostgreSQL` of one major version.
pub(crate) async fn postgres_of(version: u32) -> Option<PgBinaries> {
    let (_, found) = installed().await;
    found.into_iter().find(|one| one.version == version)
}

/// The directories looked in, and every `PostgreSQL` in them in order of preference.
async fn installed() -> (Vec<PathBuf>, Vec<PgBinaries>) {
    let mut dirs = Vec::new();
    if let Some(pg_config) =
        search_path().iter().map(|dir| dir.join("pg_config")).find(|file| is_program(file))
    {
        let mut command = bare_command(pg_config);
        command.arg("--bindir");
        // The headers' package has pg_config too, and then names a directory without a server.
        if let Ok(finished) = tool::run(command, None, VERSION_LIMIT).await
            && finished.status.success()
        {
            dirs.push(PathBuf::from(finished.output.trim()));
        }
    }
    dirs.extend(packaged(Path::new("/usr/lib/postgresql")));
    dirs.extend(search_path());
    let mut seen = Vec::new();
    dirs.retain(|dir| {
        !seen.contains(dir) && {
            seen.push(dir.clone());
            true
        }
    });

    let mut found = Vec::new();
    for dir in &dirs {
        if is_program(&dir.join("postgres"))
            && is_program(&dir.join("initdb"))
            && let Some(version) = postgres_version(dir).await
        {
            found.push(PgBinaries { dir: dir.clone(), version });
        }
    }
    (dirs, found)
}

/// `<root>/<major>/bin`, the newest first.
fn packaged(root: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, dir)| dir).collect()
}

async fn postgres_version(dir: &Path) -> Option<u32> {
    let mut command = bare_command(dir.join("postgres"));
    command.arg("--version");
    let finished = tool::run(command, None, VERSION_LIMIT).await.ok()?;
    // `postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`, `… 18beta1`
    let version = finished.output.split_once("(PostgreSQL) ")?.1;
    numbers(version).first().copied()
}

/// The version of a `nats-server`, such as `[2, 9, 10]`.
pub(crate) async fn nats_version(program: &Path) -> Option<Vec<u32>> {
    let mut command = bare_command(program);
    command.arg("--version");
    let finished = tool::run(command, None, VERSION_LIMIT).await.ok()?;
    // `nats-server: v2.9.10`, `… v2.11.0-RC.1`
    let version = numbers(finished.output.split_once(": v")?.1);
    (version.len() >= 2).then_some(version)
}

/// The dotted numbers a text begins with.
fn numbers(text: &str) -> Vec<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].split('.').map_while(|part| part.parse().ok()).collect()
}

fn search_path() -> Vec<PathBuf> {
    let path = crate::environment("PATH").unwrap_or_default();
    let usual = ["/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin"].map(PathBuf::from);
    // An empty entry means the current directory: programs are not taken from there.
    let mut dirs: Vec<PathBuf> = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).collect();
    for dir in usual {
        if !dirs.contains(&dir) {
            dirs.push(dir);
        }
    }
    dirs
}

fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn install_command(package: &str) -> String {
    let sudo = if account::is_root() { "" } else { "sudo " };
    format!("{sudo}apt-get install -y --no-install-recommends {package}")
}

fn listed(dirs: &[PathBuf]) -> String {
    dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_programs_print() {
        assert_eq!(numbers("15.20 (Debian 15.20-0+deb12u1)"), [15, 20]);
        assert_eq!(numbers("18beta1"), [18]);
        assert_eq!(numbers("2.9.10\n"), [2, 9, 10]);
        assert_eq!(numbers("2.11.0-RC.1"), [2, 11, 0]);
        assert!(numbers("nonsense").is_empty());
    }

    #[test]
    fn the_newest_packaged_version_comes_first_by_number() {
        let root = tempfile::tempdir().unwrap();
        for name in ["9", "15", "17", "lost+found"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        let dirs = packaged(root.path());
        assert_eq!(dirs, ["17", "15", "9"].map(|name| root.path().join(name).join("bin")));
    }

    #[tokio::test]
    async fn both_servers_are_found_here() {
        let nats = nats_server().unwrap();
        assert!(nats_version(&nats).await.unwrap() >= vec![2, 9]);
        let found = postgres().await.unwrap();
        assert!(found.version >= OLDEST_POSTGRES);
        assert_eq!(postgres_of(found.version).await, Some(found));
        assert_eq!(postgres_of(1).await, None);
    }

    #[test]
    fn what_is_missing_is_named_with_the_command_that_installs_it() {
        let error = FindError::Missing {
            what: "nats-server".to_owned(),
            looked_in: "/usr/bin".to_owned(),
            install: install_command("nats-server"),
        };
        assert!(error.to_string().ends_with("apt-get install -y --no-install-recommends nats-server"));
    }
}
