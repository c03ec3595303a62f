//! One connection to NATS that never gives up, and knows when it is cut off.
//!
//! The process must start and accept questions while NATS is away, so a server that is not there is a
//! state ([`ConnectionState`]), not an error. Only what no waiting can repair is one ([`ConnectError`]).

mod options;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_nats::Client;
use async_nats::connection::State;
use async_nats::jetstream::{self, Context};
use tokio::sync::watch;

use crate::address::{self, Address};
use crate::{Metrics, Names, Settings, SettingsError};

/// What waiting would not repair.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(
        "nats.{key}: {path} cannot be used; check that it exists, is readable and has the right contents"
    )]
    File {
        key: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "NATS at {servers} rejects these credentials: check nats.token, nats.creds_file or the user in nats.url"
    )]
    Rejected { servers: String },
    #[error("the NATS client cannot start")]
    Client(#[source] async_nats::ConnectError),
}

/// Whether there is a connection, and how many there have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionState {
    pub connected: bool,
    /// Connections made so far, the first included. A running pull is repeated when this changes.
    pub connections: u64,
    /// The server is there and refuses the credentials; attempts go on, as they may be repaired there.
    pub rejected: bool,
}

/// A connection to NATS with everything that is done over it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Nats {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: Client,
    jetstream: Context,
    state: watch::Receiver<ConnectionState>,
    names: Names,
    settings: Settings,
    metrics: Metrics,
    loopback: bool,
    abandoned: Arc<AtomicBool>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }
}

impl Nats {
    /// Returns as soon as there is a connection, and without one after `connect_wait`. From then on
    /// the client reconnects by itself, for ever, with jittered pauses of at most one second.
    ///
    /// With `tls://` the process must have installed a rustls provider before.
    ///
    /// # Errors
    /// Settings that cannot work, an unreadable file, credentials the server rejects.
    pub async fn connect(settings: &Settings) -> Result<Self, ConnectError> {
        let names = settings.validate()?;
        let address = Address::parse(&settings.url)?;
        let metrics = Metrics::default();
        let abandoned = Arc::new(AtomicBool::new(false));
        let (state_tx, mut state) = watch::channel(ConnectionState::default());

        let options =
            options::options(settings, &address, state_tx, metrics.clone(), abandoned.clone()).await?;
        let servers = address.shown();
        let client = options.connect(&address.servers[..]).await.map_err(ConnectError::Client)?;
        let nats = Self {
            inner: Arc::new(Inner {
                jetstream: jetstream::new(client.clone()),
                client,
                state: state.clone(),
                names,
                settings: settings.clone(),
                metrics,
                loopback: address.is_loopback(),
                abandoned,
            }),
        };

        let settled = state.wait_for(|state| state.connected || state.rejected);
        let rejected = tokio::time::timeout(settings.connect_wait, settled)
            .await
            .is_ok_and(|state| state.is_ok_and(|state| state.rejected));
        if rejected {
            return Err(ConnectError::Rejected { servers });
        }
        if !nats.is_connected() {
            tracing::warn!(%servers, "NATS is not reachable yet; going on without, and trying again");
        }
        Ok(nats)
    }

    /// Changes with every connection made and lost.
    pub fn connected(&self) -> watch::Receiver<ConnectionState> {
        self.inner.state.clone()
    }

    pub fn is_connected(&self) -> bool {
        self.client().connection_state() == State::Connected
    }

    /// The version of the server of the last connection; `None` before the first.
    pub fn server_version(&self) -> Option<String> {
        self.client().try_server_info().map(|info| info.version)
    }

    /// Whether the server can be reached from this machine only: by the address it is spoken to and by
    /// the address it says it listens on.
    pub fn is_loopback(&self) -> bool {
        self.inner.loopback
            && self.client().try_server_info().is_none_or(|info| address::is_loopback(&info.host))
    }

    /// What streams, subjects and consumers are called.
    pub fn names(&self) -> &Names {
        &self.inner.names
    }

    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Writes out what is still queued in the client, acknowledgements above all: what is not
    /// written when the process ends is lost. At most `publish_timeout`; nothing while cut off.
    pub async fn flush(&self) {
        if !self.is_connected() {
            return;
        }
        match tokio::time::timeout(self.settings().publish_timeout, self.client().flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "queued acknowledgements may be lost"),
            Err(_) => tracing::warn!("NATS took too long: queued acknowledgements may be lost"),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.inner.client
    }

    pub(crate) fn jetstream(&self) -> &Context {
        &self.inner.jetstream
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }
}

#[cfg(test)]
mod tests;
