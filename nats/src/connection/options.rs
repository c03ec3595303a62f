//! How the client connects, comes back, and what it tells meanwhile.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::{ClientError, ConnectOptions, Event, ServerError};
use secrecy::ExposeSecret;
use tokio::sync::watch;

use crate::address::{Address, Login};
use crate::{ConnectError, ConnectionState, Metrics, Settings};

/// Commands the client may hold while it writes. When it is full, callers wait, each within its own limit:
/// what is published while NATS is away does not pile up.
const CLIENT_CAPACITY: usize = 2048;

/// Three pings without an answer end a connection whose other side vanished without a word (a node that
/// lost its power): noticed after 9 s at the latest.
const PING_INTERVAL: Duration = Duration::from_secs(3);

/// A stopped server (SIGSTOP) accepts in the kernel and never says a word; on to the next attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A question must be answered within 5 s of the server being back: attempts are at most this far apart.
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(1);
const FIRST_RECONNECT_DELAY: Duration = Duration::from_millis(20);

/// Between the attempts of a connection that nobody holds any more: the client has no way to stop them.
const ABANDONED_DELAY: Duration = Duration::from_hours(24);

pub(super) async fn options(
    settings: &Settings,
    address: &Address,
    state: watch::Sender<ConnectionState>,
    metrics: Metrics,
    abandoned: Arc<AtomicBool>,
) -> Result<ConnectOptions, ConnectError> {
    let file = |key, path: &PathBuf, source| ConnectError::File { key, path: path.clone(), source };
    let servers = address.shown();
    let mut options = ConnectOptions::new()
        .name("vectora")
        .retry_on_initial_connect()
        .client_capacity(CLIENT_CAPACITY)
        .ping_interval(PING_INTERVAL)
        .connection_timeout(CONNECT_TIMEOUT)
        .request_timeout(Some(settings.request_timeout))
        .reconnect_delay_callback(move |attempt| {
            if abandoned.load(Ordering::Relaxed) { ABANDONED_DELAY } else { reconnect_delay(attempt) }
        })
        .event_callback(move |event| {
            observe(&event, &state, &metrics, &servers);
            std::future::ready(())
        });
    if let Some(path) = &settings.ca_file {
        tokio::fs::metadata(path).await.map_err(|error| file("ca_file", path, error))?;
        options = options.add_root_certificates(path.clone());
    }
    Ok(match (&settings.creds_file, &settings.token, &address.login) {
        (Some(path), _, _) => {
            options.credentials_file(path).await.map_err(|error| file("creds_file", path, error))?
        }
        (None, Some(token), _) | (None, None, Some(Login::Token(token))) => {
            options.token(token.expose_secret().to_owned())
        }
        (None, None, Some(Login::User(user, password))) => {
            options.user_and_password(user.clone(), password.expose_secret().to_owned())
        }
        (None, None, None) => options,
    })
}

fn observe(event: &Event, state: &watch::Sender<ConnectionState>, metrics: &Metrics, servers: &str) {
    let violation = ServerError::AuthorizationViolation;
    match event {
        Event::Connected => {
            let before = *state.borrow();
            if before.connections > 0 {
                metrics.reconnects.inc();
            }
            state.send_replace(ConnectionState {
                connected: true,
                connections: before.connections + 1,
                rejected: false,
            });
            tracing::info!(%servers, connections = before.connections + 1, "connected to NATS");
        }
        Event::Disconnected => {
            state.send_modify(|state| state.connected = false);
            tracing::warn!(%servers, "cut off from NATS; reconnecting");
        }
        // The last handle was dropped: nobody is cut off from anything.
        Event::Closed => state.send_modify(|state| state.connected = false),
        // While connecting, the client passes errors on as text: this is the kind's.
        Event::ClientError(ClientError::Other(error))
            if *error == async_nats::ConnectErrorKind::AuthorizationViolation.to_string() =>
        {
            state.send_modify(|state| state.rejected = true);
            tracing::warn!(%servers, "NATS rejects the credentials");
        }
        Event::ServerError(error) if *error == violation => {
            state.send_modify(|state| state.rejected = true);
            tracing::warn!(%servers, "NATS rejects the credentials");
        }
        Event::SlowConsumer(_) => {
            tracing::warn!("messages were dropped: a subscription was not read in time");
        }
        Event::LameDuckMode => tracing::info!(%servers, "the NATS server is about to stop"),
        Event::ServerError(error) => tracing::warn!(%servers, %error, "NATS reports an error"),
        // One for every failed attempt: the state says it already.
        Event::ClientError(error) => tracing::debug!(%servers, %error, "NATS client"),
        Event::Draining => {}
    }
}

/// 20, 40, 80, 160, 320, 640, then 1,000 ms, each shortened by up to a half at random, so that processes
/// cut off together do not come back together. Never zero: a server that accepts and hangs up
/// would be called in a loop.
fn reconnect_delay(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    let full = (FIRST_RECONNECT_DELAY * 2_u32.pow(doublings)).min(MAX_RECONNECT_DELAY);
    // The last bytes of a UUIDv7 are random.
    let [.., random] = uuid::Uuid::now_v7().into_bytes();
    full.mul_f64(1.0 - f64::from(random) / 512.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reconnect_delays_double_to_a_second_and_never_vanish() {
        for attempt in [0, 1, 2, 5, 7, 100, usize::MAX] {
            let delay = reconnect_delay(attempt);
            assert!(delay >= FIRST_RECONNECT_DELAY / 2 && delay <= MAX_RECONNECT_DELAY, "{delay:?}");
        }
        assert!(reconnect_delay(20) >= MAX_RECONNECT_DELAY / 2);
    }
}
