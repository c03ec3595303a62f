//! The cluster's directory: where it is, which version made it, and making it.
//!
//! A new cluster is made beside its place and renamed when it is complete, so a directory with
//! `PG_VERSION` is always a whole cluster, whenever this process was killed.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{DATABASE, Options, ROLE, StartError, config, owner};
use crate::{
    account::Account,
    files,
    find::{self, PgBinaries},
    process, tool,
};

/// `initdb` writes 40 MB and syncs them; slow disks exist.
const CREATE_LIMIT: Duration = Duration::from_mins(5);

/// The directory without links, once its parent exists and the account can get there.
pub(super) async fn locate(data_dir: &Path, owner: &Account) -> Result<PathBuf, StartError> {
    let failed = |source| StartError::io("create the directory for", data_dir, source);
    let absolute = std::path::absolute(data_dir).map_err(failed)?;
    files::create_all(absolute.parent().unwrap_or(Path::new("/"))).map_err(failed)?;
    let resolved = process::resolved(&absolute).map_err(failed)?;
    owner::can_enter(owner, resolved.parent().unwrap_or(Path::new("/")), &resolved).await?;
    Ok(resolved)
}

/// What made the cluster, such as `15`; `None` when there is no cluster yet.
pub(super) fn version(data_dir: &Path) -> Result<Option<String>, StartError> {
    let path = data_dir.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => Ok(Some(text.trim().to_owned())),
        // Cut short by a crash or a full disk.
        Ok(_) => Err(StartError::NotACluster { dir: data_dir.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let occupied = fs::read_dir(data_dir).is_ok_and(|mut entries| entries.next().is_some());
            if occupied {
                return Err(StartError::NotACluster { dir: data_dir.to_owned() });
            }
            Ok(None)
        }
        Err(source) => Err(StartError::io("read", &path, source)),
    }
}

/// The programs for the cluster: those of its version if they are installed, else none will do.
/// A new cluster gets the newest.
pub(super) async fn binaries(data_dir: &Path, newest: PgBinaries) -> Result<PgBinaries, StartError> {
    let Some(cluster) = version(data_dir)? else {
        return Ok(newest);
    };
    match cluster.parse() {
        Ok(major) if major == newest.version => return Ok(newest),
        Ok(major) => {
            if let Some(found) = find::postgres_of(major).await {
                return Ok(found);
            }
        }
        // Before 10, versions were like 9.6.
        Err(_) => {}
    }
    let installed = newest.version;
    Err(StartError::Version { dir: data_dir.to_owned(), cluster, installed })
}

/// Makes the cluster with the role and the database.
pub(super) async fn create(
    options: &Options,
    owner: &Account,
    binaries: &PgBinaries,
) -> Result<(), StartError> {
    let data_dir = &options.data_dir;
    let staging = staging(data_dir);
    // Of a run that was killed while it made it.
    match fs::remove_dir_all(&staging) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StartError::io("remove the unfinished", &staging, error));
        }
        _ => {}
    }
    files::create_private(&staging, owner).map_err(|source| StartError::io("create", &staging, source))?;
    let made = fill(options, owner, binaries, &staging).await;
    let placed = made.and_then(|()| {
        place(&staging, data_dir).map_err(|source| StartError::io("put in place", data_dir, source))
    });
    if placed.is_err() {
        // A full disk should at least not stay fuller; the next start removes what is left.
        fs::remove_dir_all(&staging).ok();
    }
    placed
}

async fn fill(
    options: &Options,
    owner: &Account,
    binaries: &PgBinaries,
    staging: &Path,
) -> Result<(), StartError> {
    let mut initdb = owner.command(binaries.dir.join("initdb"));
    initdb.arg("--pgdata").arg(staging).arg(format!("--username={ROLE}"));
    initdb.args(["--encoding=UTF8", "--locale=C.UTF-8", "--auth=peer", "--no-instructions"]);
    if !options.durable {
        initdb.arg("--no-sync");
    }
    run("initdb", initdb, None, options).await?;

    let hba = staging.join("pg_hba.conf");
    files::write(&hba, config::HBA, Some(owner)).map_err(|source| StartError::io("write", &hba, source))?;
    config::write(staging, options, owner, Path::new("/tmp")).await?;
    let conf = staging.join("postgresql.conf");
    fs::OpenOptions::new()
        .append(true)
        .open(&conf)
        .and_then(|mut file| file.write_all(config::INCLUDE.as_bytes()))
        .map_err(|source| StartError::io("write", &conf, source))?;

    // Without a server and a client: nothing listens before the cluster is complete.
    let mut single = owner.command(binaries.dir.join("postgres"));
    single.arg("--single").arg("-D").arg(staging).arg("postgres");
    let sql = format!("CREATE DATABASE {DATABASE};\n");
    run("postgres --single", single, Some(&sql), options).await
}

async fn run(
    step: &'static str,
    command: std::process::Command,
    input: Option<&str>,
    options: &Options,
) -> Result<(), StartError> {
    let dir = options.data_dir.clone();
    let finished = tool::run(command, input, CREATE_LIMIT).await.map_err(|source| StartError::Io {
        action: "make a PostgreSQL cluster in",
        path: dir.clone(),
        source,
    })?;
    // In single-user mode a statement that fails does not change the exit status.
    let refused = ["ERROR:", "FATAL:", "PANIC:"].iter().any(|word| finished.output.contains(word));
    if finished.status.success() && !refused {
        return Ok(());
    }
    let tail = files::last_lines(&finished.output);
    Err(StartError::Create { step, status: finished.status, dir, tail })
}

/// Renames, also over an empty directory, and makes that last.
fn place(staging: &Path, data_dir: &Path) -> io::Result<()> {
    fs::rename(staging, data_dir)?;
    File::open(data_dir.parent().unwrap_or(Path::new("/")))?.sync_all()
}

fn staging(data_dir: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(data_dir.file_name().unwrap_or_default());
    name.push(".initializing");
    data_dir.with_file_name(name)
}
