//! `vectora operators add | remove | list`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{local, output};
use crate::config::Invocation;

#[derive(Debug, Args)]
pub(crate) struct Operators {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Let a person speak for us in the operators' group.
    Add {
        /// Telegram's id of the person; the bot tells it to whoever tries.
        id: i64,
        /// For people who read the list.
        name: String,
    },
    Remove {
        id: i64,
    },
    /// Those added here; `OPERATOR_IDS` are not among them.
    List {
        #[arg(long)]
        json: bool,
    },
}

impl Operators {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let ledger = local::ledger(invocation)?;
        match self.action {
            Action::Add { id, name } => store::operators::add(&ledger, id, &name).await?,
            Action::Remove { id } => {
                anyhow::ensure!(store::operators::remove(&ledger, id).await?, "there is no operator {id}");
            }
            Action::List { json } => {
                let operators = store::operators::list(&ledger).await?;
                if json {
                    output::json(&operators)?;
                } else {
                    for operator in operators {
                        output::line(&format!("{}  {}", operator.telegram_id, operator.name))?;
                    }
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
