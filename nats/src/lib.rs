//! Tickets and events over NATS.
//!
//! `JetStream` moves the work and decides none of it: the ledger does (docs: LEDGER.md, QUEUE.md). So
//! everything here may fail, double or lose a ticket without harm, and the code is written for speed of
//! recovery rather than for delivery guarantees:
//!
//! - [`Nats`] is one connection that never gives up and knows when it is cut off.
//! - [`topology`] is the streams and consumers as data: applied by one command, checked at start,
//!   and re-created by the dispatcher when they vanish.
//! - [`Nats::publish`] and [`Nats::publish_many`] wait for the server's word, but never long.
//! - [`Puller`] asks for as many tickets as there are permits, and [`Delivery`] answers for each.
//! - [`Nats::backlog`] tells the dispatcher which tickets still wait.
//! - [`Nats::notify`] and [`Nats::follow`] carry events that are not stored.
//!
//! **Invariant:** this crate knows nothing of the ledger, and no other crate knows `async-nats`.
//! **Invariant:** no call here waits for a server without a limit.

mod address;
mod api;
mod backlog;
mod connection;
mod delivery;
mod events;
mod metrics;
mod names;
mod publisher;
mod puller;
mod settings;
pub mod topology;

#[cfg(test)]
mod testing;

pub use api::ApiError;
pub use backlog::Backlog;
pub use connection::{ConnectError, ConnectionState, Nats};
pub use delivery::Delivery;
pub use events::QuestionEvents;
pub use metrics::Metrics;
pub use names::Names;
pub use publisher::PublishError;
pub use puller::{Pull, PullError, Puller};
pub use settings::{Settings, SettingsError};
