//! A real process of the shipped binary: started, stopped, continued, killed.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal};

use crate::eventually;

/// Killed when dropped.
pub struct Program {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("pid", &self.child.id()).finish_non_exhaustive()
    }
}

impl Program {
    /// Starts it; what it writes to stdout and stderr is kept.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let streams: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("stdout is piped")),
            Box::new(child.stderr.take().expect("stderr is piped")),
        ];
        for stream in streams {
            let lines = lines.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            });
        }
        Self { child, lines }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written.
    pub fn output(&self) -> String {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Waits until it has written a line with `text` in it, and returns the line.
    pub async fn says(&self, text: &str) -> String {
        eventually(&format!("a line with {text:?}; it wrote:\n{}", self.output()), || async {
            let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.iter().find(|line| line.contains(text)).cloned()
        })
        .await
    }

    /// How often it has written `text`.
    pub fn said(&self, text: &str) -> usize {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| line.contains(text)).count()
    }

    /// SIGKILL, and it is gone.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        drop(self.child.wait());
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// SIGSTOP: it stands still and keeps what it holds.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX)) {
            // A process that has ended cannot be signalled; whoever waits for it finds out.
            rustix::process::kill_process(pid, signal).unwrap_or_default();
        }
    }

    /// A signal for its whole process group, which it must lead.
    pub fn signal_group(&self, signal: Signal) {
        if let Some(group) = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX)) {
            rustix::process::kill_process_group(group, signal).unwrap_or_default();
        }
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When it does not within the deadline.
    pub async fn ended(&mut self) -> ExitStatus {
        let started = std::time::Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status;
            }
            assert!(started.elapsed() < crate::DEADLINE, "it does not end; it wrote:\n{}", self.output());
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

#[expect(clippy::print_stdout, reason = "what a test prints is for a terminal")]
impl Drop for Program {
    /// What it wrote is shown with the test that failed: a wait that ran out says what was waited for, and not why.
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            println!("process {} wrote:\n{}", self.child.id(), self.output());
        }
    }
}

/// What a command that has ended left behind.
#[derive(Debug, Clone)]
pub struct Ran {
    /// `None`: a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command to its end.
///
/// # Panics
/// When it does not start, or does not end within the deadline.
pub async fn run(command: Command) -> Ran {
    let mut command = tokio::process::Command::from(command);
    let ended = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let ended = tokio::time::timeout(crate::DEADLINE, ended).await;
    let output = ended.expect("the command ends in time").expect("the command starts");
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
