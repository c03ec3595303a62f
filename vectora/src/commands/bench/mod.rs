//! `vectora bench`: measure the product as people run it, on this machine, and print JSON.

mod answers;
mod knowledge;
mod load;
mod machine;
mod queue;
mod readers;
mod server;
mod telegram;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::config::Invocation;

#[derive(Debug, Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The mechanism alone: accept, intake, answer with the scripted model.
    Queue(queue::Queue),
    /// A bot against a fake Telegram: reactions, webhook, a crowd that asks at once.
    Telegram(telegram::Telegram),
    /// Answers by a model: what the pipeline adds to a provider's own time, and many streams at once.
    Answers(answers::Answers),
    /// Knowledge: ingestion, search, answers from it, memory, quality.
    Knowledge(knowledge::Knowledge),
}

impl Bench {
    pub(crate) async fn run(self, _: &Invocation) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Queue(queue) => queue.run().await,
            What::Answers(answers) => Box::pin(answers.run()).await,
            What::Telegram(telegram) => Box::pin(telegram.run()).await,
            What::Knowledge(knowledge) => Box::pin(knowledge.run()).await,
        }
    }
}
