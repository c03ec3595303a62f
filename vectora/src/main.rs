//! One binary, many roles: `vectora up` is everything in one process, the others are its parts and tools.

mod commands;
mod config;
mod process;
mod sample;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Command;
use crate::config::Invocation;

/// Self-hosted AI support agent: answers from your own knowledge base, with citations, or hands over.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(flatten)]
    invocation: Invocation,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    // The child that reads what others wrote: it takes the process for itself, before a thread is started.
    if std::env::args().nth(1).as_deref() == Some(extract::CHILD_ARGUMENT) {
        return extract::run_child();
    }
    let arguments = Arguments::parse();
    // reqwest and sqlx panic without a provider, even for plain connections; the only failure is that one
    // is installed already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all();
    if matches!(arguments.command, Command::Up(_)) {
        runtime.on_thread_start(runtime::front::step_back);
    }
    let runtime = match runtime.build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&anyhow::Error::from(error).context("the async runtime does not start")),
    };
    let result = runtime.block_on(arguments.command.run(&arguments.invocation));
    // What is left runs on threads that nothing waits for (a resolver, a stuck file system).
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    match result {
        Ok(code) => code,
        Err(error) => report(&error),
    }
}

/// One line on stderr, causes included; exit code 78 (`EX_CONFIG`) when the configuration is at fault.
#[expect(clippy::print_stderr, reason = "this is the error's one way to a person")]
fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("vectora: {error:#}");
    if config::is_at_fault(error) { ExitCode::from(runtime::config::EX_CONFIG) } else { ExitCode::FAILURE }
}
