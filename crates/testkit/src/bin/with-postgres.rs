//! `with-postgres COMMAND…`: starts the run's PostgreSQL, runs the command with its URL in the environment,
//! stops the server, and ends with the command's exit code.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else {
        return fail("usage: with-postgres COMMAND [ARGUMENTS…]");
    };
    let (_dir, mut server, url) = testkit::postgres::run_server().await;
    let status = tokio::process::Command::new(program)
        .args(words)
        .env(testkit::postgres::VARIABLE, url)
        .status()
        .await;
    server.stop().await;
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => fail(&format!("the command does not start: {error}")),
    }
}

#[expect(clippy::print_stderr, reason = "a tool for a terminal")]
fn fail(text: &str) -> ExitCode {
    eprintln!("{text}");
    ExitCode::FAILURE
}
