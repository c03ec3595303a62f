//! The commands, one file each.

mod ask;
mod bench;
mod calibrate;
mod config;
mod display;
mod eval;
mod failed;
mod index;
mod ingest;
mod keys;
mod local;
mod migrate;
mod operators;
mod output;
mod reindex;
mod remote;
mod search;
mod serve;
mod telegram;
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
    /// Load a folder or files. Exit code: 0 all of it is searchable, 1 a file failed or something went wrong.
    Ingest(ingest::Ingest),
    /// Search the knowledge base: passages, and how well they cover the question.
    Search(search::Search),
    /// Build the index anew from the ledger, beside the live one, and switch to it.
    Reindex(reindex::Reindex),
    /// The index against the ledger.
    Index(index::IndexCommand),
    /// Fit the threshold below which questions are refused.
    Calibrate(calibrate::Calibrate),
    /// Measure quality on data of your own.
    Eval(eval::Eval),
    /// Keys for the REST interface.
    Keys(keys::Keys),
    /// The bot: its webhook, a pause, erasing a person.
    Telegram(telegram::Telegram),
    /// People who answer in the operators' group.
    Operators(operators::Operators),
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
            Self::Ingest(ingest) => Box::pin(ingest.run(invocation)).await,
            Self::Search(search) => search.run(invocation).await,
            Self::Reindex(reindex) => Box::pin(reindex.run(invocation)).await,
            Self::Index(index) => Box::pin(index.run(invocation)).await,
            Self::Calibrate(calibrate) => Box::pin(calibrate.run(invocation)).await,
            Self::Eval(eval) => Box::pin(eval.run(invocation)).await,
            Self::Keys(keys) => keys.run(invocation).await,
            Self::Telegram(telegram) => Box::pin(telegram.run(invocation)).await,
            Self::Operators(operators) => operators.run(invocation).await,
            Self::Failed(failed) => failed.run(invocation).await,
            Self::Migrate(migrate) => migrate.run(invocation).await,
            Self::Topology(topology) => topology.run(invocation).await,
            Self::Config(config) => config.run(invocation),
            Self::Bench(bench) => Box::pin(bench.run(invocation)).await,
        }
    }
}
