//! The one integration-test binary: every test starts real servers and real processes of the shipped binary.

mod checked_queries;
mod kill_points;
mod layers;

/// The binary under test: the one people run.
const BINARY: &str = env!("CARGO_BIN_EXE_vectora");
