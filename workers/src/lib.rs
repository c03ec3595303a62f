//! The workers: stages that claim, work and settle.
//!
//! Reading order: [`stages`] (what there is), [`stage`] (what one is), [`runner`] (what happens to one
//! ticket), [`pull`] (where tickets come from), [`leases`] and [`breaker`] (what protects both), [`channel`] and [`presence`]
//! (how people are reached), [`keeper`] (what the index needs beside embedding).

mod author;
mod batches;
pub mod breaker;
pub mod channel;
mod extractive;
pub mod keeper;
pub mod leases;
pub mod metrics;
pub mod presence;
mod pull;
pub mod runner;
mod settings;
mod shown;
pub mod stage;
pub mod stages;
pub mod writer;

pub use author::Author;
pub use metrics::Metrics;
pub use settings::{Settings, SettingsError};
