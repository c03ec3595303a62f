//! The sandboxed child alone, for the tests of this crate. People have `vectora extract-child`.

use std::process::ExitCode;

fn main() -> ExitCode {
    extract::run_child()
}
