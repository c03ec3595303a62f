//! Events over core NATS: told to whoever listens at that moment, stored nowhere. They carry an epoch and,
//! while an answer is written, all there is of it: a reader who missed one reads the ledger, or the next, and is right again.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_nats::Subscriber;
use contract::{MessageId, QuestionEvent};
use futures_util::Stream;

use crate::{ApiError, Nats};

/// Nobody waits for an event to be queued longer than this; the reader looks into the ledger anyway.
const NOTIFY_LIMIT: Duration = Duration::from_millis(100);

/// The events of one question; see [`Nats::follow`]. Ends only with the client.
#[derive(Debug)]
pub struct QuestionEvents {
    subscriber: Subscriber,
}

impl Stream for QuestionEvents {
    type Item = QuestionEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<QuestionEvent>> {
        loop {
            match Pin::new(&mut self.subscriber).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                // What a newer process says in other words is skipped: an event is only a hint.
                Poll::Ready(Some(message)) => match serde_json::from_slice(&message.payload) {
                    Ok(event) => return Poll::Ready(Some(event)),
                    Err(error) => tracing::debug!(%error, "an event that cannot be read"),
                },
            }
        }
    }
}

impl Nats {
    /// Tells whoever follows the question. Best effort: not sent while cut off, and never waited for.
    pub async fn notify(&self, id: MessageId, event: &QuestionEvent) {
        if !self.is_connected() {
            return;
        }
        // Plain data: it always serialises.
        let Ok(payload) = serde_json::to_vec(event) else { return };
        let publish = self.client().publish(self.names().question_events(id), payload.into());
        if !matches!(tokio::time::timeout(NOTIFY_LIMIT, publish).await, Ok(Ok(()))) {
            tracing::debug!("an event was not sent");
        }
    }

    /// Follows a question: every event sent after this returns is received (in a cluster: nearly every
    /// one), so subscribe first, then read the ledger. Nothing is received while cut off: read the
    /// ledger again whenever [`Nats::connected`] shows another connection. Dropping it unsubscribes.
    ///
    /// # Errors
    /// [`ApiError::Disconnected`] or [`ApiError::Timeout`].
    pub async fn follow(&self, id: MessageId) -> Result<QuestionEvents, ApiError> {
        if !self.is_connected() {
            return Err(ApiError::Disconnected);
        }
        let limit = self.settings().request_timeout;
        let subscribe = async {
            let subscriber = self.client().subscribe(self.names().question_events(id)).await?;
            // The subscription is only queued so far. The server works through a connection in order,
            // so its answer to anything sent later (here: that nobody listens) means that it has
            // subscribed.
            drop(self.client().request(self.names().echo(), "".into()).await);
            Ok(QuestionEvents { subscriber })
        };
        match tokio::time::timeout(limit, subscribe).await {
            Ok(subscribed) => subscribed
                .map_err(|error: async_nats::SubscribeError| ApiError::Unreadable(error.to_string())),
            Err(_) => Err(ApiError::Timeout(limit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;
    use crate::Settings;
    use crate::testing::{LONG, Server, connect, until_connected};

    async fn next(events: &mut QuestionEvents) -> QuestionEvent {
        tokio::time::timeout(LONG, events.next()).await.expect("an event").expect("not the end")
    }

    #[tokio::test]
    async fn an_event_reaches_those_who_follow_the_question_with_its_epoch() {
        let server = Server::start().await;
        let (teller, listener) = (server.connect().await, server.connect().await);
        let (id, other) = (MessageId::new(), MessageId::new());
        let mut events = listener.follow(id).await.expect("followed");

        let begun = QuestionEvent::begun(7, "answer");
        teller.notify(other, &QuestionEvent::changed(1)).await;
        teller.client().publish(teller.names().question_events(id), "garbage".into()).await.expect("sent");
        teller.notify(id, &begun).await;
        assert_eq!(next(&mut events).await, begun, "neither another question's nor garbage");
    }

    #[tokio::test]
    async fn two_prefixes_do_not_hear_each_other() {
        let server = Server::start().await;
        let with = |prefix: &str| Settings { prefix: prefix.into(), ..server.settings() };
        let (one, two) = (connect(&with("one")).await, connect(&with("two")).await);
        let id = MessageId::new();
        let mut events = one.follow(id).await.expect("followed");
        two.notify(id, &QuestionEvent::changed(1)).await;
        // The echo of a second subscription on the same connection: whatever was sent before has arrived.
        drop(two.follow(id).await.expect("followed"));
        one.notify(id, &QuestionEvent::changed(2)).await;
        assert_eq!(next(&mut events).await.epoch, 2);
    }

    #[tokio::test]
    async fn a_follower_hears_again_after_a_restart_and_telling_nobody_is_no_trouble() {
        let mut server = Server::start().await;
        let nats = server.connect().await;
        let id = MessageId::new();
        let mut events = nats.follow(id).await.expect("followed");
        server.kill();
        until_connected(&nats, false).await;
        nats.notify(id, &QuestionEvent::changed(1)).await;
        assert_eq!(nats.follow(id).await.expect_err("cut off"), ApiError::Disconnected);
        server.start_again().await;
        until_connected(&nats, true).await;
        nats.notify(id, &QuestionEvent::changed(2)).await;
        assert_eq!(next(&mut events).await.epoch, 2);
    }
}
