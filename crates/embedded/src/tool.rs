//! Short-lived helper programs (`initdb`, `getent`, `--version`), with a limit on their time.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::{fs::MemfdFlags, process::Signal};

use crate::child::{Child, Signals};

#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    /// Standard output and standard error, in the order they were written.
    pub(crate) output: String,
}

/// Runs `command` to its end. Beyond `limit` it is killed and the error is `TimedOut`.
pub(crate) async fn run(mut command: Command, input: Option<&str>, limit: Duration) -> io::Result<Finished> {
    // In memory: what a tool has to say about a full disk must not need the disk.
    let mut output = memory()?;
    let stdin = match input {
        Some(text) => {
            let mut file = memory()?;
            file.write_all(text.as_bytes())?;
            file.rewind()?;
            Stdio::from(file)
        }
        None => Stdio::null(),
    };
    command.stdin(stdin).stdout(output.try_clone()?).stderr(output.try_clone()?);
    let program = command.get_program().to_string_lossy().into_owned();
    let signals = Signals { parent_death: Signal::KILL, dropped: Signal::KILL };
    let child = Child::spawn(command, signals).await?;
    let Some(status) = child.wait_within(limit).await else {
        return Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("{program} did not end within {} s", limit.as_secs()),
        ));
    };
    output.rewind()?;
    let mut bytes = Vec::new();
    output.read_to_end(&mut bytes)?;
    Ok(Finished { status, output: String::from_utf8_lossy(&bytes).into_owned() })
}

fn memory() -> io::Result<File> {
    Ok(rustix::fs::memfd_create("vectora-tool", MemfdFlags::CLOEXEC)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tool_is_fed_and_heard() {
        let finished = run(Command::new("cat"), Some("hello"), Duration::from_secs(10)).await;
        let finished = finished.unwrap();
        assert!(finished.status.success());
        assert_eq!(finished.output, "hello");
    }

    #[tokio::test]
    async fn a_tool_that_hangs_is_ended() {
        let mut command = Command::new("sleep");
        command.arg("600");
        let error = run(command, None, Duration::from_millis(50)).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
