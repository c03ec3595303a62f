//! A child process for every page of HTML, and for every large file.
//!
//! **The parent** starts the program with an empty environment and three descriptors (pipes for input and
//! output, nothing for errors), writes the limits and the file, and reads at most [`Limits::output`] bytes.
//! The child is killed when its time is over, when it writes too much, and when the caller is dropped.
//!
//! **The child** ([`child`]) confines itself before it reads a byte: see there.
//!
//! A child reads one file and ends. Starting one takes a few milliseconds, hundreds of pages a second, and a
//! page can leave nothing behind for the next one.

mod child;
mod wire;

use std::{
    ffi::OsString,
    io,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
    thread,
};

use contract::Document;
use rustix::process::Signal;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    sync::Semaphore,
    time::timeout,
};

use crate::{
    error::{ExtractError, Resource},
    format::Format,
    limits::Limits,
};
use wire::{Reply, Request};

pub use child::run as run_child;

/// The only argument of the program: the hidden command that calls [`run_child`].
pub const CHILD_ARGUMENT: &str = "extract-child";

/// How the child is started, and what a file may cost. A clone shares the number of children.
#[derive(Debug, Clone)]
pub struct Sandbox {
    program: PathBuf,
    argument: OsString,
    limits: Limits,
    /// One child for each processor: more would only share their time, and their clocks run.
    children: Arc<Semaphore>,
}

impl Sandbox {
    /// `program` is called with [`CHILD_ARGUMENT`] alone and must call [`run_child`] before it starts a
    /// thread. `/proc/self/exe` is the program that is running, also after its file was replaced.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let children = thread::available_parallelism().map_or(1, usize::from);
        Self {
            program: program.into(),
            argument: CHILD_ARGUMENT.into(),
            limits: Limits::default(),
            children: Arc::new(Semaphore::new(children)),
        }
    }

    /// The same with other limits. They hold for formats that are read in this process, too.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) async fn extract(&self, format: Format, bytes: &[u8]) -> Result<Document, ExtractError> {
        let _child = self.children.acquire().await.expect("the semaphore is never closed");
        // The future is dropped at the end of its time, and the child with it.
        let reading = timeout(self.limits.wall, self.read(format, bytes)).await;
        reading.unwrap_or(Err(ExtractError::TooSlow { limit: self.limits.wall }))
    }

    async fn read(&self, format: Format, bytes: &[u8]) -> Result<Document, ExtractError> {
        let mut child = Command::new(&self.program)
            .arg(&self.argument)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What a panic says may be a piece of the document.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| unavailable("it does not start", &error))?;
        let mut input = child.stdin.take().expect("it is piped");
        let output = child.stdout.take().expect("it is piped");

        let request = Request { format, limits: self.limits, parent: std::process::id() }.encode();
        let write = async move {
            input.write_all(&request).await?;
            input.write_all(bytes).await
            // Its end tells the child that this is all.
        };
        let limit = self.limits.output();
        let mut reply = Vec::new();
        let read = async {
            // One byte more tells too much from just enough.
            output.take(limit as u64 + 1).read_to_end(&mut reply).await
        };
        // At once: a child that ends early reads no more, and its answer is what counts.
        let (_, read) = tokio::join!(write, read);
        read.map_err(|error| unavailable("its answer cannot be read", &error))?;
        if reply.len() > limit {
            return Err(ExtractError::TooLarge { what: Resource::Text, limit: self.limits.text });
        }
        let status = child.wait().await.map_err(|error| unavailable("its end cannot be seen", &error))?;
        if !status.success() {
            return Err(self.ended(status));
        }
        match wire::decode(&reply) {
            Some(Reply::Document(document)) => Ok(document),
            Some(Reply::Error(error)) => Err(error),
            None => Err(ExtractError::Unavailable { reason: "its answer is not understood".to_owned() }),
        }
    }

    /// What the end of a child says about the file.
    fn ended(&self, status: ExitStatus) -> ExtractError {
        let is = |signal: Signal| status.signal() == Some(signal.as_raw());
        if is(Signal::XCPU) {
            ExtractError::TooSlow { limit: self.limits.cpu }
        } else if is(Signal::ABORT) {
            // What Rust does when memory is refused. It also does it for a stack that is used up, but the
            // reader's depth is limited.
            ExtractError::TooMuchMemory { limit: self.limits.memory }
        } else if is(Signal::KILL) || is(Signal::HUP) || is(Signal::TERM) || is(Signal::INT) {
            // The kernel, short of memory; the end of the thread that started it; an operator. Not the file.
            ExtractError::Stopped { how: status.to_string() }
        } else if status.code() == Some(i32::from(child::REFUSES)) {
            ExtractError::Unavailable { reason: "it cannot confine itself on this system".to_owned() }
        } else {
            ExtractError::Crashed { how: status.to_string() }
        }
    }
}

fn unavailable(what: &str, error: &io::Error) -> ExtractError {
    ExtractError::Unavailable { reason: format!("{what}: {error}") }
}
