//! A server as a child process that cannot outlive this one.
//!
//! The kernel sends the parent-death signal when the *thread* that spawned the child ends, not the
//! process. So each child has a thread of its own that spawns it and then waits for it: the thread
//! lives exactly as long as the child, and no runtime or pool thread is involved. It also means
//! that a `Child` outlives the tokio runtime it was started from.

use std::{
    io,
    os::unix::process::CommandExt as _,
    process::{Command, ExitStatus},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::sync::{oneshot, watch};

/// Enough for `fork` and `waitid`; the default of 2 MiB would be address space for nothing.
const STACK_BYTES: usize = 256 * 1024;

/// Which signals a child gets when nobody is left to ask it politely.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signals {
    /// When this process ends, however it ends.
    pub(crate) parent_death: Signal,
    /// When the `Child` is dropped while the process runs.
    pub(crate) dropped: Signal,
}

#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    /// True while the process has not been reaped. Signals are sent under the lock, so that they
    /// never reach another process that was given the same number.
    present: Arc<Mutex<bool>>,
    exit: watch::Receiver<Option<ExitStatus>>,
    dropped: Signal,
}

impl Child {
    /// Starts `command` in a process group of its own: Ctrl-C on the terminal is for this process
    /// alone, which then stops its servers in order.
    pub(crate) async fn spawn(mut command: Command, signals: Signals) -> io::Result<Self> {
        command.process_group(0);
        die_with_this_process(&mut command, signals.parent_death);

        let (started, starting) = oneshot::channel();
        let (exited, exit) = watch::channel(None);
        let present = Arc::new(Mutex::new(true));
        let reaping = Arc::clone(&present);
        thread::Builder::new().name("child".to_owned()).stack_size(STACK_BYTES).spawn(move || {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => {
                    // The caller may be gone; then nobody wants to know.
                    started.send(Err(error)).ok();
                    return;
                }
            };
            drop(command);
            let pid = Pid::from_child(&child);
            if started.send(Ok(pid)).is_err() {
                // The caller was cancelled between asking and hearing.
                rustix::process::kill_process(pid, signals.dropped).ok();
            }
            // NOWAIT: the number stays ours until `present` says otherwise.
            while let Err(rustix::io::Errno::INTR) =
                rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            {
            }
            let mut present = reaping.lock().unwrap_or_else(PoisonError::into_inner);
            // An error means that somebody ignores SIGCHLD and the kernel has reaped it.
            let status = child.wait().unwrap_or_default();
            *present = false;
            drop(present);
            exited.send_replace(Some(status));
        })?;

        let pid = starting.await.map_err(io::Error::other)??;
        Ok(Self { pid, present, exit, dropped: signals.dropped })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Sends a signal if the process is still there.
    pub(crate) fn signal(&self, signal: Signal) {
        let present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        if *present {
            // The process exists, as a zombie at least, and is a child: this cannot fail.
            rustix::process::kill_process(self.pid, signal).ok();
        }
    }

    /// The exit status, if it has ended.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Waits for the end; does not borrow the child, so that it can be stopped meanwhile.
    pub(crate) fn wait(&self) -> impl Future<Output = ExitStatus> + Send + use<> {
        let mut exit = self.exit.clone();
        async move {
            let ended = exit.wait_for(Option::is_some).await;
            ended.ok().and_then(|status| *status).unwrap_or_default()
        }
    }

    /// Waits for the end, at most `limit`.
    pub(crate) async fn wait_within(&self, limit: Duration) -> Option<ExitStatus> {
        tokio::time::timeout(limit, self.wait()).await.ok()
    }

    /// Sends each signal in turn and gives it its time; the last one must be SIGKILL.
    pub(crate) async fn stop(&self, steps: &[(Signal, Duration)]) -> ExitStatus {
        for (signal, limit) in steps {
            self.signal(*signal);
            if let Some(status) = self.wait_within(*limit).await {
                return status;
            }
        }
        self.wait().await
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(self.dropped);
    }
}

#[expect(unsafe_code, reason = "the parent-death signal has to be asked for between fork and exec")]
fn die_with_this_process(command: &mut Command, signal: Signal) {
    let parent = rustix::process::getpid();
    let ask = move || {
        rustix::process::set_parent_process_death_signal(Some(signal))?;
        // The parent may have ended before it was asked for; then no signal would ever come.
        if rustix::process::getppid() == Some(parent) {
            Ok(())
        } else {
            Err(io::Error::from_raw_os_error(rustix::io::Errno::SRCH.raw_os_error()))
        }
    };
    // SAFETY: the closure makes two system calls and allocates nothing, as the child of a process
    // with several threads must. The standard library runs it after it has changed user and group,
    // which matters: changing them clears the signal.
    unsafe { command.pre_exec(ask) };
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    const SIGNALS: Signals = Signals { parent_death: Signal::KILL, dropped: Signal::KILL };

    fn sleeper() -> Command {
        let mut command = Command::new("sleep");
        command.arg("600");
        command
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_an_error() {
        let error = Child::spawn(Command::new("/no/such/program"), SIGNALS).await;
        assert_eq!(error.map(drop).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_dropped_child_ends() {
        let child = Child::spawn(sleeper(), SIGNALS).await.unwrap();
        let end = child.wait();
        drop(child);
        assert_eq!(end.await.signal(), Some(Signal::KILL.as_raw()));
    }

    #[tokio::test]
    async fn stopping_goes_on_to_the_next_signal() {
        let mut deaf = Command::new("sh");
        deaf.args(["-c", "trap '' TERM; while :; do sleep 0.1; done"]);
        let child = Child::spawn(deaf, SIGNALS).await.unwrap();
        // Until the trap is set TERM may end it; either way nothing is left, and KILL is the end.
        let steps = [(Signal::TERM, Duration::from_millis(300)), (Signal::KILL, Duration::from_secs(10))];
        assert!(child.stop(&steps).await.signal().is_some());
        assert!(child.ended().is_some());
        child.signal(Signal::KILL);
    }
}
