//! `vectora failed list | show | redrive`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{local, output};
use crate::config::Invocation;

#[derive(Debug, Args)]
pub(crate) struct Failed {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List failed work, newest first; sends that are held or unknown are among it.
    List {
        #[arg(long, default_value_t = 100)]
        limit: u32,
        #[arg(long)]
        json: bool,
    },
    /// Show one row, without what people wrote.
    Show { id: Uuid },
    /// Drive failed work again, with its counters at 0.
    Redrive {
        #[arg(required = true)]
        ids: Vec<Uuid>,
    },
}

impl Failed {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let ledger = local::ledger(invocation)?;
        match self.action {
            Action::List { limit, json } => {
                let failed = store::failed::list(&ledger, limit.into()).await?;
                if json {
                    output::json(&failed)?;
                } else {
                    for work in failed {
                        let error = work.error.unwrap_or_default();
                        output::line(&format!(
                            "{}  {} {} {} after {} attempts  {}  {error}",
                            work.id, work.kind, work.stage, work.state, work.attempts, work.since
                        ))?;
                    }
                }
            }
            Action::Show { id } => match store::failed::show(&ledger, id).await? {
                Some(row) => output::json(&row)?,
                None => anyhow::bail!("there is no work with the id {id}"),
            },
            // Tickets are left to the dispatcher: it issues them within a second.
            Action::Redrive { ids } => {
                for id in ids {
                    anyhow::ensure!(
                        store::failed::redrive(&ledger, id).await?.is_some(),
                        "nothing failed has the id {id}"
                    );
                    output::line(&format!("{id} driven again"))?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
