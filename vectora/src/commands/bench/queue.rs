//! `vectora bench queue`: pickup, latency, sustained rate, commits, memory, start.
//!
//! Everything runs on this machine: the server with its PostgreSQL (durable, fsync on) and NATS, and the
//! load. Pickup and latency are read out of the ledger, by its clock, for every question; nothing is sampled.

use std::cell::Cell;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hdrhistogram::Histogram;
use secrecy::SecretString;
use serde_json::{Value, json};
use store::measure::{self, Timing};
use store::{Ledger, Role};
use tokio::time::Instant;

use super::load::{self, LONGEST};
use super::machine::{Stolen, machine, scratch};
use super::server::Server;
use crate::commands::output;

#[derive(Debug, Args)]
pub(crate) struct Queue {
    /// Seconds of load in each round.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Questions a second the search for the sustained rate begins with.
    #[arg(long, default_value_t = 400.0)]
    from: f64,
    /// Only this rate: no search.
    #[arg(long)]
    rate: Option<f64>,
}

/// A rate is sustained when everything offered was accepted, and what is left at the end of the load is
/// answered within this time: the queue did not grow.
pub(super) const SETTLES_WITHIN: Duration = Duration::from_secs(1);
/// Between two rates of the search.
pub(super) const STEP: f64 = 1.12;
/// The rate at which a queue has nothing to queue.
pub(super) const LIGHT: f64 = 20.0;
/// Only the mechanism is measured.
const MODEL: &str = "scripted";
/// The statistics of other sessions are a second old at most.
const STATISTICS: Duration = Duration::from_millis(1500);

impl Queue {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let dir = scratch()?;
        output::json(&self.measure(dir.path()).await?)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn measure(&self, dir: &std::path::Path) -> anyhow::Result<Value> {
        let first = Server::start(dir, MODEL).await?;
        let first_start = first.start;
        let ledger = ledger_of(&first)?;
        measure::count_statements(&ledger).await?;
        ledger.close().await;
        first.stop().await?;
        let server = Server::start(dir, MODEL).await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let idle_rss = server.rss_anon();
        let ledger = ledger_of(&server)?;
        let idle = idle(&ledger).await?;

        let bench = Bench { server: &server, ledger: &ledger, idle, accepted: Cell::new(0) };
        // Warm: connections, caches, statements.
        bench.round(50.0, Duration::from_secs(2)).await?;
        let duration = Duration::from_secs(self.seconds);
        let stolen = Stolen::from_now();
        let mut report = json!({
            "machine": machine()?,
            "start": { "first_s": first_start.as_secs_f64(), "existing_s": server.start.as_secs_f64() },
            "idle": { "rss_anon_mb": mb(idle_rss), "commits_a_second": idle.commits, "statements_a_second": idle.statements },
        });
        if let Some(rate) = self.rate {
            report["at_rate"] = bench.round(rate, duration).await?.report;
        } else {
            report["light"] = bench.round(LIGHT, duration).await?.report;
            let mut sustained = None;
            let mut rate = self.from;
            loop {
                let round = bench.round(rate, duration).await?;
                if !round.sustained {
                    report["first_not_sustained"] = round.report;
                    break;
                }
                sustained = Some((rate, round.report));
                rate *= STEP;
            }
            if let Some((rate, round)) = sustained {
                report["sustained_questions_a_second"] = json!(rate.round());
                report["sustained"] = round;
                report["at_80_percent"] = bench.round(rate * 0.8, duration).await?.report;
            }
        }
        report["machine"]["stolen_percent"] = json!(stolen.percent());
        report["loaded_rss_anon_mb"] = json!(mb(server.rss_anon()));
        let totals = measure::totals(&ledger).await?;
        let accepted = bench.accepted.get();
        report["accepted"] = json!(accepted);
        report["answered"] = json!(totals.answered);
        report["answered_twice"] = json!(totals.doubled);
        report["lost"] = json!(i64::try_from(accepted)? - totals.answered);
        ledger.close().await;
        report["drain_s"] = json!(server.stop().await?.as_secs_f64());
        Ok(report)
    }
}

/// What every round needs.
struct Bench<'a> {
    server: &'a Server,
    ledger: &'a Ledger,
    idle: Work,
    /// In all rounds.
    accepted: Cell<u64>,
}

struct Round {
    sustained: bool,
    report: Value,
}

impl Bench<'_> {
    async fn round(&self, rate: f64, duration: Duration) -> anyhow::Result<Round> {
        let key = self.server.run.key.clone().unwrap_or_default();
        // In conversations that are there already: a question that opens one spares itself a stage, and the mechanism
        // whole is what is measured.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "thousands, not negative"
        )]
        let questions = (rate * duration.as_secs_f64()).ceil() as usize + 1;
        let homes = measure::conversations(self.ledger, questions).await?;
        let before = Work::so_far(self.ledger).await?;
        let answered_before = measure::totals(self.ledger).await?.answered;
        let from = measure::now(self.ledger).await?;
        let started = Instant::now();
        let body: load::Body = std::sync::Arc::new(move |n| {
            let home = homes[usize::try_from(n).unwrap_or(0) % homes.len()];
            format!("{{\"text\":\"How do I reset my password? {n}\",\"conversation_id\":\"{home}\"}}")
        });
        let load = load::run(&self.server.run.listen, &key, rate, duration, &body).await?;
        let ended = Instant::now();
        self.accepted.set(self.accepted.get() + load.accepted);
        while measure::totals(self.ledger).await?.unfinished > 0 {
            anyhow::ensure!(ended.elapsed() < Duration::from_mins(2), "questions are not answered");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let settle = ended.elapsed();
        let to = measure::now(self.ledger).await?;
        tokio::time::sleep(STATISTICS).await;
        let after = Work::so_far(self.ledger).await?;
        let timings = measure::timings(self.ledger, from, to).await?;
        let took = started.elapsed().as_secs_f64();
        let answered = measure::totals(self.ledger).await?.answered - answered_before;
        #[expect(clippy::cast_precision_loss, reason = "a count far below 2^52")]
        let each = |total: f64, idle: f64| (total - idle * took) / answered as f64;
        Ok(Round {
            sustained: load.accepted == load.offered && settle <= SETTLES_WITHIN,
            report: json!({
                "offered_a_second": rate.round(),
                "offered": load.offered,
                "accepted": load.accepted,
                "answered": answered,
                "settled_after_s": settle.as_secs_f64(),
                "accept_ms": percentiles(&load.accept),
                "intake_pickup_ms": histogram(&timings, |timing| timing.intake_pickup)?,
                "answer_pickup_ms": histogram(&timings, |timing| Some(timing.answer_pickup))?,
                "accepted_to_answered_ms": histogram(&timings, |timing| Some(timing.answered))?,
                "commits_a_question": each(after.commits - before.commits, self.idle.commits),
                "statements_a_question": each(after.statements - before.statements, self.idle.statements),
                "rss_anon_mb": mb(self.server.rss_anon()),
            }),
        })
    }
}

/// What PostgreSQL was asked to do: in total, or a second.
#[derive(Debug, Clone, Copy)]
struct Work {
    commits: f64,
    statements: f64,
}

impl Work {
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    async fn so_far(ledger: &Ledger) -> anyhow::Result<Self> {
        let commits = measure::totals(ledger).await?.commits as f64;
        Ok(Self { commits, statements: measure::statements(ledger).await? as f64 })
    }
}

/// The work of a second in which nobody asks: the dispatcher's and admission's.
async fn idle(ledger: &Ledger) -> anyhow::Result<Work> {
    let window = 4.0;
    let before = Work::so_far(ledger).await?;
    tokio::time::sleep(Duration::from_secs_f64(window)).await;
    let after = Work::so_far(ledger).await?;
    Ok(Work {
        commits: (after.commits - before.commits) / window,
        statements: (after.statements - before.statements) / window,
    })
}

pub(super) fn ledger_of(server: &Server) -> anyhow::Result<Ledger> {
    let url = Some(SecretString::from(server.run.database_url.clone()));
    Ok(Ledger::open(&store::Settings { url, ..store::Settings::default() }, Role::Tool)?)
}

pub(super) fn histogram(timings: &[Timing], of: impl Fn(&Timing) -> Option<i64>) -> anyhow::Result<Value> {
    let mut histogram = Histogram::new_with_bounds(1, LONGEST, 3)?;
    for micros in timings.iter().filter_map(of) {
        histogram.saturating_record(u64::try_from(micros).unwrap_or(0));
    }
    Ok(percentiles(&histogram))
}

/// Microseconds in, milliseconds out.
pub(super) fn percentiles(histogram: &Histogram<u64>) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "microseconds far below 2^52")]
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    json!({ "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0) })
}

#[expect(clippy::cast_precision_loss, reason = "bytes far below 2^52")]
pub(super) fn mb(bytes: u64) -> f64 {
    (bytes as f64 / 1e5).round() / 10.0
}
