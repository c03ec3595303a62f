//! `vectora reindex`: build the index anew beside the live one, and switch.

use std::process::ExitCode;

use clap::Args;
use retrieval::reindex::{self, Options, Outcome, Step};
use serde_json::json;

use super::display::{Display, note};
use super::{local, output};
use crate::config::Invocation;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags of a command line")]
pub(crate) struct Reindex {
    /// Stop the generation that is being built, and keep the live one.
    #[arg(long, conflicts_with_all = ["chunks", "force"])]
    abandon: bool,
    /// Cut all documents into chunks anew, from their extracted text.
    #[arg(long)]
    chunks: bool,
    /// Build a new generation also if nothing differs.
    #[arg(long)]
    force: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

impl Reindex {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let config = local::config(invocation)?;
        let ledger = local::ledger(invocation)?;
        if self.abandon {
            let abandoned = reindex::abandon(&ledger).await?;
            let id = abandoned.as_ref().map(|generation| generation.id);
            if self.json {
                output::json(&json!({ "abandoned": id }))?;
            } else {
                match id {
                    Some(id) => output::line(&format!("{id} is no longer being built"))?,
                    None => output::line("nothing is being built")?,
                }
            }
            return Ok(ExitCode::SUCCESS);
        }
        let index = local::index(&config)?;
        let vectors = config.vectors()?;
        let display = Display::new(self.json);
        if local::running(invocation)?.is_none() && !self.json {
            note("no `vectora up` runs here: other workers have to do the embedding");
        }
        let options = Options { prefix: &config.nats.prefix, chunks: self.chunks, force: self.force };
        let outcome =
            Box::pin(reindex::reindex(&ledger, &index, &vectors, options, |step| show(&display, step))).await;
        display.finish();
        match outcome? {
            Outcome::Unchanged(live) if self.json => {
                output::json(
                    &json!({ "switched": false, "generation": live.id, "collection": live.collection }),
                )?;
            }
            Outcome::Unchanged(live) => output::line(&format!(
                "nothing to do: {} is complete, made with {}, {} and {}; --force builds it anyway",
                live.collection,
                live.analyser,
                live.chunker,
                live.embedder.as_deref().unwrap_or("no embedder"),
            ))?,
            Outcome::Switched { generation, documents } if self.json => output::json(&json!({
                "switched": true,
                "generation": generation.id,
                "collection": generation.collection,
                "documents": documents,
            }))?,
            Outcome::Switched { generation, documents } => output::line(&format!(
                "{} is live, with {documents} documents; the old collection goes in a few minutes",
                generation.collection
            ))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn show(display: &Display, step: Step) {
    let count = |n: i64| usize::try_from(n).unwrap_or(0);
    match step {
        // How many there were is not known; what is left is told by the length.
        Step::Chunking { left } => display.show("chunking", 0, count(left)),
        Step::Embedding(progress) => {
            display.show("embedding", count(progress.built), count(progress.revisions));
        }
        Step::Fitting { done, of } => display.show("fitting", done, of),
    }
}
