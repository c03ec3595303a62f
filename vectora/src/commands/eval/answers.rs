//! `vectora eval answers`.
//!
//! A set of questions goes through the whole pipeline of a running installation, as any client's would: asked and
//! read over HTTP, so that what is measured is what people get. Each question has a conversation of its own; its
//! `history` is asked there first. What the questions leave in the ledger stays there, like everything that was asked.
//!
//! Not here: what a question expects (`set`), asking (`pipeline`), judging (`judge`), adding up (`report`) and
//! drawing (`page`). Nothing is judged by a model: the same replies are always judged the same.

mod judge;
mod page;
mod pipeline;
mod report;
mod set;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Args;
use contract::MessageId;
use runtime::lifecycle::Lifecycle;
use store::measure::{self, Spent};

use self::report::{Report, Shares};
use super::minimum::Minimum;
use crate::commands::display::{Display, note};
use crate::commands::remote::Remote;
use crate::commands::{local, output};
use crate::config::Invocation;

/// What a shell says of a command that was interrupted: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

#[derive(Debug, Args)]
pub(crate) struct Answers {
    /// Questions, JSON Lines: {"question", "expect"?: [text, …], "source"?, "refuse"?, "history"?: [question, …], "id"?}.
    #[arg(long, value_name = "FILE")]
    questions: PathBuf,
    #[command(flatten)]
    remote: Remote,
    /// Conversations at once.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Ask the first N questions only.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Seconds to wait for each answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    wait: u64,
    /// Fail when a figure is lower; may be repeated. Such as `correct=0.9`.
    #[arg(long = "min", value_name = "NAME=VALUE")]
    minima: Vec<Minimum<Shares>>,
    /// Write the report as a page to look at.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

impl Answers {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let mut set = set::read(&self.questions)?;
        set.truncate(self.limit.unwrap_or(usize::MAX));
        let client = self.remote.connect(invocation)?;
        let display = Display::new(self.json);
        let lifecycle = Lifecycle::default();
        lifecycle.watch_signals();
        let began = now();
        let wait = Duration::from_secs(self.wait);
        let asking = pipeline::ask(&client, &set, self.concurrency.into(), wait, |done, of| {
            display.show("asking", done, of);
        });
        let replies = tokio::select! {
            replies = asking => replies,
            () = lifecycle.soft.cancelled() => {
                display.finish();
                return Ok(ExitCode::from(INTERRUPTED));
            }
        };
        display.finish();
        let replies = replies?;
        let ids: Vec<MessageId> =
            replies.iter().filter_map(|reply| Some(reply.question.as_ref()?.id)).collect();
        let spent = match spent(invocation, &ids).await {
            Ok(spent) => spent,
            Err(error) => {
                note(&format!("vectora: tokens and models are left out: {error:#}"));
                HashMap::new()
            }
        };
        let report = Report::new(began, &set, replies, &spent);
        self.write(&report)?;
        let missed: Vec<String> =
            self.minima.iter().filter_map(|minimum| minimum.missed(&report.shares)).collect();
        for missed in &missed {
            note(&format!("vectora: {missed}"));
        }
        Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn write(&self, report: &Report) -> anyhow::Result<()> {
        if let Some(file) = &self.html {
            let name = self.questions.file_name().map_or(self.questions.as_path(), Path::new);
            let page = page::draw(report, &name.display().to_string());
            std::fs::write(file, page).with_context(|| format!("{} cannot be written", file.display()))?;
        }
        if self.json { output::json(report) } else { show(report) }
    }
}

#[expect(clippy::disallowed_methods, reason = "a report says when it was made, by this machine's clock")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// What the answers took, out of the ledger: clients of the API are not told.
async fn spent(invocation: &Invocation, ids: &[MessageId]) -> anyhow::Result<HashMap<MessageId, Spent>> {
    let ledger = local::ledger(invocation)?;
    let spent = measure::spent(&ledger, ids).await?;
    Ok(spent.into_iter().map(|spent| (spent.question, spent)).collect())
}

fn show(report: &Report) -> anyhow::Result<()> {
    let shares = &report.shares;
    let share = |share: Option<f64>| match share {
        Some(share) => format!("{:5.1} %", 100.0 * share),
        None => "    –".to_owned(),
    };
    let millis = |of: fn(&report::Latency) -> f64| match &report.latency_ms {
        Some(latency) => format!("{:5.0} ms", of(latency)),
        None => "    –".to_owned(),
    };
    let rows = [
        ("questions", format!("{:5}", report.questions)),
        ("correct", share(shares.correct)),
        ("answered", share(shares.answered)),
        ("refused rightly", share(shares.refused)),
        ("expected text found", share(shares.span_found)),
        ("cited", share(shares.cited)),
        ("cited correctly", share(shares.cited_correctly)),
        ("latency p50", millis(|latency| latency.p50)),
        ("latency p95", millis(|latency| latency.p95)),
        ("latency max", millis(|latency| latency.max)),
    ];
    for (name, value) in rows {
        output::line(&format!("{name:20} {value}"))?;
    }
    for model in &report.models {
        output::line(&format!(
            "{:20} {:5} answers, {} + {} tokens",
            model.name, model.answers, model.prompt_tokens, model.completion_tokens
        ))?;
    }
    for row in report.rows.iter().filter(|row| !row.verdict.is_good()) {
        output::line(&format!("{}: {}: {}", row.id, row.verdict.words(), row.question))?;
    }
    Ok(())
}
