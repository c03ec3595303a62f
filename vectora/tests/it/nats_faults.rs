//! NATS dies, is wiped, loses a stream or a consumer, under load or from the start: nothing accepted is lost, and
//! recovery takes seconds.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use testkit::installation::LEASE;
use testkit::{Installation, JetStream, Load, Plan, eventually};

use crate::BINARY;

/// A question asked when the server is back is answered within this.
const NEW: Duration = Duration::from_secs(5);
/// What was claimed before comes to its end within the lease and this.
const OLD: Duration = Duration::from_secs(5);

/// Asks without pause while `fault` harms NATS; `fault` returns when NATS is reachable again.
async fn recovers_from(name: &str, fault: impl AsyncFnOnce(&mut Installation, &Load)) {
    let mut installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer", &[]).await;
    let load = Load::new(&installation, &url);
    let scenario = async {
        load.more_accepted(20).await;
        eventually("a question to be worked on", || async {
            (installation.count("SELECT count(*) FROM turns WHERE owner IS NOT NULL").await > 0).then_some(())
        })
        .await;
        fault(&mut installation, &load).await;
        let (back, before) = (Instant::now(), load.accepted());
        let new = installation.ask(&url, "a new question").await;
        installation.answered(new).await;
        let new = back.elapsed();
        for id in &before {
            installation.answered(*id).await;
        }
        let old = back.elapsed();
        load.stop();
        (before.len(), new, old)
    };
    let ((), (before, new, old)) = tokio::join!(load.run(), scenario);
    testkit::figure(format_args!("{name}: a new question {new:.2?}, all {before} asked before {old:.2?}"));
    assert!(new <= NEW, "{name}: a new question was answered after {new:.2?}");
    assert!(old <= LEASE + OLD, "{name}: what was asked before was answered after {old:.2?}");
    assert_eq!(load.refused(), 0, "{name}: NATS is no reason to refuse a question");
    let accepted = load.accepted();
    for id in &accepted {
        installation.answered(*id).await;
    }
    installation.assert_finished().await;
    let asked = i64::try_from(accepted.len()).expect("few") + 1;
    assert_eq!(installation.count("SELECT count(*) FROM answers").await, asked);
    assert_eq!(
        installation.count("SELECT count(*) FROM turns WHERE attempts > 0").await,
        0,
        "an attempt was burnt"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_killed_and_restarted_under_load_loses_nothing() {
    recovers_from("NATS killed and restarted", async |installation, load| {
        installation.nats.kill().await;
        load.more_accepted(20).await;
        installation.nats.restart().await.expect("nats-server starts again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_stopped_and_started_at_once_loses_nothing() {
    recovers_from("NATS restarted", async |installation, _| {
        installation.nats.restart().await.expect("nats-server starts again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_killed_again_and_again_loses_nothing() {
    recovers_from("NATS killed five times", async |installation, load| {
        for _ in 0..5 {
            installation.nats.kill().await;
            installation.nats.restart().await.expect("nats-server starts again");
            load.more_accepted(3).await;
        }
    })
    .await;
}

/// The connections stay, and nobody answers: worse than a server that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn nats_that_stands_still_for_a_while_loses_nothing() {
    recovers_from("NATS stopped (SIGSTOP) for four seconds", async |installation, load| {
        let pid = i32::try_from(installation.nats.pid()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(pid, Signal::STOP).expect("it can be stopped");
        let stopped = Instant::now();
        while stopped.elapsed() < Duration::from_secs(4) {
            load.more_accepted(5).await;
        }
        kill_process(pid, Signal::CONT).expect("it can be continued");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nats_volume_lost_under_load_loses_nothing() {
    recovers_from("store directory deleted", async |installation, load| {
        installation.nats.kill().await;
        load.more_accepted(20).await;
        std::fs::remove_dir_all(installation.nats.store_dir()).expect("the store can be deleted");
        installation.nats.restart().await.expect("nats-server starts again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_deleted_under_load_loses_nothing() {
    recovers_from("stream deleted", async |installation, _| {
        JetStream::of(&installation.nats).delete_stream().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_deleted_under_load_lose_nothing() {
    recovers_from("consumers deleted", async |installation, _| {
        let jetstream = JetStream::of(&installation.nats);
        jetstream.delete_consumer("intake").await;
        jetstream.delete_consumer("retrieve").await;
        jetstream.delete_consumer("answer").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nats_is_down_questions_are_accepted_and_they_are_answered_when_it_is_back() {
    let mut installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer", &[]).await;
    installation.nats.kill().await;
    let mut asked = Vec::new();
    let mut slowest = Duration::ZERO;
    for n in 0..20 {
        let began = Instant::now();
        asked.push(installation.ask(&url, &format!("question {n}")).await);
        slowest = slowest.max(began.elapsed());
    }
    installation.nats.restart().await.expect("nats-server starts again");
    let back = Instant::now();
    for (n, id) in asked.iter().enumerate() {
        assert_eq!(installation.answered(*id).await, format!("Scripted answer to: question {n}"));
    }
    let answered = back.elapsed();
    testkit::figure(format_args!(
        "NATS down: slowest 202 {slowest:.2?}, 20 waiting questions {answered:.2?} after its return"
    ));
    assert!(answered <= NEW, "answered after {answered:.2?}");
    installation.assert_finished().await;
}

/// Nobody waits for NATS at its start either.
#[tokio::test(flavor = "multi_thread")]
async fn processes_start_without_nats_and_answer_when_it_comes() {
    let mut installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
    installation.nats.kill().await;
    std::fs::remove_dir_all(installation.nats.store_dir()).expect("the store can be deleted");
    let (_ingress, url) = installation.ingress(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer", &[]).await;
    let waiting = installation.ask(&url, "is anybody there").await;
    installation.nats.restart().await.expect("nats-server starts again");
    let back = Instant::now();
    installation.answered(waiting).await;
    testkit::figure(format_args!("NATS comes after the processes: {:.2?}", back.elapsed()));
    assert!(back.elapsed() <= NEW, "answered after {:.2?}", back.elapsed());
    installation.assert_finished().await;
}
