//! `vectora up` as a person runs it: a data directory and servers of its own, a port that is free.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use contract::{MessageId, Question};
use embedded::runfile::RunFile;
use reqwest::StatusCode;
use rustix::process::{Pid, Signal};
use serde_json::json;

use crate::program::{self, Ran};
use crate::{Program, eventually};

/// A person's directory: `$HOME`, and below it the data directory.
#[derive(Debug)]
pub struct Home {
    dir: tempfile::TempDir,
    binary: PathBuf,
    prefix: Vec<String>,
}

impl Home {
    /// `binary` is `env!("CARGO_BIN_EXE_vectora")`.
    ///
    /// # Panics
    /// When there is no room.
    pub fn new(binary: &str) -> Self {
        crate::install_tls();
        // The account PostgreSQL runs as must be able to pass through.
        let open = std::fs::Permissions::from_mode(0o711);
        let dir = tempfile::Builder::new().prefix("vu").permissions(open).tempdir().expect("there is room");
        Self { dir, binary: binary.into(), prefix: Vec::new() }
    }

    /// Commands are run by this program: `setpriv …`, `sh -c 'ulimit …; exec "$0" "$@"'`.
    #[must_use]
    pub fn through(mut self, prefix: &[&str]) -> Self {
        self.prefix = prefix.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// The directory belongs to another user.
    ///
    /// # Panics
    /// When this process may not give it away.
    pub fn give_to(&self, uid: u32) {
        chown(self.dir.path(), Some(uid), Some(uid)).expect("root may give a directory away");
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where `vectora` keeps its data when nobody says otherwise and an ordinary user runs it.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join(".local/share/vectora")
    }

    /// A command of the binary on this data directory.
    pub fn command(&self, arguments: &[&str], env: &[(&str, &str)]) -> Command {
        let mut words = self.prefix.iter();
        let mut command = match words.next() {
            Some(program) => {
                let mut command = Command::new(program);
                command.args(words).arg(&self.binary);
                command
            }
            None => Command::new(&self.binary),
        };
        command.args(arguments).arg("--data-dir").arg(self.data_dir());
        command.current_dir(self.dir.path()).env_clear().env("HOME", self.dir.path());
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin").envs(env.iter().copied());
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str], env: &[(&str, &str)]) -> Ran {
        program::run(self.command(arguments, env)).await
    }

    /// Starts `vectora up` on a free port in a process group of its own, as a shell would.
    pub fn start(&self, env: &[(&str, &str)]) -> Program {
        let mut command = self.command(&["up", "--listen", "127.0.0.1:0"], env);
        command.process_group(0);
        Program::start(command)
    }

    /// [`Home::start`], and waits until it is ready.
    ///
    /// # Panics
    /// When it does not get ready.
    pub async fn up(&self, env: &[(&str, &str)]) -> Up {
        let began = Instant::now();
        let program = self.start(env);
        program.says("is ready at http://").await;
        let took = began.elapsed();
        let run = self.run_file().expect("a ready installation has a run.json");
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().expect("a client");
        Up { program, run, took, http }
    }

    /// # Panics
    /// When it cannot be read.
    pub fn run_file(&self) -> Option<RunFile> {
        RunFile::read(&self.data_dir()).expect("run.json can be read")
    }

    /// The live processes that work in the directory or name it, as `<pid> <command line>`.
    pub fn processes(&self) -> Vec<String> {
        let entries = std::fs::read_dir("/proc").into_iter().flatten();
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
        let dir = self.dir.path();
        let mut found = Vec::new();
        for pid in pids {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let works_here =
                std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(dir));
            // A zombie has no command line and no directory.
            if works_here || line.contains(&dir.display().to_string()) {
                found.push(format!("{pid} {line}"));
            }
        }
        found
    }

    /// Waits until [`Home::processes`] finds none.
    pub async fn empty(&self) {
        eventually(&format!("no process to be left of {:?}", self.processes()), || async {
            self.processes().is_empty().then_some(())
        })
        .await;
    }
}

/// A `vectora up` that is ready.
#[derive(Debug)]
pub struct Up {
    pub program: Program,
    /// As it was when it got ready.
    pub run: RunFile,
    /// From the start to the ready line.
    pub took: Duration,
    pub http: reqwest::Client,
}

impl Up {
    pub fn url(&self) -> String {
        format!("http://{}", self.run.listen)
    }

    fn key(&self) -> &str {
        self.run.key.as_deref().unwrap_or_default()
    }

    /// `POST /v1/questions`; `None` when nobody answers.
    pub async fn post(&self, text: &str, key: Option<&str>) -> Option<(StatusCode, serde_json::Value)> {
        let request = self.http.post(format!("{}/v1/questions", self.url())).bearer_auth(self.key());
        let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
        let response = request.json(&json!({ "text": text })).send().await.ok()?;
        let status = response.status();
        Some((status, response.json().await.ok()?))
    }

    /// Asks until it is accepted.
    pub async fn ask(&self, text: &str) -> MessageId {
        let key = uuid::Uuid::now_v7().to_string();
        eventually("the question to be accepted", || async {
            let (status, body) = self.post(text, Some(&key)).await?;
            (status == StatusCode::ACCEPTED).then(|| body["id"].as_str()?.parse().ok())?
        })
        .await
    }

    /// Waits until a question has come to its end, as this interface tells.
    pub async fn finished(&self, id: MessageId) -> Question {
        eventually(&format!("question {id} to come to its end"), || async {
            let request = self.http.get(format!("{}/v1/questions/{id}", self.url())).bearer_auth(self.key());
            let question: Question = request.send().await.ok()?.json().await.ok()?;
            question.status.is_final().then_some(question)
        })
        .await
    }

    /// Ctrl-C on a terminal: every process of the foreground group gets SIGINT.
    pub fn interrupt(&self) {
        self.program.signal_group(Signal::INT);
    }
}

/// Whether a process is there and no zombie.
pub fn is_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X'])))
}

/// SIGKILL for somebody else's child.
pub fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        rustix::process::kill_process(pid, Signal::KILL).unwrap_or_default();
    }
}
