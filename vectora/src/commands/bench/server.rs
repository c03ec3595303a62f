//! The installation under measure: `vectora up` as a child process in a directory of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context;
use embedded::runfile::RunFile;
use rustix::process::{Pid, Signal};
use tokio::process::{Child, Command};

/// How long a start may take before the bench gives up: a first start makes a cluster.
const START: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    pub(super) run: RunFile,
    /// From the start of the process to `run.json`.
    pub(super) start: Duration,
}

impl Server {
    /// `model`: who writes the answers, as `models.provider` names it.
    pub(super) async fn start(data_dir: &Path, model: &str) -> anyhow::Result<Self> {
        Self::start_with(data_dir, model, "127.0.0.1:0", &[]).await
    }

    /// As [`Server::start`], listening at `listen`, with more of the environment.
    pub(super) async fn start_with(
        data_dir: &Path,
        model: &str,
        listen: &str,
        env: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let binary: PathBuf = std::env::current_exe().context("this binary has no path")?;
        let started = Instant::now();
        let mut child = Command::new(binary)
            .args(["up", "--listen", listen, "--no-sample", "--data-dir"])
            .arg(data_dir)
            .env("VECTORA__MODELS__PROVIDER", model)
            // The bench offers more than the machine can do; being turned away is not what it measures.
            .env("VECTORA__ADMISSION__MAX_OPEN", "1000000")
            .env("LOG_LEVEL", "warn")
            .env_remove("DATABASE_URL")
            .env_remove("NATS_URL")
            .env_remove("QDRANT_URL")
            .env_remove("TELEGRAM_BOT_TOKEN")
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("vectora up does not start")?;
        loop {
            if let Some(run) = RunFile::read(data_dir)?.filter(|run| Some(run.pid) == child.id()) {
                return Ok(Self { child, run, start: started.elapsed() });
            }
            if let Some(status) = child.try_wait()? {
                anyhow::bail!("vectora up ended with {status}");
            }
            anyhow::ensure!(started.elapsed() < START, "vectora up is not ready after {} s", START.as_secs());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Memory of the process that it cannot share or drop, in bytes.
    pub(super) fn rss_anon(&self) -> u64 {
        runtime::metrics::rss_anon(self.run.pid).unwrap_or(0)
    }

    /// SIGTERM, and the end: how long the drain took.
    pub(super) async fn stop(mut self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let pid = i32::try_from(self.run.pid).ok().and_then(Pid::from_raw).context("it has a pid")?;
        rustix::process::kill_process(pid, Signal::TERM)?;
        self.child.wait().await?;
        Ok(started.elapsed())
    }
}
