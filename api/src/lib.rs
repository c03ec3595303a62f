//! Reading: a question's state once, or as a stream of events; what is served, as `openapi.json`.
//!
//! **Invariant:** nothing here changes the ledger.

mod events;
pub mod http;
mod openapi;
mod progress;
mod questions;
#[cfg(test)]
mod tests;
