//! A worker that stands still while it holds a claim, is taken for dead, and comes back: it writes nothing of what
//! it had, and goes on working.

use testkit::{Installation, Plan, eventually};

/// The binary under test: the one people run.
const BINARY: &str = env!("CARGO_BIN_EXE_vectora");

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
    let installation = Installation::new(BINARY, Plan::default()).await;
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
    let paused = installation.worker("intake,answer", &env).await;
    let id = installation.ask(&url, "hello").await;
    paused.says(&format!("held at {stage}.{point}")).await;
    paused.stop();
    let mut heir = installation.worker("intake,answer", &[]).await;
    installation.answered(id).await;
    installation.assert_finished().await;
    let before = ledger(&installation).await;

    std::fs::write(&release, "").expect("it is released");
    paused.go_on();
    let of_stage = format!("stage=\"{stage}\"");
    eventually("it to notice that it lost its claim", || async {
        let labels = [of_stage.as_str(), "outcome=\"lost\""];
        let lost = installation.metric(&paused, "vectora_stage_handled_total", &labels).await;
        (lost > 0.5).then_some(())
    })
    .await;
    assert_eq!(ledger(&installation).await, before, "{stage}.{point}: it wrote something");
    let claimed_twice = match stage {
        "intake" => "SELECT max(epoch) FROM intake_keys",
        _ => "SELECT max(epoch) FROM turns",
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
