//! The `[store]` section.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use crate::{UrlError, ledger};

/// Where the ledger is, and how long it may take.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `postgres://user:password@host/database`; plain name `DATABASE_URL`. Unset: `vectora up` starts one.
    pub url: Option<SecretString>,
    /// Connections a process may hold; each role has its own default (see [`crate::Role`]).
    pub max_connections: Option<u32>,
    /// How long a caller waits for a free connection before the ledger counts as unavailable.
    #[serde(with = "humantime_serde")]
    pub acquire_timeout: Duration,
    /// PostgreSQL's `statement_timeout`.
    #[serde(with = "humantime_serde")]
    pub statement_timeout: Duration,
    /// PostgreSQL's `lock_timeout`: shorter than a statement's, so that a stuck lock has its own error.
    #[serde(with = "humantime_serde")]
    pub lock_timeout: Duration,
    /// PostgreSQL's `idle_in_transaction_session_timeout`: a process stopped inside a transaction
    /// (SIGSTOP, a swapping machine) holds its row locks no longer than this.
    #[serde(with = "humantime_serde")]
    pub idle_in_transaction_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: None,
            max_connections: None,
            acquire_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
            idle_in_transaction_timeout: Duration::from_secs(5),
        }
    }
}

/// Settings that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error("store.max_connections: 0 connections reach nothing; use at least 1, or leave it out")]
    NoConnections,
}

impl Settings {
    /// Checks what can be checked without a server.
    ///
    /// # Errors
    /// The first key whose value cannot work; no URL is fine here, `vectora up` starts a server then.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.url.as_ref().map(ledger::parse).transpose()?;
        if self.max_connections == Some(0) { Err(SettingsError::NoConnections) } else { Ok(()) }
    }
}
