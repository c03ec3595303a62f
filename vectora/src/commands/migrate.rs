//! `vectora migrate up | down | status`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{local, output};
use crate::config::Invocation;

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Apply what is missing.
    Up,
    /// Take the newest migrations back. Loses what is in the tables they made.
    Down {
        /// How many.
        #[arg(long, default_value_t = 1)]
        steps: usize,
    },
    /// List all migrations, and which are applied. Exit code 1 when some are not.
    Status,
}

impl Migrate {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let ledger = local::ledger(invocation)?;
        match self.action {
            Action::Up => output::line(&format!("{} applied", store::migrate::up(&ledger).await?))?,
            Action::Down { steps } => {
                output::line(&format!("{} taken back", store::migrate::down(&ledger, steps).await?))?;
            }
            Action::Status => {
                let steps = store::migrate::status(&ledger).await?;
                for step in &steps {
                    let state = if step.applied { "applied" } else { "missing" };
                    output::line(&format!("{} {state:8} {}", step.version, step.description))?;
                }
                if steps.iter().any(|step| !step.applied) {
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
