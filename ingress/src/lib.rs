//! What comes in: REST questions and files, Telegram's updates. A question becomes an inbox row and a
//! ticket (one that opens a conversation an open turn), a file a revision.
//!
//! A client is told "accepted" only after the ledger has committed; the ticket is published after that,
//! and no answer waits for it. **Invariant:** nothing here works on a question or reads what a file says.

pub mod admission;
pub mod dispatcher;
pub mod http;
pub mod ingestions;
pub mod questions;
pub mod telegram;
#[cfg(test)]
mod tests;
