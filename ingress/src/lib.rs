//! What comes in: REST questions today, Telegram updates later. Each becomes an inbox row and a ticket.
//!
//! A client is told "accepted" only after the ledger has committed; the ticket is published after that,
//! and no answer waits for it. **Invariant:** nothing here works on a question.

pub mod admission;
pub mod dispatcher;
pub mod http;
pub mod questions;
#[cfg(test)]
mod tests;
