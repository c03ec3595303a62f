//! `vectora eval`: how good the product's own code is on data of your own.

mod answers;
mod minimum;
mod place;
mod retrieval;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::config::Invocation;

#[derive(Debug, Args)]
pub(crate) struct Eval {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Search a corpus for questions whose documents are known. Exit code 1 below a --min.
    Retrieval(retrieval::Retrieval),
    /// Ask a running installation questions whose answers are known. Exit code 1 below a --min.
    Answers(Box<answers::Answers>),
}

impl Eval {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Retrieval(retrieval) => retrieval.run(invocation).await,
            What::Answers(answers) => answers.run(invocation).await,
        }
    }
}
