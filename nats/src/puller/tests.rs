//! Pulling against a real server that is killed, wiped, and loses its consumers.

use std::time::Duration;

use contract::Stream;
use tokio::time::Instant;

use crate::testing::{
    ANSWER, DELIVER, LONG, Server, connect, pull_all, pull_one, ticket, topology_of, until_connected,
    until_stored,
};
use crate::{Nats, PullError, Puller, Settings, topology};

async fn delete_consumer(nats: &Nats) {
    let stream = nats.names().stream(Stream::Turns);
    nats.jetstream().delete_consumer_from_stream(ANSWER.name, stream).await.expect("deleted");
}

#[tokio::test]
async fn a_pull_takes_no_more_than_asked_for_and_only_its_own_stage() {
    let server = Server::start().await;
    let nats = server.connect().await;
    for number in 0..5 {
        nats.publish(&ANSWER, &ticket(number)).await.expect("published");
        nats.publish(&DELIVER, &ticket(100 + number)).await.expect("published");
    }
    let mut puller = Puller::new(&nats, ANSWER);
    let three = pull_all(&mut puller, 3).await;
    let issued: Vec<_> =
        three.iter().map(|d| d.ticket.as_ref().expect("a ticket").issued_at % 1_000).collect();
    assert_eq!(issued, [0, 1, 2]);

    let started = Instant::now();
    assert_eq!(pull_all(&mut puller, 10).await.len(), 2, "and then waits for more until it expires");
    assert!(started.elapsed() > nats.settings().pull_expires / 2);
    assert_eq!(nats.metrics().pulls_cut_short.get(), 0);
}

#[tokio::test]
async fn a_running_pull_survives_a_killed_server() {
    let mut server = Server::start().await;
    // So long that only the new connection can be what ends the first pull.
    let nats = connect(&Settings { pull_expires: LONG, ..server.settings() }).await;
    let mut puller = Puller::new(&nats, ANSWER);
    let restart = async {
        until_waiting(&nats).await;
        server.kill();
        until_connected(&nats, false).await;
        server.start_again().await;
        let back = Instant::now();
        until_connected(&nats, true).await;
        nats.publish(&ANSWER, &ticket(7)).await.expect("published");
        back
    };
    let (delivery, back) = tokio::join!(pull_one(&mut puller), restart);
    assert!(back.elapsed() < Duration::from_secs(2), "{:?}", back.elapsed());
    assert_eq!(delivery.ticket.expect("a ticket").issued_at % 1_000, 7);
    assert_eq!(nats.metrics().pulls_cut_short.get(), 1);
}

/// Until a pull waits at the consumer.
async fn until_waiting(nats: &Nats) {
    let deadline = Instant::now() + LONG;
    while nats.consumer_info(&ANSWER).await.expect("the consumer").num_waiting == 0 {
        assert!(Instant::now() < deadline, "no pull waits");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_pull_on_a_consumer_deleted_before_ends_in_time_and_the_next_one_says_so() {
    let server = Server::start().await;
    let nats = connect(&Settings { pull_expires: Duration::from_secs(1), ..server.settings() }).await;
    let mut puller = Puller::new(&nats, ANSWER);
    assert!(pull_all(&mut puller, 1).await.is_empty());
    delete_consumer(&nats).await;

    let started = Instant::now();
    assert!(pull_all(&mut puller, 1).await.is_empty());
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    let missing = PullError::Missing { stream: "VECTORA_TURNS".into(), consumer: "answer".into() };
    assert_eq!(puller.pull(1).await.expect_err("gone"), missing);

    let created = topology::ensure(&nats, &topology_of(nats.settings())).await.expect("ensured");
    assert_eq!(created, ["consumer VECTORA_TURNS/answer"]);
    nats.publish(&ANSWER, &ticket(1)).await.expect("published");
    assert_eq!(pull_all(&mut puller, 1).await.len(), 1);
}

#[tokio::test]
async fn a_consumer_deleted_under_a_running_pull_ends_it_at_once() {
    let server = Server::start().await;
    let nats = connect(&Settings { pull_expires: LONG, ..server.settings() }).await;
    let mut puller = Puller::new(&nats, ANSWER);
    let delete = async {
        until_waiting(&nats).await;
        delete_consumer(&nats).await;
        Instant::now()
    };
    let (deliveries, deleted) = tokio::join!(pull_all(&mut puller, 1), delete);
    assert!(deliveries.is_empty());
    assert!(deleted.elapsed() < Duration::from_secs(1), "{:?}", deleted.elapsed());
    assert!(matches!(puller.pull(1).await, Err(PullError::Missing { .. })));
}

#[tokio::test]
async fn a_wiped_store_is_missing_then_ensured_then_works() {
    let mut server = Server::start().await;
    let nats = server.connect().await;
    nats.publish(&ANSWER, &ticket(1)).await.expect("published");
    let mut puller = Puller::new(&nats, ANSWER);
    pull_one(&mut puller).await.ack().await;
    server.kill();
    server.wipe();
    until_connected(&nats, false).await;
    server.start_again().await;
    until_connected(&nats, true).await;

    assert!(matches!(puller.pull(1).await, Ok(_) | Err(PullError::Missing { .. })));
    let created = topology::ensure(&nats, &topology_of(nats.settings())).await.expect("ensured");
    assert_eq!(created.len(), 5, "{created:?}");
    nats.publish(&ANSWER, &ticket(2)).await.expect("published");
    let delivery = pull_one(&mut puller).await;
    assert_eq!(delivery.ticket.expect("a ticket").issued_at % 1_000, 2);
}

#[tokio::test]
async fn cut_off_a_pull_waits_for_the_connection_and_then_says_so() {
    let mut server = Server::start().await;
    let nats = connect(&Settings { pull_expires: Duration::from_millis(300), ..server.settings() }).await;
    server.kill();
    until_connected(&nats, false).await;
    let started = Instant::now();
    assert_eq!(Puller::new(&nats, ANSWER).pull(1).await.expect_err("cut off"), PullError::Disconnected);
    assert!(started.elapsed() >= Duration::from_millis(300), "a caller without a pause would spin");
}

#[tokio::test]
async fn a_consumer_with_another_filter_is_not_pulled_from() {
    let server = Server::start().await;
    let nats = Nats::connect(&server.settings()).await.expect("connected");
    // What 2.9 makes of a filter it does not know: none.
    let settings = server.settings();
    topology::apply(&nats, &topology::wanted(&settings, &[]).expect("valid")).await.expect("applied");
    let config = async_nats::jetstream::consumer::pull::Config {
        durable_name: Some("answer".into()),
        ..Default::default()
    };
    nats.jetstream().create_consumer_on_stream(config, "VECTORA_TURNS").await.expect("created");
    let error = Puller::new(&nats, ANSWER).pull(1).await.expect_err("not ours");
    assert!(matches!(&error, PullError::Mismatch { problem, .. } if problem.contains("filter")), "{error}");
}

#[tokio::test]
async fn what_a_released_pull_has_received_goes_to_the_others_at_once() {
    let server = Server::start().await;
    let nats = server.connect().await;
    for number in 0..3 {
        nats.publish(&ANSWER, &ticket(number)).await.expect("published");
    }
    let mut puller = Puller::new(&nats, ANSWER);
    let mut pull = puller.pull(3).await.expect("a pull");
    pull.next().await.expect("the first").ack().await;
    until_stored(&nats, 2).await;
    // All three were sent in one go, before the first was acknowledged.
    pull.release().await;

    let mut other = Puller::new(&nats, ANSWER);
    let started = Instant::now();
    for delivery in pull_all(&mut other, 2).await {
        assert_eq!(delivery.deliveries, 2);
        delivery.ack().await;
    }
    until_stored(&nats, 0).await;
    assert!(started.elapsed() < nats.settings().ack_wait, "{:?}", started.elapsed());
}

#[tokio::test]
async fn two_prefixes_on_one_server_do_not_see_each_other() {
    let server = Server::start().await;
    let short = |prefix: &str| Settings {
        prefix: prefix.into(),
        pull_expires: Duration::from_millis(300),
        ..server.settings()
    };
    let (one, two) = (connect(&short("one")).await, connect(&short("two")).await);
    one.publish(&ANSWER, &ticket(1)).await.expect("published");
    assert!(pull_all(&mut Puller::new(&two, ANSWER), 1).await.is_empty());
    assert_eq!(two.backlog(&ANSWER).await.expect("a backlog").num_pending, 0);
    let deliveries = pull_all(&mut Puller::new(&one, ANSWER), 1).await;
    assert_eq!(deliveries[0].ticket.as_ref().expect("a ticket").issued_at % 1_000, 1);
}
