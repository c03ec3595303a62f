//! Tickets out. A publish waits for the server's word, but never long: what is not confirmed in time may
//! have been stored or not, and the dispatcher finds out.

use std::time::Duration;

use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::{HeaderMap, Request, RequestErrorKind, header};
use contract::{Stage, Ticket};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use crate::api::from_server;
use crate::{ApiError, Nats};

/// "Message could not be stored": the stream has reached `max_bytes` (`discard: new`), or its disk is full.
const STORE_FAILED: u64 = 10077;

/// Why a message is not known to be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    #[error("not connected to NATS: nothing was sent")]
    Disconnected,
    /// The outcome is unknown. The same ticket may be published again: its id makes it one.
    #[error("NATS did not confirm within {0:?} (nats.publish_timeout); it may have been stored or not")]
    Timeout(Duration),
    #[error("no stream takes {subject}: run `vectora topology apply`, or wait for the dispatcher")]
    NoStream { subject: String },
    #[error("the stream of {subject} is full (nats.max_bytes), or the disk of the NATS server is: {problem}")]
    Full { subject: String, problem: String },
    #[error(transparent)]
    Refused(ApiError),
}

impl Nats {
    /// Publishes a ticket to its stage and waits, at most `publish_timeout`, until it is stored. A ticket
    /// the server has already (same kind, id, stage and `issued_at`) counts as published.
    ///
    /// # Errors
    /// See [`PublishError`]; all of them can be ignored, as the dispatcher issues the ticket again.
    pub async fn publish(&self, stage: &Stage, ticket: &Ticket) -> Result<(), PublishError> {
        let deadline = Instant::now() + self.settings().publish_timeout;
        self.publish_by(deadline, stage, ticket).await
    }

    /// Sends all tickets, then waits for all confirmations under one `publish_timeout`. Returns how
    /// many were confirmed; an unknown outcome is not counted. The order within the stream is about
    /// that of the slice.
    pub async fn publish_many(&self, tickets: &[(Stage, Ticket)]) -> usize {
        let deadline = Instant::now() + self.settings().publish_timeout;
        let mut waiting: FuturesUnordered<_> =
            tickets.iter().map(|(stage, ticket)| self.publish_by(deadline, stage, ticket)).collect();
        let mut confirmed = 0;
        let mut last_error = None;
        while let Some(outcome) = waiting.next().await {
            match outcome {
                Ok(()) => confirmed += 1,
                Err(error) => last_error = Some(error),
            }
        }
        if let Some(error) = last_error {
            tracing::debug!(%error, confirmed, of = tickets.len(), "tickets were not confirmed");
        }
        confirmed
    }

    async fn publish_by(
        &self,
        deadline: Instant,
        stage: &Stage,
        ticket: &Ticket,
    ) -> Result<(), PublishError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::NATS_MESSAGE_ID, ticket.message_id());
        let stored = self.store(deadline, self.names().subject(stage), headers, ticket.encode()).await;
        let counter = match stored {
            Ok(()) => &self.metrics().published,
            Err(_) => &self.metrics().publish_failures,
        };
        counter.inc();
        stored
    }

    /// Publishes one message and waits for its `PubAck`. Not with the publisher of async-nats: its
    /// unconfirmed messages hold permits for 30 s, and then publishing waits for publishing.
    pub(crate) async fn store(
        &self,
        deadline: Instant,
        subject: String,
        headers: HeaderMap,
        payload: Vec<u8>,
    ) -> Result<(), PublishError> {
        if !self.is_connected() {
            return Err(PublishError::Disconnected);
        }
        let limit = self.settings().publish_timeout;
        let request = Request::new().headers(headers).payload(payload.into()).timeout(None);
        // The deadline covers the way into the client too, which is long when its queue is full.
        let answer =
            tokio::time::timeout_at(deadline, self.client().send_request(subject.clone(), request)).await;
        let message = match answer {
            Err(_) => return Err(PublishError::Timeout(limit)),
            Ok(Err(error)) if error.kind() == RequestErrorKind::NoResponders => {
                return Err(PublishError::NoStream { subject });
            }
            Ok(Err(error)) => return Err(PublishError::Refused(ApiError::Unreadable(error.to_string()))),
            Ok(Ok(message)) => message,
        };
        match serde_json::from_slice(&message.payload) {
            Ok(Response::<PublishAck>::Ok(ack)) => {
                if ack.duplicate {
                    tracing::trace!(%subject, sequence = ack.sequence, "the server has it already");
                }
                Ok(())
            }
            Ok(Response::Err { error }) => Err(match from_server(&error) {
                ApiError::Refused { err_code: STORE_FAILED, description, .. } => {
                    PublishError::Full { subject, problem: description }
                }
                other => PublishError::Refused(other),
            }),
            Err(error) => Err(PublishError::Refused(ApiError::Unreadable(error.to_string()))),
        }
    }
}

#[cfg(test)]
mod tests;
