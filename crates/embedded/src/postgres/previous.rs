//! `postmaster.pid`: whether our server is ready, and what an earlier one has left.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::process::Signal;

use super::{STOP_STEPS, StartError};
use crate::process;

/// The server's other processes notice within milliseconds that the postmaster is gone.
const ORPHAN_STEPS: [(Signal, Duration); 2] =
    [(Signal::QUIT, Duration::from_secs(5)), (Signal::KILL, Duration::from_secs(10))];
const PROGRAM: &str = "postgres";

/// Seconds since 1970, as the server writes them into `postmaster.pid`.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Whether the postmaster `pid`, started no earlier than `not_before`, accepts connections. This
/// is how `pg_ctl -w` knows it: the eighth line. The time tells a file of an earlier server that
/// had the same number, as in containers; two seconds are left to clocks.
pub(super) fn is_ready(data_dir: &Path, pid: u32, not_before: u64) -> bool {
    fs::read_to_string(data_dir.join("postmaster.pid")).is_ok_and(|text| {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let started = lines.get(2).and_then(|line| line.parse::<u64>().ok());
        lines.first().and_then(|line| line.parse().ok()) == Some(pid)
            && started.is_some_and(|started| started + 2 >= not_before)
            && lines.get(7) == Some(&"ready")
    })
}

/// Ends every server process that works in `data_dir`: a whole server that a killed Vectora left,
/// one that is still shutting down, or the rest of a server whose postmaster was killed. The
/// caller holds the data directory, so none of them belongs to a living Vectora.
pub(super) async fn end(data_dir: &Path) -> Result<(), StartError> {
    let pid_file = data_dir.join("postmaster.pid");
    if let Some(pid) = process::pid_in(&pid_file) {
        let runs = || process::works_in(pid, PROGRAM, data_dir);
        if runs() {
            tracing::warn!(pid, "a PostgreSQL of an earlier run is still there; stopping it");
        }
        for (signal, limit) in STOP_STEPS {
            if !runs() {
                break;
            }
            process::signal(pid, signal);
            process::until(limit, || !runs()).await;
        }
        if runs() {
            return Err(StartError::Stuck { pid, dir: data_dir.to_owned() });
        }
    }

    // They end on their own, so the first step is to wait; then to ask; then to insist.
    let rest = || process::all_working_in(PROGRAM, data_dir);
    let mut left = !process::until(Duration::from_secs(5), || rest().is_empty()).await;
    for (signal, limit) in ORPHAN_STEPS {
        if left {
            for pid in rest() {
                process::signal(pid, signal);
            }
            left = !process::until(limit, || rest().is_empty()).await;
        }
    }
    if let Some(pid) = rest().first() {
        return Err(StartError::Stuck { pid: *pid, dir: data_dir.to_owned() });
    }

    // The number can belong to another program by now (in containers it often does), and then
    // PostgreSQL would refuse to start. Nothing works in the directory, so the file is stale.
    if let Some(pid) = process::pid_in(&pid_file)
        && process::exists(pid)
    {
        fs::remove_file(&pid_file).map_err(|source| StartError::io("remove the stale", &pid_file, source))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_server_that_was_just_started_is_ready() {
        let dir = tempfile::tempdir().unwrap();
        let write = |status: &str| {
            let text = format!("77\n/data\n1700000000\n5432\n/data/socket\n\n  1 2\n{status}\n");
            fs::write(dir.path().join("postmaster.pid"), text).unwrap();
        };
        assert!(!is_ready(dir.path(), 77, 1_700_000_000));
        write("starting");
        assert!(!is_ready(dir.path(), 77, 1_700_000_000));
        write("ready   ");
        assert!(is_ready(dir.path(), 77, 1_700_000_001));
        assert!(!is_ready(dir.path(), 78, 1_700_000_000));
        assert!(!is_ready(dir.path(), 77, 1_700_000_060));
    }

    #[tokio::test]
    async fn a_stale_file_that_names_another_program_is_removed_and_the_program_lives() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("postmaster.pid");
        fs::write(&file, format!("{}\n/data\n", std::process::id())).unwrap();
        end(dir.path()).await.unwrap();
        assert!(!file.exists());
        // A number that nobody has is left to PostgreSQL, which checks shared memory by this file.
        fs::write(&file, "4194305\n/data\n").unwrap();
        end(dir.path()).await.unwrap();
        assert!(file.exists());
    }
}
