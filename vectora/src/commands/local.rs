//! The server a tool talks to: the one that is configured, or the one `vectora up` runs on this machine.

use anyhow::Context;
use embedded::runfile::RunFile;
use knowledge::Index;
use nats::Nats;
use secrecy::SecretString;
use store::{Ledger, Role};

use crate::config::{Config, Invocation};

/// The configuration, with the addresses of a running `vectora up` where none are given.
pub(crate) fn config(invocation: &Invocation) -> anyhow::Result<Config> {
    let mut config = invocation.checked()?;
    let given = invocation.given()?;
    if given.store() && given.nats() && given.index() {
        return Ok(config);
    }
    if let Some(run) = running(invocation)? {
        if !given.store() {
            config.store.url = Some(SecretString::from(run.database_url));
        }
        if !given.nats() {
            config.nats.url = SecretString::from(run.nats_url);
            config.nats.token = run.nats_token.map(SecretString::from);
        }
        if !given.index() {
            config.index.url = run.qdrant_url;
            config.index.api_key = run.qdrant_api_key.map(SecretString::from);
        }
    }
    Ok(config)
}

/// `run.json` of a `vectora up` with this data directory.
pub(crate) fn running(invocation: &Invocation) -> anyhow::Result<Option<RunFile>> {
    Ok(RunFile::read(&invocation.data_dir()?)?)
}

pub(crate) fn ledger(invocation: &Invocation) -> anyhow::Result<Ledger> {
    let config = config(invocation)?;
    Ledger::open(&config.store, Role::Tool)
        .context("no ledger: start `vectora up`, or set DATABASE_URL to the one to use")
}

/// The index of the server.
pub(crate) fn index(config: &Config) -> anyhow::Result<Index> {
    Index::connect(&config.index).context("no index: start `vectora up`, or set QDRANT_URL to the one to use")
}

/// A connection to NATS that is there now.
pub(crate) async fn nats(config: &Config) -> anyhow::Result<Nats> {
    let nats = Nats::connect(&config.nats).await?;
    anyhow::ensure!(
        nats.is_connected(),
        "NATS does not answer: start `vectora up`, or set NATS_URL to the one to use"
    );
    Ok(nats)
}
