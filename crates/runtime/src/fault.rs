//! Kill points: places where a test stops a real process from outside.
//!
//! `[faults] at = "answer.uncommitted=kill@3, deliver.called=hold"`. Actions: `kill` (SIGKILL of the own process
//! at the n-th arrival, the first by default) and `hold` (waits until the file `[faults] release` exists; every
//! arrival from the n-th on). They exist in every build, so that the binary under test is the one people
//! run, and cost one atomic load while nothing is armed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::Deserialize;

/// The `[faults]` section: for tests only.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Which points, and what happens there.
    pub at: Option<String>,
    /// The file whose existence releases what is held.
    pub release: Option<PathBuf>,
}

impl Settings {
    /// # Errors
    /// [`SpecError`].
    pub fn validate(&self) -> Result<(), SpecError> {
        self.at.iter().flat_map(|at| at.split(',')).try_for_each(|part| parse(part.trim()).map(drop))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Kill,
    Hold,
}

#[derive(Debug)]
struct Point {
    name: String,
    action: Action,
    from: u32,
    arrivals: AtomicU32,
}

#[derive(Debug)]
struct Armed {
    points: Vec<Point>,
    release: Option<PathBuf>,
}

static ARMED: OnceLock<Armed> = OnceLock::new();

/// A specification that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("faults.at: {0:?} is not `point=kill`, `point=kill@3` or `point=hold`")]
pub struct SpecError(String);

/// Arms the points, once in the life of a process; a second call changes nothing.
///
/// # Errors
/// [`SpecError`].
pub fn arm(at: &str, release: Option<&Path>) -> Result<(), SpecError> {
    let points = at.split(',').map(|part| parse(part.trim())).collect::<Result<_, _>>()?;
    drop(ARMED.set(Armed { points, release: release.map(Path::to_owned) }));
    Ok(())
}

fn parse(part: &str) -> Result<Point, SpecError> {
    let wrong = || SpecError(part.to_owned());
    let (name, rest) = part.split_once('=').ok_or_else(wrong)?;
    let (action, from) = rest.split_once('@').unwrap_or((rest, "1"));
    let action = match action {
        "kill" => Action::Kill,
        "hold" => Action::Hold,
        _ => return Err(wrong()),
    };
    // Arrivals count from 1: the 0th would never come.
    let from = from.parse().ok().filter(|from| *from > 0).ok_or_else(wrong)?;
    Ok(Point { name: name.to_owned(), action, from, arrivals: AtomicU32::new(0) })
}

/// Whether any point is armed: callers that would have to format a name ask first.
pub fn armed() -> bool {
    ARMED.get().is_some()
}

/// Passes the point `name`: does nothing unless it is armed.
pub async fn point(name: &str) {
    let Some(armed) = ARMED.get() else { return };
    for point in armed.points.iter().filter(|point| point.name == name) {
        let arrival = point.arrivals.fetch_add(1, Ordering::SeqCst) + 1;
        match point.action {
            Action::Kill if arrival == point.from => die(),
            Action::Hold if arrival >= point.from => hold(armed, name).await,
            Action::Kill | Action::Hold => {}
        }
    }
}

/// A real SIGKILL: no destructor runs, no buffer is flushed.
fn die() {
    if rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).is_err() {
        // It cannot fail for the own process; if it does, this is the next best.
        std::process::abort();
    }
}

async fn hold(armed: &Armed, name: &str) {
    // On stderr and not in the log: the test that waits for it reads stderr whatever the log's format is.
    // Nobody reading it is no reason to panic.
    drop(writeln!(std::io::stderr(), "held at {name}"));
    while !armed.release.as_ref().is_some_and(|file| file.exists()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_names_point_action_and_arrival() {
        let point = parse("answer.uncommitted=kill@3").unwrap();
        assert_eq!((point.name.as_str(), point.action, point.from), ("answer.uncommitted", Action::Kill, 3));
        assert_eq!(parse("deliver.called=hold").unwrap().action, Action::Hold);
        for wrong in ["", "a", "a=explode", "a=kill@x", "a=kill@0"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_held_task_goes_on_when_it_is_released() {
        let dir = tempfile::tempdir().unwrap();
        let release = dir.path().join("go");
        arm("here=hold@2", Some(&release)).unwrap();
        point("here").await;
        point("elsewhere").await;
        let held = point("here");
        tokio::pin!(held);
        let waited = tokio::time::timeout(Duration::from_millis(30), &mut held).await;
        assert!(waited.is_err(), "the second arrival is held");
        std::fs::write(&release, "").unwrap();
        tokio::time::timeout(Duration::from_secs(5), held).await.unwrap();
    }

    const CHILD: &str = "fault::tests::a_process_that_kills_itself_at_the_second_arrival";

    #[test]
    fn a_killed_process_dies_of_sigkill_at_the_chosen_arrival() {
        use std::os::unix::process::ExitStatusExt;
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", CHILD, "--ignored", "--nocapture"])
            .output()
            .unwrap();
        assert_eq!(child.status.signal(), Some(9), "{:?}", child.status);
        let said = String::from_utf8_lossy(&child.stderr);
        assert!(said.contains("past the first") && !said.contains("past the second"), "{said}");
    }

    #[tokio::test]
    #[ignore = "it kills its process: the test above runs it in one of its own"]
    async fn a_process_that_kills_itself_at_the_second_arrival() {
        // `cargo test -- --include-ignored` must survive.
        if !std::env::args().any(|argument| argument == CHILD) {
            return;
        }
        arm("step=kill@2", None).unwrap();
        for time in ["first", "second"] {
            point("step").await;
            drop(writeln!(std::io::stderr(), "past the {time}"));
        }
    }
}
