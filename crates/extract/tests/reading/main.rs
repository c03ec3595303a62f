//! Files through the whole of it, with real children.

mod files;
mod hostile;
mod sandbox;

use extract::Sandbox;

/// The reader of this crate, as its own program.
const CHILD: &str = env!("CARGO_BIN_EXE_extract-child");

fn reader() -> Sandbox {
    Sandbox::new(CHILD)
}

/// For people who run the tests with `--nocapture`.
#[expect(clippy::print_stderr, reason = "a test that skips, or measures, has to say so")]
fn say(what: &str) {
    eprintln!("{what}");
}
