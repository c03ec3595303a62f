//! `vectora calibrate`: fit the threshold below which questions are refused, and show what it is chosen from.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use retrieval::calibrate::{self, Calibration};
use serde_json::{Value, json};

use super::display::Display;
use super::{local, output};
use crate::config::Invocation;

/// Of the curve's 51 points every second is printed, up to where everything is refused.
const EVERY: usize = 2;

#[derive(Debug, Args)]
pub(crate) struct Calibrate {
    /// Only show the fit; the threshold stays as it is.
    #[arg(long)]
    dry_run: bool,
    /// Draw the distributions and the curve into this file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print the fit as JSON.
    #[arg(long)]
    json: bool,
}

impl Calibrate {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let config = local::config(invocation)?;
        let ledger = local::ledger(invocation)?;
        let index = local::index(&config)?;
        let vectors = config.vectors()?;
        let display = Display::new(self.json);
        let asked = |done, of| display.show("fitting", done, of);
        let fitted = Box::pin(calibrate::measure(&ledger, &index, &vectors, None, asked)).await;
        display.finish();
        let fitted = fitted?;
        if !self.dry_run {
            calibrate::keep(&ledger, &fitted).await?;
        }
        if let Some(file) = &self.svg {
            tokio::fs::write(file, fitted.svg())
                .await
                .with_context(|| format!("{} cannot be written", file.display()))?;
        }
        if self.json {
            output::json(&as_json(&fitted, !self.dry_run))?;
        } else {
            show(&fitted, !self.dry_run)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn as_json(fitted: &Calibration, kept: bool) -> Value {
    let curve: Vec<Value> = fitted
        .curve
        .iter()
        .map(|at| json!({ "threshold": at.threshold, "kept": at.kept, "refused": at.refused }))
        .collect();
    json!({
        "generation": fitted.generation.id,
        "threshold": fitted.threshold,
        "before": fitted.generation.threshold,
        "kept": fitted.kept,
        "refused": fitted.refused,
        "headings": fitted.answerable.len(),
        "documents": fitted.documents,
        "fusion": fitted.fits,
        "stored": kept,
        "curve": curve,
        "answerable": fitted.answerable,
        "held_out": fitted.unanswerable,
    })
}

fn show(fitted: &Calibration, kept: bool) -> anyhow::Result<()> {
    output::line(&format!(
        "{} headings of {} documents, asked with their document and without it",
        fitted.answerable.len(),
        fitted.documents
    ))?;
    output::line("threshold   kept  refused")?;
    for at in fitted.curve.iter().step_by(EVERY) {
        output::line(&format!("{:9.2} {:5.1}% {:7.1}%", at.threshold, 100.0 * at.kept, 100.0 * at.refused))?;
        if at.kept == 0.0 {
            break;
        }
    }
    for (language, fit) in fitted.fits.iter() {
        output::line(&format!(
            "{language}: {} probes, nDCG@10 {:.3} by words, {:.3} by meaning, {:.3} by both; meaning weighs {}, \
             threshold {:.3}",
            fit.probes, fit.lexical, fit.dense, fit.fused, fit.fusion.weight, fit.threshold
        ))?;
    }
    let before =
        fitted.generation.threshold.map_or_else(|| "none".to_owned(), |before| format!("{before:.3}"));
    output::line(&format!(
        "threshold {:.3} keeps {:.1} % and refuses {:.1} %; before: {before}{}",
        fitted.threshold,
        100.0 * fitted.kept,
        100.0 * fitted.refused,
        if kept { "" } else { "; nothing was changed" }
    ))?;
    Ok(())
}
