//! The topology against a real server.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream;

use super::*;
use crate::Settings;
use crate::testing::{ANSWER, Server, topology_of};

const ALL: [&str; 5] = [
    "stream VECTORA_TURNS",
    "stream VECTORA_DOCUMENTS",
    "stream VECTORA_UNDECODABLE",
    "consumer VECTORA_TURNS/answer",
    "consumer VECTORA_TURNS/deliver",
];

async fn bare(server: &Server) -> (Nats, Topology) {
    let nats = Nats::connect(&server.settings()).await.expect("connected");
    (nats, topology_of(&server.settings()))
}

fn actions(changes: &[Change]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn applied_once_it_is_clean_and_applied_again_it_changes_nothing() {
    let server = Server::start().await;
    let (nats, topology) = bare(&server).await;
    let missing = check(&nats, &topology).await.expect("checked");
    assert_eq!(missing.len(), 5);
    assert!(missing.iter().all(|difference| difference.severity == Severity::Missing), "{missing:?}");

    let changes = apply(&nats, &topology).await.expect("applied");
    assert_eq!(actions(&changes), ALL.map(|object| format!("{object} created")));
    assert_eq!(check(&nats, &topology).await, Ok(vec![]));
    assert_eq!(apply(&nats, &topology).await, Ok(vec![]));
    assert_eq!(ensure(&nats, &topology).await, Ok(vec![]));
}

#[tokio::test]
async fn a_filter_that_differs_is_fatal_and_applying_repairs_it() {
    let server = Server::start().await;
    let (nats, topology) = bare(&server).await;
    apply(&nats, &wanted(&server.settings(), &[]).expect("valid")).await.expect("applied");
    let other = pull::Config {
        durable_name: Some("answer".into()),
        filter_subject: "vectora.turns.something".into(),
        ..Default::default()
    };
    nats.jetstream().create_consumer_on_stream(other, "VECTORA_TURNS").await.expect("created");

    assert_eq!(ensure(&nats, &topology).await, Ok(vec!["consumer VECTORA_TURNS/deliver".to_owned()]));
    let differences = check(&nats, &topology).await.expect("checked");
    let fatal: Vec<_> = differences.iter().filter(|d| d.severity == Severity::Fatal).collect();
    assert_eq!(fatal.len(), 1, "ensure changes nothing that exists: {differences:?}");
    assert_eq!(
        (fatal[0].field.as_str(), fatal[0].found.as_str()),
        ("filter_subject", "\"vectora.turns.something\"")
    );

    let changes = apply(&nats, &topology).await.expect("applied");
    let updated = "consumer VECTORA_TURNS/answer updated: filter_subject, max_ack_pending";
    assert_eq!(actions(&changes), [updated]);
    assert_eq!(check(&nats, &topology).await, Ok(vec![]));
}

#[tokio::test]
async fn settings_are_changed_in_place_and_said() {
    let server = Server::start().await;
    let (nats, topology) = bare(&server).await;
    apply(&nats, &topology).await.expect("applied");
    let settings = Settings {
        ack_wait: Duration::from_secs(5),
        max_bytes: 1_000_000,
        duplicate_window: Duration::from_secs(30),
        ..server.settings()
    };
    let other = wanted(&settings, &[ANSWER]).expect("valid");
    let differences = check(&nats, &other).await.expect("checked");
    assert!(differences.iter().all(|difference| difference.severity == Severity::Warning), "{differences:?}");
    let changes = apply(&nats, &other).await.expect("applied");
    let expected = [
        "stream VECTORA_TURNS updated: duplicate_window, max_bytes, max_msgs",
        "stream VECTORA_DOCUMENTS updated: duplicate_window, max_bytes, max_msgs",
        "stream VECTORA_UNDECODABLE updated: duplicate_window",
        "consumer VECTORA_TURNS/answer updated: ack_wait",
    ];
    assert_eq!(actions(&changes), expected);
    assert_eq!(check(&nats, &other).await, Ok(vec![]));
}

#[tokio::test]
async fn what_the_server_does_not_change_is_refused_with_its_reason() {
    let server = Server::start().await;
    let (nats, topology) = bare(&server).await;
    let limits = stream::Config {
        name: "VECTORA_TURNS".into(),
        subjects: vec!["vectora.turns.>".into()],
        ..Default::default()
    };
    nats.jetstream().create_stream(limits).await.expect("created");
    let careless = pull::Config {
        durable_name: Some("answer".into()),
        filter_subject: "vectora.turns.answer".into(),
        ack_policy: AckPolicy::All,
        ..Default::default()
    };
    nats.jetstream().create_consumer_on_stream(careless, "VECTORA_TURNS").await.expect("created");

    let differences = check(&nats, &topology).await.expect("checked");
    let mut fatal: Vec<_> =
        differences.iter().filter(|d| d.severity == Severity::Fatal).map(|d| d.field.as_str()).collect();
    fatal.sort_unstable();
    assert_eq!(fatal, ["ack_policy", "retention"]);

    let changes = apply(&nats, &topology).await.expect("the rest is applied");
    let refused: Vec<_> = changes
        .iter()
        .filter(|change| matches!(change.action, Action::Refused { .. }))
        .map(|c| &c.object)
        .collect();
    assert_eq!(refused.iter().map(ToString::to_string).collect::<Vec<_>>(), [ALL[0], ALL[3]]);
    assert!(actions(&changes)[0].contains("retention"), "{changes:?}");
}

#[tokio::test]
async fn what_was_deleted_is_created_again_and_nothing_else() {
    let server = Server::start().await;
    let (nats, topology) = bare(&server).await;
    apply(&nats, &topology).await.expect("applied");
    nats.jetstream().delete_consumer_from_stream("answer", "VECTORA_TURNS").await.expect("deleted");
    assert_eq!(ensure(&nats, &topology).await, Ok(vec![ALL[3].to_owned()]));
    nats.jetstream().delete_stream("VECTORA_TURNS").await.expect("deleted");
    assert_eq!(
        ensure(&nats, &topology).await,
        Ok(vec![ALL[0].to_owned(), ALL[3].to_owned(), ALL[4].to_owned()])
    );
    assert_eq!(check(&nats, &topology).await, Ok(vec![]));
}

#[tokio::test]
async fn more_replicas_than_servers_are_refused_by_name() {
    let server = Server::start().await;
    let (nats, _) = bare(&server).await;
    let three = Settings { replicas: 3, ..server.settings() };
    let error = apply(&nats, &wanted(&three, &[]).expect("valid")).await.expect_err("one server");
    assert_eq!(error.object, Object::Stream("VECTORA_TURNS".into()));
    assert!(matches!(error.source, ApiError::Refused { err_code: 10074, .. }), "{error}");
}

#[tokio::test]
async fn cut_off_nothing_is_asked() {
    let server = Server::stopped();
    let settings = Settings { connect_wait: Duration::from_millis(50), ..server.settings() };
    let nats = Nats::connect(&settings).await.expect("no server is no error");
    let error = ensure(&nats, &topology_of(&settings)).await.expect_err("cut off");
    assert_eq!(error.source, ApiError::Disconnected);
}

#[tokio::test]
async fn an_old_server_that_others_can_reach_is_warned_about() {
    let mut server = Server::stopped();
    server.listen = "0.0.0.0";
    server.start_again().await;
    let (nats, topology) = bare(&server).await;
    apply(&nats, &topology).await.expect("applied");
    assert!(!nats.is_loopback(), "spoken to over loopback, and listening everywhere");
    let old = nats.server_version().is_some_and(|version| version.starts_with("2.9."));
    let differences = check(&nats, &topology).await.expect("checked");
    assert_eq!(differences.len(), usize::from(old), "{differences:?}");
    assert!(differences.iter().all(|d| d.severity == Severity::Warning && d.object == Object::Server));
}
