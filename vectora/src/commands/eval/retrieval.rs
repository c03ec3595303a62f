//! `vectora eval retrieval`.
//!
//! Questions without relevant documents (`relevant` empty, or `answerable` false) are passed over, unless
//! `--unanswerable` counts them among the negatives. Those of `SQuAD` 2 are written to look answerable: what
//! tells them apart is not in the search, so they are left out of `auroc` unless asked for.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use retrieval::evaluate::{self, By, Measured, Set, Step};
use runtime::lifecycle::Lifecycle;

use super::minimum::{Figures, Minimum};
use super::place::Place;
use crate::commands::display::{Display, note};
use crate::commands::{local, output};
use crate::config::Invocation;

/// What a shell says of a command that was interrupted: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

#[derive(Debug, Args)]
pub(crate) struct Retrieval {
    /// Documents, JSON Lines: {"id", "title", "text", "ancestors"?}.
    #[arg(long, value_name = "FILE")]
    corpus: PathBuf,
    /// Questions, JSON Lines: {"id", "text", "relevant": [id, …], "answerable"?}.
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,
    /// Questions the corpus does not answer, JSON Lines: {"id", "text"}; may be repeated.
    #[arg(long, value_name = "FILE")]
    negatives: Vec<PathBuf>,
    /// The field with the text of a negative.
    #[arg(long, value_name = "NAME", default_value = "text", requires = "negatives")]
    negatives_field: String,
    /// Count the questions without relevant documents among the negatives.
    #[arg(long)]
    unanswerable: bool,
    /// What to search by. Default: both words and meaning where an embedder is configured.
    #[arg(long, value_enum, value_name = "WHAT")]
    fusion: Option<Fusion>,
    /// Fail when a figure is lower; may be repeated. Such as `ndcg_at_10=0.95`.
    #[arg(long = "min", value_name = "NAME=VALUE")]
    minima: Vec<Minimum<Measured>>,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// As [`By`], for the command line.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Fusion {
    /// Words alone.
    Lexical,
    /// Meaning alone.
    Dense,
    /// Both, as the corpus fits them by itself.
    Fused,
}

impl Retrieval {
    /// # Errors
    /// Meaning is wanted, and there is no embedder.
    fn by(&self, vectors: &retrieval::Vectors) -> anyhow::Result<By> {
        let by = match self.fusion {
            None if vectors.current().is_some() => By::Fused,
            None | Some(Fusion::Lexical) => By::Lexical,
            Some(Fusion::Dense) => By::Dense,
            Some(Fusion::Fused) => By::Fused,
        };
        let possible = by == By::Lexical || vectors.current().is_some();
        anyhow::ensure!(possible, "--fusion: no embedder is configured; only `lexical` is possible");
        Ok(by)
    }

    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let set = self.set()?;
        if set.absent() > 0 {
            note(&format!("{} relevant ids are not in the corpus: they count as missed", set.absent()));
        }
        let config = local::config(invocation)?;
        let vectors = config.vectors()?;
        let by = self.by(&vectors)?;
        let prefix = config.nats.prefix;
        let place = Place::find(invocation).await?;
        let display = Display::new(self.json);
        let lifecycle = Lifecycle::default();
        lifecycle.watch_signals();
        let step = |step| show_step(&display, step);
        let stop = lifecycle.soft.cancelled();
        let measured =
            Box::pin(evaluate::evaluate(&place.index, &vectors, by, &prefix, &set, stop, step)).await;
        display.finish();
        place.leave().await;
        let Some(measured) = measured? else { return Ok(ExitCode::from(INTERRUPTED)) };
        if self.json {
            output::json(&measured)?;
        } else {
            show(&measured)?;
        }
        let missed: Vec<String> =
            self.minima.iter().filter_map(|minimum| minimum.missed(&measured)).collect();
        for missed in &missed {
            note(&format!("vectora: {missed}"));
        }
        Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn set(&self) -> anyhow::Result<Set> {
        let corpus = evaluate::corpus(&self.corpus)?;
        let queries = evaluate::queries(&self.queries, &corpus)?;
        let mut negatives = Vec::new();
        for file in &self.negatives {
            negatives.extend(evaluate::negatives(file, &self.negatives_field)?);
        }
        if self.unanswerable {
            let unanswerable = queries.iter().filter(|query| !query.is_answerable());
            negatives.extend(unanswerable.map(|query| query.text.clone()));
        }
        anyhow::ensure!(
            queries.iter().any(evaluate::Query::is_answerable),
            "{}: no question has a relevant document",
            self.queries.display()
        );
        Ok(Set { corpus, queries, negatives })
    }
}

impl Figures for Measured {
    const NAMES: &'static [&'static str] =
        &["ndcg_at_10", "recall_at_1", "recall_at_5", "recall_at_10", "mrr_at_10", "auroc", "refused_at_95"];

    fn figure(&self, name: &str) -> Option<f64> {
        match name {
            "ndcg_at_10" => Some(self.ndcg_at_10),
            "recall_at_1" => Some(self.recall_at_1),
            "recall_at_5" => Some(self.recall_at_5),
            "recall_at_10" => Some(self.recall_at_10),
            "mrr_at_10" => Some(self.mrr_at_10),
            "auroc" => self.auroc,
            _ => self.refused_at_95,
        }
    }
}

fn show_step(display: &Display, step: Step) {
    match step {
        Step::Indexing { done, of } => display.show("indexing", done, of),
        Step::Fitting { done } => display.show("fitting", done, done),
        Step::Asking { done, of } => display.show("asking", done, of),
    }
}

fn show(measured: &Measured) -> anyhow::Result<()> {
    let percent = |share: f64| format!("{:5.1} %", 100.0 * share);
    let or_none = |share: Option<f64>| share.map_or_else(|| "no negatives".to_owned(), percent);
    let rows = [
        ("questions", measured.queries.to_string()),
        ("nDCG@10", percent(measured.ndcg_at_10)),
        ("recall@1", percent(measured.recall_at_1)),
        ("recall@5", percent(measured.recall_at_5)),
        ("recall@10", percent(measured.recall_at_10)),
        ("MRR@10", percent(measured.mrr_at_10)),
        ("AUROC of coverage", or_none(measured.auroc)),
        ("refused, 95 % kept", or_none(measured.refused_at_95)),
        ("search p50", format!("{:.2} ms", measured.p50_ms)),
        ("search p95", format!("{:.2} ms", measured.p95_ms)),
    ];
    for (language, fit) in measured.fits.iter() {
        output::line(&format!(
            "fitted, {language:11} meaning weighs {}: {} probes, nDCG@10 {:.3} by words, {:.3} by meaning, {:.3} by both",
            fit.fusion.weight, fit.probes, fit.lexical, fit.dense, fit.fused
        ))?;
    }
    for (name, value) in rows {
        output::line(&format!("{name:20} {value}"))?;
    }
    Ok(())
}
