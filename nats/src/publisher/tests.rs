//! Publishing against a real server: confirmed, repeated, refused, cut off, frozen.

use std::time::Duration;

use contract::{Stream, Ticket};
use tokio::time::Instant;

use crate::testing::{ANSWER, Server, connect, pull_one, stored, ticket, until_connected, until_stored};
use crate::{Nats, PublishError, Puller, Settings};

#[tokio::test]
async fn a_ticket_survives_the_round_trip_and_leaves_when_acknowledged() {
    let server = Server::start().await;
    let nats = server.connect().await;
    let ticket = ticket(1);
    nats.publish(&ANSWER, &ticket).await.expect("published");

    let delivery = pull_one(&mut Puller::new(&nats, ANSWER)).await;
    assert_eq!(delivery.ticket, Ok(ticket));
    assert_eq!(delivery.deliveries, 1);
    delivery.ack().await;
    nats.flush().await;
    until_stored(&nats, 0).await;
}

#[tokio::test]
async fn a_ticket_published_twice_is_stored_once_and_counts_as_published() {
    let server = Server::start().await;
    let nats = server.connect().await;
    let ticket = ticket(1);
    nats.publish(&ANSWER, &ticket).await.expect("published");
    nats.publish(&ANSWER, &ticket).await.expect("a duplicate is published");
    assert_eq!(nats.publish_many(&[(ANSWER, ticket)]).await, 1);
    assert_eq!(stored(&nats, &nats.names().stream(Stream::Turns)).await, 1);
    assert_eq!((nats.metrics().published(), nats.metrics().publish_failures()), (3, 0));
}

#[tokio::test]
async fn a_ticket_issued_again_is_not_swallowed_by_the_duplicate_window() {
    let server = Server::start().await;
    let nats = server.connect().await;
    let first = ticket(1);
    let again = Ticket { issued_at: first.issued_at + 1, ..first.clone() };
    assert_eq!(nats.publish_many(&[(ANSWER, first), (ANSWER, again)]).await, 2);
    assert_eq!(stored(&nats, &nats.names().stream(Stream::Turns)).await, 2);
}

#[tokio::test]
async fn many_tickets_are_sent_at_once_and_counted() {
    let server = Server::start().await;
    // More than the client's queue holds. The time is for two busy cores.
    let nats = connect(&Settings { publish_timeout: Duration::from_secs(15), ..server.settings() }).await;
    let tickets: Vec<_> = (0..5_000).map(|number| (ANSWER, ticket(number))).collect();
    assert_eq!(nats.publish_many(&tickets).await, 5_000);
    assert_eq!(stored(&nats, &nats.names().stream(Stream::Turns)).await, 5_000);
    assert_eq!(nats.publish_many(&[]).await, 0);
}

#[tokio::test]
async fn cut_off_every_publish_fails_fast_and_nothing_piles_up() {
    let mut server = Server::start().await;
    let nats = server.connect().await;
    server.kill();
    until_connected(&nats, false).await;

    let started = Instant::now();
    // More than the client's queue holds: if they were queued, this would wait.
    for number in 0..5_000 {
        assert_eq!(nats.publish(&ANSWER, &ticket(number)).await, Err(PublishError::Disconnected));
    }
    let tickets: Vec<_> = (0..5_000).map(|number| (ANSWER, ticket(number))).collect();
    assert_eq!(nats.publish_many(&tickets).await, 0);
    nats.flush().await;
    assert!(started.elapsed() < nats.settings().publish_timeout, "{:?}", started.elapsed());

    server.start_again().await;
    until_connected(&nats, true).await;
    assert_eq!(stored(&nats, &nats.names().stream(Stream::Turns)).await, 0);
    nats.publish(&ANSWER, &ticket(1)).await.expect("published");
}

#[tokio::test]
async fn a_server_that_says_nothing_costs_one_timeout_for_all() {
    let server = Server::start().await;
    let nats = server.connect().await;
    server.freeze().await;
    let limit = nats.settings().publish_timeout;
    let started = Instant::now();
    assert_eq!(nats.publish(&ANSWER, &ticket(0)).await, Err(PublishError::Timeout(limit)));
    let tickets: Vec<_> = (0..5_000).map(|number| (ANSWER, ticket(number))).collect();
    assert_eq!(nats.publish_many(&tickets).await, 0);
    assert!(started.elapsed() < limit * 3, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_full_stream_and_a_missing_one_are_told_apart() {
    let server = Server::start().await;
    let bare = Nats::connect(&server.settings()).await.expect("connected");
    let error = bare.publish(&ANSWER, &ticket(0)).await.expect_err("no stream");
    assert_eq!(error, PublishError::NoStream { subject: "vectora.turns.answer".into() });

    // A ticket takes about 260 bytes, and 512 are reckoned for it.
    let nats = connect(&Settings { max_bytes: 8 * 512, ..server.settings() }).await;
    for number in 0..8 {
        nats.publish(&ANSWER, &ticket(number)).await.expect("there is room");
    }
    let error = nats.publish(&ANSWER, &ticket(8)).await.expect_err("full");
    assert!(matches!(&error, PublishError::Full { .. }), "{error}");
    assert!(error.to_string().contains("nats.max_bytes"), "{error}");
    let oldest = pull_one(&mut Puller::new(&nats, ANSWER)).await;
    assert_eq!(
        oldest.ticket.expect("a ticket").issued_at % 1_000,
        0,
        "the new is refused, not the old dropped"
    );
}
