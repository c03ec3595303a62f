//! `vectora ingest`: a folder, or some files, into the knowledge base.
//!
//! Files are found, hashed, listed to the server, and only what it does not know is sent. Then the command waits
//! until all of it is searchable, or has failed. Nothing of this is lost when the command is: what was accepted goes
//! on, and the same command again sends what is missing.
//!
//! A file is known by its path below the folder, in a *source* that is the folder's canonical name unless
//! `--source` gives another. For several paths the folder is the deepest one that holds them all, so
//! `ingest docs/a.md` and `ingest docs` mean the same document.

mod hash;
mod report;
mod send;
mod walk;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use contract::IngestionId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::hash::Hashed;
use self::report::Report;
use self::walk::Found;
use super::display::Display;
use super::output;
use super::remote::{Client, Remote, insist};
use crate::config::Invocation;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags of a command line")]
pub(crate) struct Ingest {
    /// A folder, or files. Hidden files, symbolic links and unknown extensions are skipped.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Name of the set of documents; default: the folder's canonical name.
    #[arg(long)]
    source: Option<String>,
    /// A tag that all these documents carry from now on; may be repeated. Without any they lose theirs.
    #[arg(long = "tag")]
    tags: Vec<String>,
    /// Delete the documents of the source that are not in the folder; refused above 30 % of them.
    #[arg(long)]
    prune: bool,
    /// Prune however many.
    #[arg(long, requires = "prune")]
    force: bool,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Do not wait until everything is searchable.
    #[arg(long)]
    no_wait: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// The answer of `POST /v1/ingestions`.
#[derive(Debug, Deserialize, Serialize)]
struct Opened {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<IngestionId>,
    needed: Vec<String>,
    unchanged: usize,
    known: usize,
    removed: usize,
}

/// A file that will not be searchable, and why.
#[derive(Debug, Clone, Serialize)]
struct Failure {
    path: String,
    error: String,
}

impl Ingest {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let client = self.remote.connect(invocation)?;
        let display = Display::new(self.json);
        let mut report = Report::begin(Instant::now());
        let (found, files) = read(self.paths.clone(), display.clone()).await?;
        report.skipped = found.skipped;
        report.failures = found.unreadable;
        if files.is_empty() && !self.prune {
            anyhow::bail!("there is nothing to ingest: {}", report.nothing());
        }
        if self.prune && !found.whole {
            anyhow::bail!("--prune needs a complete listing: give one folder and nothing else");
        }
        // A file that cannot be read now is no file that was deleted.
        report.unpruned = self.prune && found.incomplete;
        let source = self.source.clone().unwrap_or(found.source);
        let opened = self.open(&client, &source, &files, self.prune && !found.incomplete).await?;
        report.opened(source, files.len(), &opened);
        let Some(id) = opened.id else {
            report.show_plan(&opened, self.json)?;
            return Ok(report.code());
        };
        let result = self.follow(&client, id, &opened, &files, &display, &mut report).await;
        display.finish();
        result
            .with_context(|| format!("the ingestion goes on as {id}; the same command again continues it"))?;
        report.show(id, self.json)?;
        Ok(report.code())
    }

    async fn open(
        &self,
        client: &Client,
        source: &str,
        files: &[Hashed],
        prune: bool,
    ) -> anyhow::Result<Opened> {
        let limit = ingress::ingestions::limits::LISTING_FILES;
        anyhow::ensure!(
            files.len() <= limit,
            "there are {} files, the limit is {limit}: ingest folders below this one, each with its --source",
            files.len()
        );
        let files: Vec<_> =
            files.iter().map(|file| json!({ "path": file.path, "sha256": file.hash })).collect();
        let listing = json!({
            "source": source,
            "tags": self.tags,
            "files": files,
            "prune": prune,
            "force": self.force,
            "dry_run": self.dry_run,
        });
        insist(async || client.call(client.post("/v1/ingestions").json(&listing)).await).await
    }

    /// Sends what is needed, and meanwhile and afterwards watches what becomes of it.
    async fn follow(
        &self,
        client: &Client,
        id: IngestionId,
        opened: &Opened,
        files: &[Hashed],
        display: &Display,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let groups = send::groups(files, &opened.needed);
        if self.no_wait {
            report.failures.extend(send::all(client, id, groups, display, true).await?);
            return Ok(());
        }
        let (told, unsent) = tokio::sync::watch::channel(None);
        let sending = async {
            let failures = send::all(client, id, groups, display, false).await?;
            told.send_replace(Some(failures.len()));
            anyhow::Ok(failures)
        };
        let (failures, progress) = tokio::try_join!(sending, watch::until_over(client, id, unsent, display))?;
        report.failures.extend(failures);
        report.ended(progress);
        Ok(())
    }
}

/// Finds and hashes the files, on threads of their own.
async fn read(paths: Vec<PathBuf>, display: Display) -> anyhow::Result<(Found, Vec<Hashed>)> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut found = walk::find(&paths)?;
        let (files, unreadable) = hash::all(std::mem::take(&mut found.files), &display);
        found.incomplete |= !unreadable.is_empty();
        found.unreadable.extend(unreadable);
        anyhow::Ok((found, files))
    });
    reading.await.context("the reader of files panicked")?
}

/// Prints a line of a report.
fn say(text: &str) -> anyhow::Result<()> {
    Ok(output::line(text)?)
}
