//! What came of it, for people and as JSON.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use contract::IngestionId;
use serde::Serialize;
use store::ingestions::Progress;

use super::{Failure, Opened, say};
use crate::commands::output;

/// The result of a command.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    #[serde(skip)]
    began: Instant,
    source: String,
    /// `sent` when nobody waited; otherwise `done` or `cancelled`.
    state: &'static str,
    /// Files that were found and could be read.
    files: usize,
    unchanged: i64,
    live: i64,
    superseded: i64,
    failed: i64,
    removed: i64,
    chunks: i64,
    /// Passed over, by the reason.
    pub(super) skipped: BTreeMap<&'static str, u64>,
    /// Those of this machine, and the first hundred of the server.
    pub(super) failures: Vec<Failure>,
    /// Nothing was pruned, because the folder could not be read whole.
    pub(super) unpruned: bool,
}

#[derive(Serialize)]
struct Printed<'a> {
    ingestion: IngestionId,
    #[serde(flatten)]
    report: &'a Report,
    seconds: f64,
    files_per_second: f64,
}

#[derive(Serialize)]
struct Plan<'a> {
    dry_run: bool,
    source: &'a str,
    files: usize,
    #[serde(flatten)]
    opened: &'a Opened,
    skipped: &'a BTreeMap<&'static str, u64>,
    failures: &'a [Failure],
}

impl Report {
    pub(super) fn begin(began: Instant) -> Self {
        Self {
            began,
            source: String::new(),
            state: "sent",
            files: 0,
            unchanged: 0,
            live: 0,
            superseded: 0,
            failed: 0,
            removed: 0,
            chunks: 0,
            skipped: BTreeMap::new(),
            failures: Vec::new(),
            unpruned: false,
        }
    }

    pub(super) fn opened(&mut self, source: String, files: usize, opened: &Opened) {
        self.source = source;
        self.files = files;
        self.unchanged = i64::try_from(opened.unchanged).unwrap_or(i64::MAX);
        self.removed = i64::try_from(opened.removed).unwrap_or(i64::MAX);
    }

    /// All that was sent has come to its end.
    pub(super) fn ended(&mut self, progress: Progress) {
        self.state = if progress.state == "cancelled" { "cancelled" } else { "done" };
        self.unchanged = progress.unchanged;
        self.live = progress.live;
        self.superseded = progress.superseded;
        self.failed = progress.failed;
        self.removed = progress.removed;
        self.chunks = progress.chunks;
        let failures = progress.failures.into_iter();
        self.failures.extend(failures.map(|failure| Failure { path: failure.path, error: failure.error }));
    }

    /// Why there is nothing to do.
    pub(super) fn nothing(&self) -> String {
        let skipped = self.skipped();
        let unreadable = self.failures.first();
        match (skipped.is_empty(), unreadable) {
            (_, Some(failure)) => format!("{}: {}", failure.path, failure.error),
            (true, None) => "the folder is empty".to_owned(),
            (false, None) => {
                format!("skipped {skipped}; known extensions are {}", extract::EXTENSIONS.join(", "))
            }
        }
    }

    pub(super) fn show(&self, ingestion: IngestionId, json: bool) -> anyhow::Result<()> {
        let seconds = self.began.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a number of files")]
        let files_per_second = self.files as f64 / seconds.max(0.001);
        if json {
            return output::json(&Printed { ingestion, report: self, seconds, files_per_second });
        }
        let Self { source, files, unchanged, live, superseded, failed, removed, .. } = self;
        let of_here =
            self.failures.len() - usize::try_from(*failed).unwrap_or_default().min(self.failures.len());
        let unreadable = if of_here > 0 { format!(", {of_here} unreadable") } else { String::new() };
        let overtaken = if *superseded > 0 {
            format!(", {superseded} overtaken by newer versions")
        } else {
            String::new()
        };
        say(&format!("{source}: {files} files{unreadable}"))?;
        if self.state == "sent" {
            say(&format!(
                "  {unchanged} unchanged, {removed} removed; the rest is on its way as {ingestion}"
            ))?;
        } else {
            say(&format!(
                "  {unchanged} unchanged, {live} live{overtaken}, {failed} failed, {removed} removed"
            ))?;
            say(&format!("  {seconds:.1} s, {files_per_second:.0} files/s"))?;
        }
        if self.state == "cancelled" {
            say("  the ingestion was cancelled")?;
        }
        self.show_rest()
    }

    /// What a dry run says.
    pub(super) fn show_plan(&self, opened: &Opened, json: bool) -> anyhow::Result<()> {
        if json {
            return output::json(&Plan {
                dry_run: true,
                source: &self.source,
                files: self.files,
                opened,
                skipped: &self.skipped,
                failures: &self.failures,
            });
        }
        let Opened { needed, unchanged, known, removed, .. } = opened;
        say(&format!("{}: {} files; this is a dry run, nothing was changed", self.source, self.files))?;
        say(&format!(
            "  {} would be sent, {unchanged} are unchanged, {known} on their way, {removed} would be removed",
            needed.len()
        ))?;
        for path in needed {
            say(&format!("  send {path}"))?;
        }
        self.show_rest()
    }

    fn show_rest(&self) -> anyhow::Result<()> {
        if self.unpruned {
            say("  nothing was pruned: the folder could not be read whole")?;
        }
        if !self.skipped.is_empty() {
            say(&format!("  skipped {}", self.skipped()))?;
        }
        for Failure { path, error } in &self.failures {
            say(&format!("  failed {path}: {error}"))?;
        }
        let named = i64::try_from(self.failures.len()).unwrap_or(i64::MAX);
        if self.failed > named {
            say("  and more: see `vectora failed list`")?;
        }
        Ok(())
    }

    fn skipped(&self) -> String {
        let reasons: Vec<String> = self.skipped.iter().map(|(reason, n)| format!("{n} ({reason})")).collect();
        reasons.join(", ")
    }

    /// 1 when a file failed, or the ingestion was cancelled.
    pub(super) fn code(&self) -> ExitCode {
        let failed = self.failed > 0 || !self.failures.is_empty() || self.state == "cancelled";
        if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}
