//! A worker that stands still while it holds a claim, is taken for dead, and comes back: it writes nothing of what
//! it had, and goes on working. One that does not come back is replaced within its lease.

use std::time::{Duration, Instant};

use testkit::installation::LEASE;
use testkit::{Installation, Load, Plan, eventually};

use crate::BINARY;

/// Everything the ledger knows of questions, as text.
const LEDGER: &str = "SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
    SELECT 'turn ' || t::text AS line FROM turns t
    UNION ALL SELECT 'answer ' || a::text FROM answers a
    UNION ALL SELECT 'message ' || m::text FROM messages m
    UNION ALL SELECT 'intake key ' || k::text FROM intake_keys k
    UNION ALL SELECT 'inbox ' || i::text FROM inbox i
    UNION ALL SELECT 'conversation ' || c::text FROM conversations c
    UNION ALL SELECT 'outbound ' || o::text FROM outbound o) AS lines";

async fn ledger(installation: &Installation) -> String {
    sqlx::query_scalar(LEDGER).fetch_one(&installation.sql).await.expect("the statement is right")
}

/// A worker is stopped at `point` of `stage`, another one does its work, and then it is continued.
async fn comes_back_too_late(stage: &str, point: &str) {
    let installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let release = tempfile::tempdir().expect("there is room");
    let release = release.path().join("go");
    let held = format!("{stage}.{point}=hold");
    let env = [
        ("VECTORA__FAULTS__AT", held.as_str()),
        ("VECTORA__FAULTS__RELEASE", release.to_str().expect("a plain path")),
        // A transaction it stands still in holds its rows until the ledger ends it.
        ("VECTORA__STORE__IDLE_IN_TRANSACTION_TIMEOUT", "1s"),
    ];
    let paused = installation.worker("intake,retrieve,answer", &env).await;
    let id = installation.ask_queued(&url, "hello").await;
    paused.says(&format!("held at {stage}.{point}")).await;
    paused.stop();
    let mut heir = installation.worker("intake,retrieve,answer", &[]).await;
    installation.answered(id).await;
    installation.assert_finished().await;
    let before = ledger(&installation).await;

    std::fs::write(&release, "").expect("it is released");
    paused.go_on();
    let of_stage = format!("stage=\"{stage}\"");
    eventually("it to notice that it lost its claim", || async {
        // Refused by the fence; or, if its transaction is gone too, given up because its lease is over.
        let mut noticed = 0.0;
        for outcome in ["outcome=\"lost\"", "outcome=\"dropped\""] {
            noticed += installation
                .metric(&paused, "vectora_stage_handled_total", &[of_stage.as_str(), outcome])
                .await;
        }
        (noticed > 0.5).then_some(())
    })
    .await;
    assert_eq!(ledger(&installation).await, before, "{stage}.{point}: it wrote something");
    let claimed_twice = match stage {
        "intake" => "SELECT max(epoch) FROM intake_keys",
        // That of `retrieve` comes before.
        _ => "SELECT max(epoch) - 1 FROM turns",
    };
    assert_eq!(installation.count(claimed_twice).await, 2, "one claim each");

    // Alone, it does what there is to do.
    heir.terminate();
    heir.ended().await;
    let next = installation.ask(&url, "and now").await;
    assert_eq!(installation.answered(next).await, "Scripted answer to: and now");
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_stopped_before_its_work_and_replaced_writes_nothing_when_it_goes_on() {
    comes_back_too_late("answer", "claimed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_stopped_after_its_work_and_replaced_writes_nothing_when_it_goes_on() {
    comes_back_too_late("answer", "worked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_stopped_inside_its_transaction_and_replaced_writes_nothing_when_it_goes_on() {
    comes_back_too_late("answer", "uncommitted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intake_worker_stopped_and_replaced_writes_nothing_when_it_goes_on() {
    comes_back_too_late("intake", "worked").await;
    comes_back_too_late("intake", "uncommitted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_killed_under_load_had_claimed_is_finished_within_its_lease_and_five_seconds() {
    let installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let mut doomed = installation.worker("intake,retrieve,answer", &[]).await;
    let _heir = installation.worker("intake,retrieve,answer", &[]).await;
    let load = Load::new(&installation, &url);
    let owned =
        format!("SELECT count(*) FROM turns WHERE owner LIKE '{}-%' AND state = 'active'", doomed.pid());
    let scenario = async {
        load.more_accepted(20).await;
        eventually("it to hold two claims", || async {
            let owned = sqlx::AssertSqlSafe(owned.clone());
            let held: i64 = sqlx::query_scalar(owned).fetch_one(&installation.sql).await.ok()?;
            (held >= 2).then_some(())
        })
        .await;
        doomed.kill();
        let (killed, before) = (Instant::now(), load.accepted());
        let new = installation.ask(&url, "a new question").await;
        installation.answered(new).await;
        let new = killed.elapsed();
        for id in &before {
            installation.answered(*id).await;
        }
        let old = killed.elapsed();
        load.stop();
        (before.len(), new, old)
    };
    let ((), (before, new, old)) = tokio::join!(load.run(), scenario);
    testkit::figure(format_args!(
        "worker killed: a new question {new:.2?}, all {before} asked before {old:.2?}"
    ));
    assert!(new <= Duration::from_secs(5), "a new question was answered after {new:.2?}");
    assert!(old <= LEASE + Duration::from_secs(5), "what was asked before was answered after {old:.2?}");
    installation.assert_finished().await;
    assert_eq!(
        installation.count("SELECT count(*) FROM turns WHERE attempts > 0").await,
        0,
        "an attempt was burnt"
    );
}
