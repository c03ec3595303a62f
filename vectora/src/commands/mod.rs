//! The commands, one file each.

mod ask;
mod bench;
mod config;
mod failed;
mod keys;
mod local;
mod migrate;
mod output;
mod serve;
mod topology;
mod up;

use std::process::ExitCode;

use clap::Subcommand;

use crate::config::Invocation;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start everything in the foreground: servers, ingress, API and all workers.
    Up(up::Up),
    /// Take questions in, and issue tickets.
    Ingress,
    /// Answer for what happens to questions.
    Api,
    /// Work on stages.
    Worker(serve::Worker),
    /// Ask a question and wait for the answer. Exit code: 0 answered, 3 refused, 4 with a human, 1 failed.
    Ask(ask::Ask),
    /// Keys for the REST interface.
    Keys(keys::Keys),
    /// Work that was given up.
    Failed(failed::Failed),
    /// Move the ledger's schema.
    Migrate(migrate::Migrate),
    /// Streams and consumers in NATS.
    Topology(topology::TopologyCommand),
    /// Check or show the configuration.
    Config(config::ConfigCommand),
    /// Measure.
    Bench(bench::Bench),
}

impl Command {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        match self {
            Self::Up(up) => Box::pin(up.run(invocation)).await,
            Self::Ingress => Box::pin(serve::ingress(invocation)).await,
            Self::Api => Box::pin(serve::api(invocation)).await,
            Self::Worker(worker) => Box::pin(worker.run(invocation)).await,
            Self::Ask(ask) => ask.run(invocation).await,
            Self::Keys(keys) => keys.run(invocation).await,
            Self::Failed(failed) => failed.run(invocation).await,
            Self::Migrate(migrate) => migrate.run(invocation).await,
            Self::Topology(topology) => topology.run(invocation).await,
            Self::Config(config) => config.run(invocation),
            Self::Bench(bench) => Box::pin(bench.run(invocation)).await,
        }
    }
}
