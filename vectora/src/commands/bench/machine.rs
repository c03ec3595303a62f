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

/// The time of this machine's cores that went to others on the same host: what no yardstick before or after sees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stolen {
    since: Ticks,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Ticks {
    all: f64,
    stolen: f64,
}

impl Stolen {
    pub(super) fn from_now() -> Self {
        Self { since: ticks() }
    }

    /// In percent of all time since; 0 where the kernel does not tell.
    pub(super) fn percent(self) -> f64 {
        let now = ticks();
        let all = (now.all - self.since.all).max(1.0);
        ((now.stolen - self.since.stolen) / all * 1000.0).round() / 10.0
    }
}

fn ticks() -> Ticks {
    std::fs::read_to_string("/proc/stat").map_or_else(|_| Ticks::default(), |stat| of_all_cores(&stat))
}

/// The first line of `/proc/stat` (proc(5)): user, nice, system, idle, iowait, irq, softirq, steal, and two that are part
/// of the first two.
fn of_all_cores(stat: &str) -> Ticks {
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> =
        line.split_whitespace().skip(1).take(8).filter_map(|tick| tick.parse().ok()).collect();
    Ticks { all: ticks.iter().sum(), stolen: ticks.get(7).copied().unwrap_or(0.0) }
}

/// A directory for an installation. PostgreSQL's account must get through.
pub(super) fn scratch() -> anyhow::Result<tempfile::TempDir> {
    let open = std::fs::Permissions::from_mode(0o711);
    let dir = tempfile::Builder::new().prefix("vectora-bench-").permissions(open).tempdir();
    dir.context("no room in the temporary directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_the_eighth_of_the_ticks() {
        let ticks = of_all_cores("cpu  100 20 30 400 5 0 6 39 7 8\ncpu0 1 2 3 4 5 6 7 8 9 10\n");
        assert_eq!(ticks, Ticks { all: 600.0, stolen: 39.0 });
        assert_eq!(of_all_cores(""), Ticks::default());
    }
}
