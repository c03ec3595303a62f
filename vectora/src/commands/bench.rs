//! `vectora bench`.
use std::process::ExitCode;
use clap::Args;
use crate::config::Invocation;
#[derive(Debug, Args)]
pub(crate) struct Bench {}
impl Bench { pub(crate) async fn run(self, _i: &Invocation) -> anyhow::Result<ExitCode> { anyhow::bail!("not yet") } }
