//! Tickets in. The caller has its permits first and pulls as many tickets: nothing ages in client memory
//! with `ack_wait` running.
//!
//! A pull is a request that the server answers with deliveries until the number is reached or
//! `pull_expires` is over. It can get lost without a word: in a restart of the server, or because the
//! consumer is gone (2.9 then never answers at all, measured). Hence three ends that are not the
//! server's: a guard timer, every new connection, and any error. After each of them the consumer is
//! looked up again, so that a missing one is an error of the next [`Puller::pull`] instead of silence.

use std::fmt;
use std::time::Duration;

use async_nats::jetstream::consumer::pull::{Batch, Config};
use async_nats::jetstream::consumer::{AckPolicy, Consumer, FromConsumer, Info};
use contract::Stage;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::{ApiError, ConnectionState, Delivery, Nats};

/// How much longer than `pull_expires` a silent pull lasts. The server's own end came within 2 ms of
/// the time (2.9.10, measured); the rest is for a busy machine.
const GUARD: Duration = Duration::from_millis(500);

/// Why there is nothing to pull from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PullError {
    /// After waiting `pull_expires` for a connection: the caller needs no pause of its own.
    #[error("not connected to NATS")]
    Disconnected,
    #[error(
        "stream {stream} has no consumer {consumer}: the dispatcher creates it, or run `vectora topology apply`"
    )]
    Missing { stream: String, consumer: String },
    #[error(
        "consumer {consumer} of stream {stream} is not what this process needs ({problem}): run `vectora topology check`"
    )]
    Mismatch { stream: String, consumer: String, problem: String },
    #[error(transparent)]
    Unavailable(ApiError),
}

/// Pulls the tickets of one stage. Binds to the consumer there is and never creates one.
#[derive(Debug)]
pub struct Puller {
    nats: Nats,
    stage: Stage,
    /// Looked up at the first pull and after anything odd.
    consumer: Option<Consumer<Config>>,
}

impl Puller {
    pub fn new(nats: &Nats, stage: Stage) -> Self {
        Self { nats: nats.clone(), stage, consumer: None }
    }

    /// Asks for at most `max` tickets (0 counts as 1). The deliveries arrive in the [`Pull`].
    ///
    /// # Errors
    /// [`PullError`]. All but [`PullError::Disconnected`] come at once: pause before the next try.
    pub async fn pull(&mut self, max: usize) -> Result<Pull<'_>, PullError> {
        let settings = self.nats.settings();
        let (expires, limit) = (settings.pull_expires, settings.request_timeout);
        let mut state = self.nats.connected();
        let connected = tokio::time::timeout(expires, connection(&self.nats, &mut state)).await;
        let Ok(Some(connections)) = connected else { return Err(PullError::Disconnected) };

        let bound = match self.consumer.take() {
            Some(consumer) => consumer,
            None => self.bind().await?,
        };
        let consumer = self.consumer.insert(bound);
        let batch = consumer.batch().max_messages(max.max(1)).expires(expires).messages();
        let unavailable = |error| Err(PullError::Unavailable(error));
        let batch = match tokio::time::timeout(limit, batch).await {
            Ok(Ok(batch)) => batch,
            Ok(Err(error)) => return unavailable(ApiError::Unreadable(error.to_string())),
            Err(_) => return unavailable(ApiError::Timeout(limit)),
        };
        let guard = Instant::now() + expires + GUARD;
        Ok(Pull { puller: self, batch, state, connections, guard, over: false, failed: false })
    }

    async fn bind(&self) -> Result<Consumer<Config>, PullError> {
        let info = self.nats.consumer_info(&self.stage).await.map_err(|error| match error {
            ApiError::Disconnected => PullError::Disconnected,
            error if error.is_missing() => {
                PullError::Missing { stream: self.stream(), consumer: self.stage.name.to_owned() }
            }
            error => PullError::Unavailable(error),
        })?;
        let config = self.checked(&info)?;
        Ok(Consumer::new(config, info, self.nats.jetstream().clone()))
    }

    /// What would make every delivery wrong: other stages' tickets (2.9 drops filters it does not know), or
    /// tickets that are gone before they are worked on.
    fn checked(&self, info: &Info) -> Result<Config, PullError> {
        let wanted = self.nats.names().subject(&self.stage);
        let mismatch = |problem: String| PullError::Mismatch {
            stream: self.stream(),
            consumer: self.stage.name.to_owned(),
            problem,
        };
        if info.config.filter_subject != wanted {
            return Err(mismatch(format!("filter {:?} instead of {wanted:?}", info.config.filter_subject)));
        }
        if info.config.ack_policy != AckPolicy::Explicit {
            return Err(mismatch(format!("ack policy {:?} instead of explicit", info.config.ack_policy)));
        }
        Config::try_from_consumer_config(info.config.clone()).map_err(|error| mismatch(error.to_string()))
    }

    fn stream(&self) -> String {
        self.nats.names().stream(self.stage.stream)
    }
}

/// One running pull: call [`Pull::next`] until it is over, then pull again.
///
/// Dropped before its end, what is on the way comes again after `ack_wait`; [`Pull::release`] is better.
pub struct Pull<'a> {
    puller: &'a mut Puller,
    batch: Batch,
    state: watch::Receiver<ConnectionState>,
    connections: u64,
    guard: Instant,
    over: bool,
    failed: bool,
}

impl fmt::Debug for Pull<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pull")
            .field("stage", &self.puller.stage)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

impl Pull<'_> {
    /// The next delivery; `None` when this pull is over: all tickets came, `pull_expires` passed, or
    /// something ended it early (logged at debug, counted), about which the next pull will tell.
    ///
    /// The future can be dropped at any time without losing a delivery.
    pub async fn next(&mut self) -> Option<Delivery> {
        if self.over {
            return None;
        }
        let stage = self.puller.stage;
        let connections = self.connections;
        let early = tokio::select! {
            // What has arrived is handed out before any other end is looked at.
            biased;
            item = self.batch.next() => match item {
                Some(Ok(message)) => return Some(Delivery::new(message, stage, self.puller.nats.clone())),
                Some(Err(error)) => {
                    self.failed = true;
                    Some(error.to_string())
                }
                None => None,
            },
            () = another_connection(&mut self.state, connections) => Some("a new connection".to_owned()),
            () = tokio::time::sleep_until(self.guard) => Some("silence".to_owned()),
        };
        self.over = true;
        if let Some(reason) = early {
            tracing::debug!(%stage, %reason, "a pull ended early");
            self.puller.nats.metrics().pulls_cut_short.inc();
            self.puller.consumer = None;
        }
        None
    }

    /// Whether an error ended it: the caller should pause before the next one.
    pub const fn failed(&self) -> bool {
        self.failed
    }

    /// Ends the pull for a shutdown: what has arrived and nobody has taken goes back to the others at once,
    /// instead of after `ack_wait`.
    pub async fn release(mut self) {
        while let Some(Some(Ok(message))) = self.batch.next().now_or_never() {
            Delivery::new(message, self.puller.stage, self.puller.nats.clone()).nak().await;
        }
    }
}

/// Waits for a connection; the number is that of the last one made.
async fn connection(nats: &Nats, state: &mut watch::Receiver<ConnectionState>) -> Option<u64> {
    loop {
        let connections = state.wait_for(|state| state.connected).await.ok()?.connections;
        if nats.is_connected() {
            return Some(connections);
        }
        // Just lost, and the news is on its way.
        state.changed().await.ok()?;
    }
}

async fn another_connection(state: &mut watch::Receiver<ConnectionState>, connections: u64) {
    // An error means that the client is gone; that ends the pull too.
    drop(state.wait_for(|state| state.connections != connections).await);
}

#[cfg(test)]
mod tests;
