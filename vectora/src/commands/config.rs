//! `vectora config check`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::output;
use crate::config::Invocation;

#[derive(Debug, Args)]
pub(crate) struct ConfigCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Name what is wrong with the configuration. Exit code 78 when something is.
    Check,
    /// Show what is in force; secrets are masked.
    Show,
}

impl ConfigCommand {
    pub(crate) fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let config = invocation.checked()?;
        match self.action {
            Action::Check => output::line("the configuration is in order")?,
            // Secrets are `SecretString`s, which do not print themselves.
            Action::Show => output::line(&format!("{config:#?}"))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
