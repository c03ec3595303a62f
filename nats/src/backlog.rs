//! Which tickets of a stage still wait to be delivered: the dispatcher's question (LEDGER.md).
//!
//! A ticket that is older than the oldest undelivered one has been delivered or lost. That is exact where
//! an age alone is not: a sweeper that issues again by age makes every ticket of a long queue stale.

use async_nats::jetstream::stream::RawMessageErrorKind;
use contract::{Stage, Ticket};

use crate::api::from_server;
use crate::{ApiError, Nats};

/// What is queued for one stage and not yet delivered to anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Undelivered tickets; those out with a worker do not count.
    pub num_pending: u64,
    /// When the first of them was issued: microseconds since the Unix epoch, from inside the ticket.
    ///
    /// `None` with `num_pending` 0: nothing waits, so every older ticket is delivered or lost. `None`
    /// with `num_pending` above 0: the head is no ticket this process can read. Nothing may be
    /// concluded about age; the caller issues only what has no ticket at all, and asks again in its
    /// next round.
    pub head_issued_at: Option<i64>,
}

enum Head {
    IssuedAt(i64),
    Unreadable,
    Gone,
}

impl Nats {
    /// # Errors
    /// [`ApiError`]; [`ApiError::is_missing`] when stream or consumer do not exist (nothing waits then, and
    /// nothing can be delivered either).
    pub async fn backlog(&self, stage: &Stage) -> Result<Backlog, ApiError> {
        let nothing = Backlog { num_pending: 0, head_issued_at: None };
        // Twice: between the two questions workers may have taken and acknowledged all there was.
        for _ in 0..2 {
            let info = self.consumer_info(stage).await?;
            let num_pending = info.num_pending;
            if num_pending == 0 {
                return Ok(nothing);
            }
            match self.head(stage, info.delivered.stream_sequence + 1).await? {
                Head::IssuedAt(at) => return Ok(Backlog { num_pending, head_issued_at: Some(at) }),
                Head::Unreadable => return Ok(Backlog { num_pending, head_issued_at: None }),
                Head::Gone => {}
            }
        }
        // The stream itself says that nothing undelivered is left in it, and it knows better than a
        // count that would keep the dispatcher waiting for ever if it were wrong.
        Ok(nothing)
    }

    /// The first message of the stage at or after a sequence of the stream.
    async fn head(&self, stage: &Stage, sequence: u64) -> Result<Head, ApiError> {
        let limit = self.settings().request_timeout;
        let unreadable = |error: &dyn std::error::Error| ApiError::Unreadable(error.to_string());
        let stream = self.jetstream().get_stream_no_info(self.names().stream(stage.stream)).await;
        let stream = stream.map_err(|error| unreadable(&error))?;
        let get = stream.get_first_raw_message_by_subject(self.names().subject(stage), sequence);
        match tokio::time::timeout(limit, get).await {
            Err(_) => Err(ApiError::Timeout(limit)),
            Ok(Ok(message)) => Ok(match Ticket::decode(&message.payload) {
                Ok(ticket) => Head::IssuedAt(ticket.issued_at),
                Err(_) => Head::Unreadable,
            }),
            Ok(Err(error)) => match error.kind() {
                RawMessageErrorKind::NoMessageFound => Ok(Head::Gone),
                RawMessageErrorKind::JetStream(error) => Err(from_server(&error)),
                _ => Err(unreadable(&error)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Puller;
    use crate::testing::{ANSWER, DELIVER, Server, pull_all, ticket, until_stored};

    #[tokio::test]
    async fn the_head_follows_what_was_delivered_acknowledged_or_not() {
        let server = Server::start().await;
        let nats = server.connect().await;
        let empty = Backlog { num_pending: 0, head_issued_at: None };
        assert_eq!(nats.backlog(&ANSWER).await, Ok(empty));

        // Another stage's tickets lie between, in the same stream.
        for number in 0..10 {
            nats.publish(&DELIVER, &ticket(number)).await.expect("published");
            nats.publish(&ANSWER, &ticket(number)).await.expect("published");
        }
        let expected =
            |num_pending, head| Backlog { num_pending, head_issued_at: Some(ticket(head).issued_at) };
        assert_eq!(nats.backlog(&ANSWER).await, Ok(expected(10, 0)));

        let mut puller = Puller::new(&nats, ANSWER);
        let three = pull_all(&mut puller, 3).await;
        assert_eq!(nats.backlog(&ANSWER).await, Ok(expected(7, 3)));
        for delivery in three {
            delivery.ack().await;
        }
        until_stored(&nats, 17).await;
        assert_eq!(nats.backlog(&ANSWER).await, Ok(expected(7, 3)));

        let rest = pull_all(&mut puller, 7).await;
        assert_eq!((rest.len(), nats.backlog(&ANSWER).await), (7, Ok(empty)));
        assert_eq!(nats.backlog(&DELIVER).await, Ok(expected(10, 0)));
    }

    #[tokio::test]
    async fn a_head_that_is_no_ticket_says_nothing_about_age() {
        let server = Server::start().await;
        let nats = server.connect().await;
        let subject = nats.names().subject(&ANSWER);
        nats.client().request(subject, "garbage".into()).await.expect("stored");
        nats.publish(&ANSWER, &ticket(1)).await.expect("published");
        let expected = Backlog { num_pending: 2, head_issued_at: None };
        assert_eq!(nats.backlog(&ANSWER).await, Ok(expected));
    }

    #[tokio::test]
    async fn a_missing_consumer_is_told_from_an_empty_one() {
        let server = Server::start().await;
        let nats = Nats::connect(&server.settings()).await.expect("connected");
        assert!(nats.backlog(&ANSWER).await.expect_err("nothing there").is_missing());
    }
}
