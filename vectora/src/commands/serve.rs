//! The parts of the process, each on its own: `vectora ingress`, `vectora api`, `vectora worker`.

use std::process::ExitCode;

use clap::Args;
use runtime::lifecycle::Lifecycle;
use store::Role;

use super::local;
use crate::config::Invocation;
use crate::process::{Parts, Process};

/// `vectora worker --stage a,b,c`.
#[derive(Debug, Args)]
pub(crate) struct Worker {
    /// Stages to work on, separated by commas; all by default.
    #[arg(long = "stage", value_delimiter = ',')]
    stages: Vec<String>,
}

impl Worker {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let stages = if self.stages.is_empty() { all_stages() } else { self.stages };
        serve(invocation, Parts { role: Role::Worker, ingress: false, api: false, stages: &stages }).await
    }
}

pub(crate) async fn ingress(invocation: &Invocation) -> anyhow::Result<ExitCode> {
    serve(invocation, Parts { role: Role::Ingress, ingress: true, api: false, stages: &[] }).await
}

pub(crate) async fn api(invocation: &Invocation) -> anyhow::Result<ExitCode> {
    serve(invocation, Parts { role: Role::Api, ingress: false, api: true, stages: &[] }).await
}

pub(crate) fn all_stages() -> Vec<String> {
    workers::stages::ALL.iter().map(|stage| stage.name.to_owned()).collect()
}

async fn serve(invocation: &Invocation, parts: Parts<'_>) -> anyhow::Result<ExitCode> {
    let config = local::config(invocation)?;
    runtime::telemetry::init(&config.log)?;
    let lifecycle = Lifecycle::default();
    lifecycle.watch_signals();
    let process = Box::pin(Process::start(&config, parts, lifecycle)).await?;
    tracing::info!(
        listen = process.listen.map(tracing::field::display),
        internal = %process.internal,
        role = ?parts.role,
        "ready"
    );
    Ok(if process.run().await { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
