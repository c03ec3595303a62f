//! How a worker stops: what runs is finished or handed over at once, and nothing new is begun.

use std::time::{Duration, Instant};

use contract::QuestionStatus;
use testkit::{Installation, Plan, eventually};

use crate::BINARY;

async fn leased(installation: &Installation) {
    eventually("the turn to be worked on", || async {
        let leased = "SELECT count(*) FROM turns WHERE state = 'active' AND stage = 'answer' AND lease_until > clock_timestamp()";
        (installation.count(leased).await == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_told_to_stop_finishes_what_runs_and_begins_nothing() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let mut worker = installation.worker("intake,retrieve,answer", &[]).await;
    let running = installation.ask(&url, "slow #wait=1500ms").await;
    leased(&installation).await;
    worker.terminate();
    worker.says("told to stop").await;
    let next = installation.ask(&url, "too late for this one").await;
    let status = worker.ended().await;
    assert_eq!(status.code(), Some(0), "{}", worker.output());
    assert_eq!(installation.status(running).await, QuestionStatus::Answered);
    assert_eq!(installation.status(next).await, QuestionStatus::Accepted);
    assert_eq!(
        installation.count("SELECT max(epoch) FROM turns").await,
        2,
        "one worker did it: one claim a stage"
    );
    let _heir = installation.worker("intake,retrieve,answer", &[]).await;
    installation.answered(next).await;
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_within_the_drain_limit_is_handed_over_at_once() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let long = [
        ("VECTORA__WORKERS__DRAIN", "300ms"),
        ("VECTORA__WORKERS__LEASE", "30s"),
        ("VECTORA__WORKERS__RENEW", "5s"),
    ];
    let mut worker = installation.worker("intake,retrieve,answer", &long).await;
    let id = installation.ask(&url, "slow #wait=2000ms").await;
    leased(&installation).await;
    let _heir = installation.worker("intake,retrieve,answer", &[]).await;
    let told = Instant::now();
    worker.terminate();
    eventually("another worker to have it", || async {
        (installation.count("SELECT epoch FROM turns").await == 3).then_some(())
    })
    .await;
    let took = told.elapsed();
    testkit::measured("from SIGTERM to another worker, drain limit 0.3 s", took);
    assert!(took < Duration::from_secs(2), "not after the lease of 30 s: {took:?}");
    assert_ne!(worker.ended().await.code(), Some(0), "something had to be cut off");
    installation.answered(id).await;
    assert_eq!(installation.count("SELECT attempts::bigint FROM turns").await, 0);
    assert_eq!(installation.count("SELECT claims::bigint FROM turns").await, 1, "the first is taken back");
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_worker_at_once() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let mut worker =
        installation.worker("intake,retrieve,answer", &[("VECTORA__WORKERS__DRAIN", "50s")]).await;
    installation.ask(&url, "very slow #wait=40000ms").await;
    leased(&installation).await;
    worker.terminate();
    worker.says("told to stop").await;
    assert!(worker.is_running(), "the first signal waits");
    let told = Instant::now();
    worker.terminate();
    worker.ended().await;
    let took = told.elapsed();
    testkit::measured("from the second signal to the end", took);
    assert!(took < Duration::from_secs(2), "{took:?}");
    let released = "SELECT count(*) FROM turns WHERE state = 'active' AND owner IS NULL AND attempts = 0";
    assert_eq!(installation.count(released).await, 1, "the lease is given back");
}
