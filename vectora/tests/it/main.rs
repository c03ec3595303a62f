//! The one integration-test binary: every test starts real servers and real processes of the shipped binary.
//!
//! Three sorts: faults (`kill_points`, `knowledge_faults`, `nats_faults`, `ledger_faults`, `tickets`, `paused`, `stopping`), what the
//! product does (`conversations`, `takeover`, `delivery`, `limits`, `ledger`, `rest`, `requests`, `events`,
//! `bad_input`, `telegram`, `telegram_desk`, `telegram_faults`, `knowledge`, `generations`, `embedders`, `ingestion_http`,
//! `answers`, `translated`, `eval_answers`, `up`, `up_faults`, `configuration`, `tools`), and the code itself (`layers`,
//! `checked_queries`).

#![expect(clippy::large_futures, reason = "a test's future lives once, on a test's own thread")]

mod answers;
mod bad_input;
mod checked_queries;
mod configuration;
mod conversations;
mod delivery;
mod embedders;
mod eval_answers;
mod events;
mod generations;
mod ingestion_http;
mod kill_points;
mod knowledge;
mod knowledge_faults;
mod layers;
mod ledger;
mod ledger_faults;
mod limits;
mod nats_faults;
mod paused;
mod real_qdrant;
mod requests;
mod rest;
mod stopping;
mod takeover;
mod telegram;
mod telegram_desk;
mod telegram_faults;
mod tickets;
mod tools;
mod translated;
mod up;
mod up_faults;

/// The binary under test: the one people run.
const BINARY: &str = env!("CARGO_BIN_EXE_vectora");
