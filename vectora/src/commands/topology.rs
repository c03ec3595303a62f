//! `vectora topology apply | check`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use nats::topology;

use super::{local, output};
use crate::config::Invocation;

#[derive(Debug, Args)]
pub(crate) struct TopologyCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create what is missing, change what differs.
    Apply,
    /// Compare what is there with what is wanted. Exit code 1 when something differs.
    Check,
}

impl TopologyCommand {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let config = local::config(invocation)?;
        let wanted = topology::wanted(&config.nats, workers::stages::ALL)?;
        let nats = local::nats(&config).await?;
        match self.action {
            Action::Apply => {
                let changes = topology::apply(&nats, &wanted).await?;
                for change in &changes {
                    output::line(&change.to_string())?;
                }
                if changes.is_empty() {
                    output::line("as wanted")?;
                }
                let refused =
                    changes.iter().any(|change| matches!(change.action, topology::Action::Refused { .. }));
                Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
            }
            Action::Check => {
                let differences = topology::check(&nats, &wanted).await?;
                for difference in &differences {
                    output::line(&difference.to_string())?;
                }
                if differences.is_empty() {
                    output::line("as wanted")?;
                    return Ok(ExitCode::SUCCESS);
                }
                Ok(ExitCode::FAILURE)
            }
        }
    }
}
