//! What every process needs whatever it does: configuration, telemetry, health and metrics, shutdown,
//! batching, caches, and the kill points tests use.
//!
//! **Invariant:** nothing of the domain is here, and no other crate of the workspace is known.

pub mod batch;
pub mod cache;
pub mod config;
mod connection;
pub mod fault;
pub mod front;
pub mod health;
pub mod lifecycle;
pub mod listener;
pub mod metrics;
pub mod telemetry;
