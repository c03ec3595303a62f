//! The ledger: PostgreSQL, as plain functions by noun.
//!
//! Every accepted message, turn and outgoing reply is a row with the stage it has reached. A client is
//! told "accepted" only after a commit here. **Invariants:** no other crate knows sqlx; no transaction is
//! open across a model or network call; every write of a worker is fenced by the epoch of its claim.
//!
//! Lock order everywhere: intake key → conversation → turn → escalation → outbound → limiter (chat, then
//! bot); and for knowledge: generations (advisory) → document → revision → embed batch. Statements that lock many rows lock them in the order of their ids.

pub mod accept;
pub mod backlog;
pub mod batches;
pub mod bots;
pub mod contacts;
pub mod conversations;
pub mod desks;
pub mod dispatch;
pub mod documents;
mod error;
pub mod failed;
pub mod generations;
pub mod ingestions;
pub mod intake;
pub mod keys;
mod ledger;
pub mod limiter;
pub mod measure;
pub mod migrate;
pub mod operators;
pub mod outbound;
pub mod passages;
pub mod questions;
pub mod retrievals;
pub mod revisions;
mod settings;
pub mod tombstones;
pub mod turns;
pub mod usage;
pub mod work;

pub use error::Error;
pub use ledger::{Ledger, Role, UrlError};
pub use settings::{Settings, SettingsError};
