//! `vectora index check | status`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use retrieval::check::{self, Checked, Holding, Status};
use serde_json::{Value, json};
use store::generations;

use super::{local, output};
use crate::config::Invocation;

/// Ids that are printed of each kind: enough to look at, when something is wrong with a few.
const SHOWN: usize = 20;

#[derive(Debug, Args)]
pub(crate) struct IndexCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Compare the index with the ledger. Exit code 1 when something differs, also when it is repaired.
    Check {
        /// Have what is missing embedded again, and what does not belong there deleted.
        #[arg(long)]
        repair: bool,
        #[arg(long)]
        json: bool,
    },
    /// Generations, their collections, and how much is in them.
    Status {
        #[arg(long)]
        json: bool,
    },
}

impl IndexCommand {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let config = local::config(invocation)?;
        let ledger = local::ledger(invocation)?;
        let index = local::index(&config)?;
        match self.action {
            Action::Check { repair, json } => {
                let mut all = Vec::new();
                let live =
                    generations::live(&ledger).await?.ok_or(retrieval::RetrievalError::NoGeneration)?;
                // One that is being built has no collection before its builder has made it.
                let building = generations::building(&ledger).await?.filter(|building| building.prepared);
                for generation in [Some(live), building].into_iter().flatten() {
                    all.push(check::check(&ledger, &index, &generation).await?);
                }
                let clean = all.iter().all(Checked::is_clean);
                if repair {
                    for checked in all.iter().filter(|checked| !checked.lost) {
                        check::repair(&ledger, checked).await?;
                    }
                }
                if json {
                    let generations: Vec<Value> = all.iter().map(as_json).collect();
                    output::json(&json!({
                        "clean": clean,
                        "repaired": repair && !clean,
                        "generations": generations,
                    }))?;
                } else {
                    for checked in &all {
                        show(checked, repair)?;
                    }
                }
                Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
            Action::Status { json } => {
                let status = check::status(&ledger, &index).await?;
                if json {
                    output::json(&status_as_json(&status))?;
                } else {
                    show_status(&status)?;
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn as_json(checked: &Checked) -> Value {
    let first = |ids: &[uuid::Uuid]| ids.iter().take(SHOWN).copied().collect::<Vec<_>>();
    json!({
        "id": checked.generation.id,
        "state": checked.generation.state,
        "collection": checked.generation.collection,
        "lost": checked.lost,
        "expected": checked.expected,
        "found": checked.found,
        "missing": checked.missing.len(),
        "unexpected": checked.unexpected.len(),
        "first_missing": first(&checked.missing),
        "first_unexpected": first(&checked.unexpected),
    })
}

fn show(checked: &Checked, repair: bool) -> anyhow::Result<()> {
    let Checked { generation, expected, found, missing, unexpected, lost } = checked;
    if *lost {
        output::line(&format!(
            "{} ({}): the collection is gone; build it anew with `vectora reindex`",
            generation.collection, generation.state
        ))?;
        return Ok(());
    }
    output::line(&format!(
        "{} ({}): {expected} points expected, {found} there, {} missing, {} unexpected",
        generation.collection,
        generation.state,
        missing.len(),
        unexpected.len()
    ))?;
    for (ids, what) in [(missing, "missing"), (unexpected, "unexpected")] {
        for id in ids.iter().take(SHOWN) {
            output::line(&format!("  {what} {id}"))?;
        }
        if ids.len() > SHOWN {
            output::line(&format!("  and {} more", ids.len() - SHOWN))?;
        }
    }
    if checked.is_clean() {
        return Ok(());
    }
    Ok(output::line(if repair {
        "  the workers embed what is missing and delete the rest; check again in a moment"
    } else {
        "  `vectora index check --repair` puts it right"
    })?)
}

fn status_as_json(status: &Status) -> Value {
    let of = |holding: &Holding| {
        let Holding { generation, points, progress } = holding;
        json!({
            "id": generation.id,
            "state": generation.state,
            "collection": generation.collection,
            "analyser": generation.analyser,
            "chunker": generation.chunker,
            "embedder": generation.embedder,
            "fusion": generation.fusion,
            "threshold": generation.threshold,
            "points": points,
            "documents": progress.built,
            "failed_batches": progress.failed,
        })
    };
    json!({
        "generations": status.generations.iter().map(of).collect::<Vec<_>>(),
        "documents": status.stock.documents,
        "chunks": status.stock.chunks,
        "tombstones": status.tombstones,
    })
}

fn show_status(status: &Status) -> anyhow::Result<()> {
    for Holding { generation, points, progress } in &status.generations {
        let points = points.map_or_else(|| "no collection".to_owned(), |points| format!("{points} points"));
        let threshold = match generation.threshold {
            Some(threshold) => format!("threshold {threshold:.3}"),
            None => "threshold not fitted".to_owned(),
        };
        // What is retired has whatever it had.
        let documents = match generation.state.as_str() {
            "retired" => String::new(),
            _ => format!(", {} of {} documents", progress.built, progress.revisions),
        };
        output::line(&format!(
            "{:8}  {}  {points}{documents}  {}, {}, {}  {threshold}",
            generation.state,
            generation.collection,
            generation.analyser,
            generation.chunker,
            generation.embedder.as_deref().unwrap_or("no embedder"),
        ))?;
        if progress.failed > 0 {
            output::line(&format!(
                "          {} batches were given up: `vectora failed list`",
                progress.failed
            ))?;
        }
    }
    output::line(&format!(
        "{} documents, {} chunks; {} points to be deleted",
        status.stock.documents, status.stock.chunks, status.tombstones
    ))?;
    Ok(())
}
