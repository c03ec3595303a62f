//! Reading and operating: a question's state once, or as a stream of events; search; documents and ingestions; what is
//! served, as `openapi.json`.
//!
//! **Invariant:** nothing here takes anything in: what is changed is what an operator deletes, pauses or cancels.

mod documents;
mod events;
pub mod http;
mod ingestions;
mod openapi;
mod progress;
mod questions;
mod search;
#[cfg(test)]
mod tests;
