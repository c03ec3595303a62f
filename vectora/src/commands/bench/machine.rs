//! What figures are measured on: a machine of some speed, and a directory that is gone afterwards.

use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use anyhow::Context;
use serde_json::{Value, json};

/// Numbers that are sorted for the yardstick.
const NUMBERS: usize = 1_000_000;

/// `cores`, and `sort_ms`: the yardstick.
pub(super) fn machine() -> anyhow::Result<Value> {
    Ok(json!({ "cores": std::thread::available_parallelism()?.get(), "sort_ms": yardstick() }))
}

/// How fast a core is here and now: milliseconds to sort a million numbers that are in no order, the best of five. With
/// it figures of two machines, or of two days on one, can be compared.
pub(super) fn yardstick() -> f64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let numbers: Vec<u64> = (0..NUMBERS)
        .map(|_| {
            // xorshift64 (Marsaglia 2003).
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        })
        .collect();
    let times = (0..5).map(|_| {
        let mut numbers = numbers.clone();
        let began = Instant::now();
        numbers.sort_unstable();
        std::hint::black_box(&numbers);
        began.elapsed().as_secs_f64() * 1000.0
    });
    times.fold(f64::INFINITY, f64::min)
}

/// A directory for an installation. PostgreSQL's account must get through.
pub(super) fn scratch() -> anyhow::Result<tempfile::TempDir> {
    let open = std::fs::Permissions::from_mode(0o711);
    let dir = tempfile::Builder::new().prefix("vectora-bench-").permissions(open).tempdir();
    dir.context("no room in the temporary directory")
}
