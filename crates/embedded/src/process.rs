//! Looking at processes that are not our children, through `/proc`.
//!
//! Between a look and a signal the number could in theory go to another process. Numbers are
//! given out in a circle of at least 32,768, so what was looked at microseconds ago is what is hit.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};

/// How often a condition that nobody announces is looked at again.
pub(crate) const POLL: Duration = Duration::from_millis(15);

/// Whether the process exists and is more than a zombie that nobody has reaped.
pub(crate) fn is_alive(pid: u32) -> bool {
    // `pid (name) state …`, and the name may contain anything.
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X'])))
}

/// Whether the number is taken at all, by a zombie too.
pub(crate) fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// The program's short name.
fn name(pid: u32) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

/// Whether `pid` is a live process named `program` that works in `dir` (an absolute path without
/// links). Only root and the same user may know the directory: otherwise false.
pub(crate) fn works_in(pid: u32, program: &str, dir: &Path) -> bool {
    is_alive(pid)
        && name(pid).as_deref() == Some(program)
        && fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == dir)
}

/// Every process for which [`works_in`] holds.
pub(crate) fn all_working_in(program: &str, dir: &Path) -> Vec<u32> {
    all().filter(|pid| works_in(*pid, program, dir)).collect()
}

/// Every live process named `program` with `path` among its arguments.
pub(crate) fn all_with_argument(program: &str, path: &Path) -> Vec<u32> {
    all()
        .filter(|pid| name(*pid).as_deref() == Some(program))
        .filter(|pid| is_alive(*pid) && has_argument(*pid, path))
        .collect()
}

fn has_argument(pid: u32, path: &Path) -> bool {
    fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| line.split(|byte| *byte == 0).any(|one| one == path.as_os_str().as_encoded_bytes()))
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Sends a signal; a process that has gone meanwhile is no error.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        rustix::process::kill_process(pid, signal).ok();
    }
}

/// Waits until `condition` holds, at most `limit`; says whether it did.
pub(crate) async fn until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while !condition() {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(POLL).await;
    }
    true
}

/// The pid in the first line of a file, if there is such a file and such a line.
pub(crate) fn pid_in(file: &Path) -> Option<u32> {
    fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
}

/// `dir` without links and relative parts, even if only its parent exists.
pub(crate) fn resolved(dir: &Path) -> std::io::Result<PathBuf> {
    let absolute = std::path::absolute(dir)?;
    match (fs::canonicalize(&absolute), absolute.parent(), absolute.file_name()) {
        (Ok(real), ..) => Ok(real),
        (Err(_), Some(parent), Some(name)) => Ok(fs::canonicalize(parent)?.join(name)),
        (Err(error), ..) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_recognised_by_its_arguments_only() {
        let own = std::process::id();
        assert!(is_alive(own) && exists(own));
        let program = PathBuf::from(std::env::args_os().next().unwrap());
        assert!(has_argument(own, &program));
        assert!(!has_argument(own, Path::new("/somewhere/else/nats.conf")));
        assert!(all_with_argument("nats-server", &program).is_empty());
        assert!(!works_in(own, "postgres", &std::env::current_dir().unwrap()));
    }
}
