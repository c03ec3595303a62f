//! One delivered ticket, and the four answers to it.
//!
//! **Acknowledgements are not fenced**: a late one takes effect on a newer delivery of the same ticket.
//! That is harmless, because the ledger decides who works and the dispatcher issues what is missing. So
//! none of the answers here is waited for: they are queued in the client and lost if the connection is.

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::{AckKind, Message};
use async_nats::{HeaderMap, HeaderValue};
use contract::{Stage, Ticket, TicketError};
use tokio::time::Instant;

use crate::{Nats, PublishError};

/// Bytes of an undecodable message that are kept: enough to see what it was, little enough that a few
/// hundred fit in their stream and none exceeds the server's `max_payload`.
const KEPT: usize = 32 * 1024;

/// A ticket, or bytes that are none, as delivered to this process. Dropped without an answer it is
/// delivered again after `ack_wait`.
#[derive(Debug)]
pub struct Delivery {
    /// What to work on. [`TicketError::Newer`] is acknowledged without a claim,
    /// [`TicketError::Undecodable`] is [set aside](Self::set_aside).
    pub ticket: Result<Ticket, TicketError>,
    /// How often it has been delivered, this time included: more than 1 after a crash or a lost answer.
    pub deliveries: u64,
    message: Message,
    stage: Stage,
    nats: Nats,
}

impl Delivery {
    pub(crate) fn new(message: Message, stage: Stage, nats: Nats) -> Self {
        let deliveries = message.info().map_or(1, |info| u64::try_from(info.delivered).unwrap_or(1));
        Self { ticket: Ticket::decode(&message.payload), deliveries, message, stage, nats }
    }

    /// Done, or nothing to do: the ticket leaves the stream.
    pub async fn ack(self) {
        self.answer(AckKind::Ack).await;
    }

    /// Still at it: `ack_wait` starts again. To be sent every third of it at least.
    pub async fn progress(&self) {
        self.answer(AckKind::Progress).await;
    }

    /// Back to the others, at once. For shutdown only: everything else waits in the ledger, not here.
    pub async fn nak(self) {
        self.answer(AckKind::Nak(None)).await;
    }

    /// For bytes that are no ticket: copies the first 32 KiB to the `UNDECODABLE` stream, then ends the
    /// delivery for good.
    ///
    /// # Errors
    /// When the copy is not confirmed, nothing is ended: the message comes again after `ack_wait`, and
    /// in the meantime stops nobody.
    pub async fn set_aside(self) -> Result<(), PublishError> {
        let payload = &self.message.payload;
        let mut headers = HeaderMap::new();
        if let Ok(info) = self.message.info() {
            // A second attempt, after a copy whose confirmation was lost, is the same message.
            let published = info.published.timestamp_micros();
            let id = format!("{}:{}:{published}", info.stream, info.stream_sequence);
            headers.insert(NATS_MESSAGE_ID, id);
        }
        headers.insert("Vectora-Subject", self.message.subject.as_str());
        headers.insert("Vectora-Bytes", HeaderValue::from(payload.len()));
        let subject = self.nats.names().undecodable_subject(&self.stage);
        let deadline = Instant::now() + self.nats.settings().publish_timeout;
        let kept = payload[..payload.len().min(KEPT)].to_vec();
        self.nats.store(deadline, subject, headers, kept).await?;
        self.nats.metrics().set_aside.inc();
        tracing::warn!(stage = %self.stage, bytes = payload.len(), "set aside a message that is no ticket");
        self.answer(AckKind::Term).await;
        Ok(())
    }

    async fn answer(&self, kind: AckKind) {
        // While cut off the client's queue would fill up, and then this would wait for the connection.
        if !self.nats.is_connected() {
            tracing::debug!(stage = %self.stage, "cut off from NATS: a delivery is not answered");
            return;
        }
        let limit = self.nats.settings().publish_timeout;
        match tokio::time::timeout(limit, self.message.ack_with(kind)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(stage = %self.stage, %error, "a delivery is not answered"),
            Err(_) => tracing::debug!(stage = %self.stage, "the client is busy: a delivery is not answered"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contract::Stream;

    use super::*;
    use crate::testing::{
        ANSWER, LONG, Server, connect, pull_one, stored, ticket, until_connected, until_stored,
    };
    use crate::{Puller, Settings};

    #[tokio::test]
    async fn undecodable_bytes_are_set_aside_and_never_come_again() {
        let server = Server::start().await;
        let nats = server.connect().await;
        let garbage = vec![0xff; KEPT + 10];
        let subject = nats.names().subject(&ANSWER);
        nats.client().request(subject, garbage.into()).await.expect("stored");
        nats.publish(&ANSWER, &ticket(1)).await.expect("published");

        let mut puller = Puller::new(&nats, ANSWER);
        let delivery = pull_one(&mut puller).await;
        assert_eq!(delivery.ticket, Err(TicketError::Undecodable));
        delivery.set_aside().await.expect("set aside");
        until_stored(&nats, 1).await;
        assert!(pull_one(&mut puller).await.ticket.is_ok(), "what comes after it is not stopped");

        let stream = nats.jetstream().get_stream("VECTORA_UNDECODABLE").await.expect("the stream");
        let kept =
            stream.get_last_raw_message_by_subject("vectora.undecodable.answer").await.expect("a copy");
        assert_eq!(kept.payload.len(), KEPT);
        assert_eq!(kept.headers.get("Vectora-Bytes").map(ToString::to_string), Some((KEPT + 10).to_string()));
    }

    #[tokio::test]
    async fn without_its_stream_nothing_is_set_aside_and_nothing_is_lost() {
        let server = Server::start().await;
        let nats = connect(&Settings { ack_wait: Duration::from_secs(1), ..server.settings() }).await;
        nats.jetstream().delete_stream("VECTORA_UNDECODABLE").await.expect("deleted");
        nats.client().request(nats.names().subject(&ANSWER), "x".into()).await.expect("stored");
        let mut puller = Puller::new(&nats, ANSWER);
        let error = pull_one(&mut puller).await.set_aside().await.expect_err("no stream");
        assert!(matches!(error, PublishError::NoStream { .. }), "{error}");
        assert_eq!(pull_one(&mut puller).await.deliveries, 2);
    }

    #[tokio::test]
    async fn a_newer_ticket_is_told_from_garbage() {
        let server = Server::start().await;
        let nats = server.connect().await;
        nats.client().request(nats.names().subject(&ANSWER), r#"{"v":9}"#.into()).await.expect("stored");
        let delivery = pull_one(&mut Puller::new(&nats, ANSWER)).await;
        assert_eq!(delivery.ticket, Err(TicketError::Newer(9)));
    }

    #[tokio::test]
    async fn progress_keeps_a_delivery_and_a_nak_gives_it_back_at_once() {
        let server = Server::start().await;
        let nats = connect(&Settings { ack_wait: Duration::from_secs(1), ..server.settings() }).await;
        nats.publish(&ANSWER, &ticket(1)).await.expect("published");
        let (mut puller, mut other) = (Puller::new(&nats, ANSWER), Puller::new(&nats, ANSWER));
        let delivery = pull_one(&mut puller).await;

        // The other pulls for three times `ack_wait`; a sign of life every third of it.
        let alive = async {
            let mut tick = tokio::time::interval(Duration::from_millis(300));
            for _ in 0..10 {
                tick.tick().await;
                delivery.progress().await;
            }
        };
        // One pull to the end: beside one that was left alone the message came with a count of 1.
        let mut waiting = std::pin::pin!(pull_one(&mut other));
        tokio::select! {
            _ = &mut waiting => panic!("delivered again in spite of the progress"),
            () = alive => {}
        }
        let started = Instant::now();
        delivery.nak().await;
        let again = waiting.await;
        assert_eq!(again.deliveries, 2);
        assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
    }

    #[tokio::test]
    async fn answering_while_cut_off_neither_waits_nor_fails() {
        let mut server = Server::start().await;
        let nats = connect(&Settings { ack_wait: Duration::from_secs(1), ..server.settings() }).await;
        nats.publish(&ANSWER, &ticket(1)).await.expect("published");
        let mut puller = Puller::new(&nats, ANSWER);
        let delivery = pull_one(&mut puller).await;
        server.kill();
        until_connected(&nats, false).await;
        delivery.progress().await;
        delivery.ack().await;

        server.start_again().await;
        until_connected(&nats, true).await;
        assert_eq!(stored(&nats, &nats.names().stream(Stream::Turns)).await, 1, "the answer was not kept");
        let again = tokio::time::timeout(LONG, pull_one(&mut puller)).await.expect("delivered again");
        again.ack().await;
        until_stored(&nats, 0).await;
    }
}
