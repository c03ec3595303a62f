//! The life of a process: what runs, and how it ends.
//!
//! **Soft** shutdown: nothing new is begun, what runs goes on. **Hard**: what runs lets go. SIGTERM or Ctrl-C
//! is soft, the second one hard; so is a long-lived task that panics or the end of the drain limit.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long what runs may take to let go after the hard shutdown: two statements to release a lease.
const LETTING_GO: Duration = Duration::from_secs(3);

/// Clones share the life.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    pub soft: CancellationToken,
    pub hard: CancellationToken,
    tasks: TaskTracker,
    failed: Arc<AtomicBool>,
    /// Where tasks run; `None`: where they are spawned.
    runtime: Option<Handle>,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Everything that ran came to its own end.
    pub clean: bool,
}

impl Lifecycle {
    /// Runs a task that a drain waits for. A panic does not pass silently: it is logged with the name, and the
    /// process shuts down and fails.
    #[expect(clippy::disallowed_methods, reason = "this is the tracker that the rule is about")]
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let life = self.clone();
        let watched = async move {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                tracing::error!(task = name, "a task panicked: shutting down");
                life.failed.store(true, Ordering::SeqCst);
                life.soft.cancel();
            }
        };
        let tracked = self.tasks.track_future(watched);
        match &self.runtime {
            Some(runtime) => drop(runtime.spawn(tracked)),
            None => drop(tokio::spawn(tracked)),
        }
    }

    /// The same life on another runtime: what is spawned on it runs there.
    #[must_use]
    pub fn on(&self, runtime: &Handle) -> Self {
        Self { runtime: Some(runtime.clone()), ..self.clone() }
    }

    /// Whether a task panicked.
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    /// SIGTERM and SIGINT: the first is soft, the second hard. Signals that cannot be watched keep their
    /// default: the process ends at once.
    #[expect(
        clippy::disallowed_methods,
        reason = "it lives as long as the process: a drain must not wait for it"
    )]
    pub fn watch_signals(&self) {
        // A file at its size limit (`ulimit -f`) shall be an error like a full disk, not the end: the signal
        // kills whoever does not handle it.
        drop(signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())));
        let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return;
        };
        let (soft, hard) = (self.soft.clone(), self.hard.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                // Whatever began the soft shutdown, a panic too, the next signal is the second.
                let at_once = soft.is_cancelled();
                tracing::info!(at_once, "told to stop");
                if at_once { hard.cancel() } else { soft.cancel() }
            }
        });
    }

    /// Runs what must outlive the drain because it shows it: no drain waits for it, it ends with the process.
    #[expect(clippy::disallowed_methods, reason = "on the tracker, the drain would wait for what watches it")]
    pub(crate) fn spawn_untracked(task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(task);
    }

    /// Asks everything to end and waits up to `limit`; then, or on a second signal, tells it to let go.
    pub async fn drain(&self, limit: Duration) -> Drained {
        self.soft.cancel();
        self.tasks.close();
        let clean = tokio::select! {
            () = self.tasks.wait() => true,
            () = tokio::time::sleep(limit) => false,
            () = self.hard.cancelled() => false,
        };
        self.hard.cancel();
        if !clean && tokio::time::timeout(LETTING_GO, self.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.tasks.len(), "cut off");
        }
        Drained { clean }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_drain_waits_for_what_runs_and_then_makes_it_let_go() {
        let life = Lifecycle::default();
        let hard = life.hard.clone();
        life.spawn("stubborn", async move { hard.cancelled().await });
        assert_eq!(life.drain(Duration::from_secs(5)).await, Drained { clean: false });

        let life = Lifecycle::default();
        let soft = life.soft.clone();
        life.spawn("obedient", async move { soft.cancelled().await });
        assert_eq!(life.drain(Duration::from_secs(5)).await, Drained { clean: true });
    }

    #[tokio::test(start_paused = true)]
    async fn the_hard_shutdown_ends_a_drain_before_its_limit() {
        let life = Lifecycle::default();
        let hard = life.hard.clone();
        life.spawn("worker", async move { hard.cancelled().await });
        life.hard.cancel();
        let started = tokio::time::Instant::now();
        assert_eq!(life.drain(Duration::from_mins(1)).await, Drained { clean: false });
        assert!(started.elapsed() < Duration::from_secs(1));
    }

    /// One test for all signals: the process has one set of them, and every watcher sees each.
    #[tokio::test]
    async fn the_first_signal_is_soft_and_the_second_hard() {
        use rustix::process::{Signal, getpid, kill_process};
        let deadline = Duration::from_secs(10);
        let life = Lifecycle::default();
        life.watch_signals();
        kill_process(getpid(), Signal::TERM).unwrap();
        tokio::time::timeout(deadline, life.soft.cancelled()).await.unwrap();
        assert!(!life.hard.is_cancelled());
        // This one began its soft shutdown by itself: for it, the next signal is the second.
        let failing = Lifecycle::default();
        failing.soft.cancel();
        failing.watch_signals();
        kill_process(getpid(), Signal::INT).unwrap();
        tokio::time::timeout(deadline, life.hard.cancelled()).await.unwrap();
        tokio::time::timeout(deadline, failing.hard.cancelled()).await.unwrap();
    }

    #[tokio::test]
    async fn a_task_that_panics_takes_the_process_down() {
        let life = Lifecycle::default();
        life.spawn("broken", async { panic!("for the test") });
        life.soft.cancelled().await;
        assert!(life.failed());
    }
}
