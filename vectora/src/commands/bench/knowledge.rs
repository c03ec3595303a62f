//! `vectora bench knowledge`: what search and answers cost, and how good they are.
//!
//! Everything runs on this machine, as in `bench queue`: `vectora up` with its servers and its own index, a
//! folder taken in by `vectora ingest`, the load. Questions are headings of the folder itself, so that most
//! are answered; answers are the extractive ones. Quality is measured through `vectora eval retrieval`'s
//! code in the index of the same installation. What there is no data for is left out, and said.

mod figures;
pub(super) mod ingestion;
mod quality;
mod questions;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use hdrhistogram::Histogram;
use serde_json::json;
use store::{Ledger, documents, measure};
use tokio::time::Instant;

use self::figures::Figures;
use self::questions::Questions;
use super::load::{self, Body};
use super::machine::{Stolen, scratch, yardstick};
use super::queue::{LIGHT, SETTLES_WITHIN, STEP, ledger_of};
use super::server::Server;
use crate::commands::display::note;
use crate::commands::output;

/// No model: answers are quotes.
const MODEL: &str = "none";

/// After a start, and after an ingestion: what is freed is freed by then, and the threshold is fitted.
const REST: Duration = Duration::from_secs(8);

/// Between two looks at the memory of the server.
const LOOK: Duration = Duration::from_millis(50);

/// Searches that are timed, one after another.
const SEARCHES: usize = 1000;

#[derive(Debug, Args)]
pub(crate) struct Knowledge {
    /// The folder to take in. Default: `kb` in the data.
    #[arg(long, value_name = "DIR")]
    kb: Option<PathBuf>,
    /// Where the data sets lie.
    #[arg(long, value_name = "DIR", default_value = "../shared/data")]
    data: PathBuf,
    /// Seconds of load in each round.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Questions a second the search for the sustained rate begins with.
    #[arg(long, default_value_t = 300.0)]
    from: f64,
    /// Print the figures as JSON instead of as a table in Markdown.
    #[arg(long)]
    json: bool,
}

impl Knowledge {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let dir = scratch()?;
        let mut figures = Figures::default();
        figures.add("sort_ms", "Yardstick: a core sorts a million numbers", yardstick(), "ms", "");
        let stolen = Stolen::from_now();
        self.measure(dir.path(), &mut figures).await?;
        figures.add("stolen_percent", "Time of the cores that the host took", stolen.percent(), "%", "");
        if self.json {
            output::json(&figures.json())?;
        } else {
            output::line(&figures.markdown())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn measure(&self, dir: &Path, figures: &mut Figures) -> anyhow::Result<()> {
        let server = Server::start(dir, MODEL).await?;
        tokio::time::sleep(REST).await;
        let empty = server.rss_anon();
        figures.add("idle_empty_mb", "Memory, idle, without knowledge", mb(empty), "MB", "≤ 120");
        let kb = self.kb.clone().unwrap_or_else(|| self.data.join("kb"));
        let server = if kb.is_dir() {
            self.with_folder(server, dir, &kb, empty, figures).await?
        } else {
            note(&format!("skipped: there is no folder {} to take in", kb.display()));
            server
        };
        quality::measure(&server, &self.data, figures).await?;
        server.stop().await?;
        Ok(())
    }

    async fn with_folder(
        &self,
        server: Server,
        dir: &Path,
        kb: &Path,
        empty: u64,
        figures: &mut Figures,
    ) -> anyhow::Result<Server> {
        let ledger = ledger_of(&server)?;
        ingestion::first(&server, dir, kb, figures).await?;
        tokio::time::sleep(REST).await;
        let chunks = documents::stock(&ledger).await?.chunks;
        let grown = server.rss_anon().saturating_sub(empty);
        figures.add(
            "index_bytes_a_chunk_grown",
            "Memory grown a chunk, after ingestion",
            each(grown, chunks),
            "B",
            "",
        );
        ingestion::unchanged(&server, dir, kb, figures).await?;
        ledger.close().await;
        // A process that took nothing in: what it holds is what it needs.
        server.stop().await?;
        let disk = size_of(&dir.join("index"))?;
        let server = Server::start(dir, MODEL).await?;
        tokio::time::sleep(REST).await;
        let ledger = ledger_of(&server)?;
        let idle = server.rss_anon();
        let questions = Questions::of(&ledger).await?;
        figures.add("idle_mb", "Memory, idle, with the folder", mb(idle), "MB", "≤ 120");
        let index = each(idle.saturating_sub(empty), chunks);
        figures.add("index_bytes_a_chunk", "Index memory a chunk, after a restart", index, "B", "≤ 4,096");
        figures.add("chunk_characters", "Characters of a chunk, on average", questions.characters, "", "");
        figures.add("index_disk_bytes_a_chunk", "Index on disk a chunk", each(disk, chunks), "B", "");
        questions.search(&server, SEARCHES, figures).await?;
        self.answers(&server, &ledger, &questions, figures).await?;
        self.both(&server, &ledger, dir, kb, &questions, figures).await?;
        ledger.close().await;
        Ok(server)
    }

    /// Light load, then the highest rate that is sustained.
    async fn answers(
        &self,
        server: &Server,
        ledger: &Ledger,
        questions: &Questions,
        figures: &mut Figures,
    ) -> anyhow::Result<()> {
        let bench = Rounds { server, ledger, body: questions.body() };
        let duration = Duration::from_secs(self.seconds);
        // Warm: connections, statements, what is remembered of terms.
        bench.round(50.0, Duration::from_secs(2)).await?;
        let light = bench.round(LIGHT, duration).await?;
        figures.add("answered_p50_ms", "Accepted to answered, 20 a second, p50", light.at(0.5), "ms", "≤ 25");
        figures.add(
            "answered_p95_ms",
            "Accepted to answered, 20 a second, p95",
            light.at(0.95),
            "ms",
            "≤ 60",
        );
        let (mut rate, mut sustained) = (self.from, None);
        loop {
            let round = bench.round(rate, duration).await?;
            if !round.sustained {
                break;
            }
            sustained = Some((rate, round));
            rate *= STEP;
        }
        let (rate, round) = match sustained {
            Some((rate, round)) => (rate, Some(round)),
            None => (0.0, None),
        };
        figures.add("sustained_questions_a_second", "Questions a second, sustained", rate, "", "≥ 400");
        if let Some(round) = round {
            figures.add(
                "sustained_p95_ms",
                "Accepted to answered at that rate, p95",
                round.at(0.95),
                "ms",
                "",
            );
        }
        Ok(())
    }

    /// The folder a second time, as another source, while questions are asked.
    async fn both(
        &self,
        server: &Server,
        ledger: &Ledger,
        dir: &Path,
        kb: &Path,
        questions: &Questions,
        figures: &mut Figures,
    ) -> anyhow::Result<()> {
        let bench = Rounds { server, ledger, body: questions.body() };
        let work = async {
            let duration = Duration::from_secs(self.seconds);
            tokio::try_join!(bench.round(LIGHT, duration), ingestion::run(dir, kb, "second"))
        };
        let (done, peak) = watched(server, work).await;
        let (round, _) = done?;
        figures.add("busy_mb", "Memory, ingesting and answering, highest", mb(peak), "MB", "≤ 300");
        figures.add("busy_p95_ms", "Accepted to answered meanwhile, p95", round.at(0.95), "ms", "");
        Ok(())
    }
}

/// Rounds of load against one installation.
pub(super) struct Rounds<'a> {
    pub(super) server: &'a Server,
    pub(super) ledger: &'a Ledger,
    pub(super) body: Body,
}

pub(super) struct Round {
    sustained: bool,
    /// Microseconds from the inbox row to the answer's.
    answered: Histogram<u64>,
}

impl Round {
    /// In milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "microseconds far below 2^52")]
    pub(super) fn at(&self, quantile: f64) -> f64 {
        self.answered.value_at_quantile(quantile) as f64 / 1000.0
    }
}

impl Rounds<'_> {
    pub(super) async fn round(&self, rate: f64, duration: Duration) -> anyhow::Result<Round> {
        let key = self.server.run.key.clone().unwrap_or_default();
        let from = measure::now(self.ledger).await?;
        let load = load::run(&self.server.run.listen, &key, rate, duration, &self.body).await?;
        let ended = Instant::now();
        while measure::totals(self.ledger).await?.unfinished > 0 {
            anyhow::ensure!(ended.elapsed() < Duration::from_mins(2), "questions are not answered");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let settled = ended.elapsed();
        let to = measure::now(self.ledger).await?;
        let mut answered = Histogram::new_with_bounds(1, load::LONGEST, 3)?;
        for timing in measure::timings(self.ledger, from, to).await? {
            answered.saturating_record(u64::try_from(timing.answered).unwrap_or(0));
        }
        Ok(Round { sustained: load.accepted == load.offered && settled <= SETTLES_WITHIN, answered })
    }
}

/// Does something, and watches the memory of the server meanwhile: its highest, in bytes.
pub(super) async fn watched<T>(server: &Server, work: impl Future<Output = T>) -> (T, u64) {
    let mut work = std::pin::pin!(work);
    let mut timer = tokio::time::interval(LOOK);
    let mut peak = 0;
    loop {
        tokio::select! {
            done = &mut work => return (done, peak.max(server.rss_anon())),
            _ = timer.tick() => peak = peak.max(server.rss_anon()),
        }
    }
}

/// Bytes of the files below a folder.
fn size_of(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry?;
        if entry.file_type().is_file() {
            // What is written in advance and not used takes no room on the disk.
            bytes += std::os::unix::fs::MetadataExt::blocks(&entry.metadata()?) * 512;
        }
    }
    Ok(bytes)
}

#[expect(clippy::cast_precision_loss, reason = "bytes far below 2^52")]
fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn each(bytes: u64, chunks: i64) -> f64 {
    bytes as f64 / chunks.max(1) as f64
}

/// The body of the nth question, out of these texts.
fn bodies(texts: &[String]) -> Body {
    let bodies: Vec<String> = texts.iter().map(|text| json!({ "text": text }).to_string()).collect();
    Arc::new(move |n| {
        let nth = usize::try_from(n).unwrap_or(0) % bodies.len().max(1);
        bodies.get(nth).cloned().unwrap_or_default()
    })
}
