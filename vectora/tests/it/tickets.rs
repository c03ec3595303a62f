//! Tickets are hints: lost before they are published, lost from the stream, doubled, or ten thousand of them. The
//! work is done all the same, and once.

use std::time::Duration;

use contract::{Kind, Ticket};
use testkit::{Installation, JetStream, Plan, eventually};
use uuid::Uuid;

use crate::BINARY;

/// Work whose ticket was never published goes on within this, when nothing is queued before it.
const WITHOUT_TICKET: f64 = 1.0;

/// Tests that measure fractions of a second, and the one that keeps both cores busy for a minute, go one by one.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Seconds out of the ledger.
async fn seconds(installation: &Installation, sql: &'static str) -> f64 {
    sqlx::query_scalar(sql).fetch_one(&installation.sql).await.expect("the statement is right")
}

#[tokio::test(flavor = "multi_thread")]
async fn ingress_killed_between_commit_and_publish_delays_the_question_by_less_than_a_second() {
    let _alone = ALONE.lock().await;
    for opens in [true, false, true, false] {
        let installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
        let _other = installation.ingress(&[]).await;
        let _worker = installation.worker("intake,retrieve,answer", &[]).await;
        let fault = ("VECTORA__FAULTS__AT", "accept.committed=kill");
        let (mut doomed, url) = installation.ingress(&[fault]).await;
        let request = installation.http.post(format!("{url}/v1/questions")).bearer_auth(&installation.key);
        let mut question = serde_json::json!({ "text": "hello" });
        if !opens {
            question["conversation_id"] = installation.conversation().await.into();
        }
        let told = request.json(&question).send().await;
        assert!(told.is_err(), "it died before it could answer");
        doomed.ended().await;
        eventually("the question to be answered", || async {
            (installation.count("SELECT count(*) FROM answers").await == 1).then_some(())
        })
        .await;
        let waited = "SELECT EXTRACT(EPOCH FROM coalesce(k.claimed_at, t.claimed_at) - i.received_at)::float8
                      FROM inbox i LEFT JOIN intake_keys k ON k.id = i.key_id
                      JOIN messages m ON m.id = i.message_id JOIN turns t ON t.id = m.turn_id";
        let waited = seconds(&installation, waited).await;
        testkit::figure(format_args!(
            "killed at accept.committed (opens: {opens}): claimed {waited:.3} s after the commit"
        ));
        assert!(waited <= WITHOUT_TICKET, "claimed {waited} s after the commit");
        installation.assert_finished().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn intake_killed_between_commit_and_publish_delays_the_turn_by_less_than_a_second() {
    let _alone = ALONE.lock().await;
    for _ in 0..3 {
        let installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
        let (_ingress, url) = installation.ingress(&[]).await;
        let mut doomed =
            installation.worker("intake", &[("VECTORA__FAULTS__AT", "intake.settled=kill")]).await;
        let _heir = installation.worker("retrieve,answer", &[]).await;
        let id = installation.ask_queued(&url, "hello").await;
        doomed.ended().await;
        installation.answered(id).await;
        let waited = "SELECT EXTRACT(EPOCH FROM claimed_at - created_at)::float8 FROM turns";
        let waited = seconds(&installation, waited).await;
        testkit::figure(format_args!("killed at intake.settled: claimed {waited:.3} s after the commit"));
        assert!(waited <= WITHOUT_TICKET, "claimed {waited} s after the commit");
        installation.assert_finished().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_killed_between_commit_and_publish_delays_the_delivery_by_less_than_a_second() {
    let _alone = ALONE.lock().await;
    for _ in 0..3 {
        let installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
        let _ingress = installation.ingress(&[]).await;
        let _heir = installation.worker("intake,retrieve,deliver", &[]).await;
        let mut doomed =
            installation.worker("answer", &[("VECTORA__FAULTS__AT", "answer.settled=kill")]).await;
        // Long enough for the placeholder to be out of the way.
        let id = installation.say("anna", "hello #wait=700ms").await;
        doomed.ended().await;
        installation.answered(id).await;
        installation.assert_finished().await;
        let waited = "SELECT EXTRACT(EPOCH FROM f.claimed_at - greatest(f.created_at, p.ended_at))::float8
                      FROM outbound f JOIN outbound p ON p.turn_id = f.turn_id AND p.kind = 'placeholder'
                      WHERE f.kind = 'final'";
        let waited = seconds(&installation, waited).await;
        testkit::figure(format_args!(
            "killed at answer.settled: the send claimed {waited:.3} s after the commit"
        ));
        assert!(waited <= WITHOUT_TICKET, "claimed {waited} s after the commit");
        assert_eq!(installation.messenger.screen("anna"), ["Scripted answer to: hello #wait=700ms"]);
    }
}

/// The dispatcher may not take a ticket for lost while older ones are undelivered, and may not wait for the
/// end of the queue either.
#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_lost_in_a_long_queue_is_found_when_the_queue_has_reached_it() {
    let _alone = ALONE.lock().await;
    let installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let _intake = installation.worker("intake,retrieve", &[]).await;
    let jetstream = JetStream::of(&installation.nats);
    let turns = |number: i64| {
        let installation = &installation;
        async move {
            eventually(&format!("{number} turns to wait"), || async {
                let waiting = "SELECT count(*) FROM turns WHERE stage = 'answer'";
                (installation.count(waiting).await == number).then_some(())
            })
            .await;
        }
    };
    let mut asked = Vec::new();
    for n in 0..20 {
        asked.push(installation.ask(&url, &format!("before {n}")).await);
    }
    turns(20).await;
    let others = stored(&jetstream, 20).await;
    let lost = installation.ask(&url, "lost").await;
    turns(21).await;
    let ticket = eventually("its ticket", || async {
        jetstream.newest("answer").await.filter(|newest| Some(*newest) > others)
    })
    .await;
    stored(&jetstream, 21).await;
    jetstream.delete_message(ticket).await;
    let lost_turn: Uuid = sqlx::query_scalar("SELECT turn_id FROM messages WHERE id = $1")
        .bind(lost.0)
        .fetch_one(&installation.sql)
        .await
        .expect("its turn is open");
    // Older than everything that comes now by more than the dispatcher's slack.
    eventually("the slack to have passed", || async {
        let aged = "SELECT count(*) FROM turns WHERE issued_at > clock_timestamp() - interval '2.5 seconds'";
        (installation.count(aged).await == 0).then_some(())
    })
    .await;
    for n in 0..150 {
        asked.push(installation.ask(&url, &format!("behind {n} #wait=40ms")).await);
    }
    turns(171).await;
    let reissued = "SELECT count(*) FROM turns WHERE issues > 0";
    assert_eq!(installation.count(reissued).await, 0, "a ticket was issued again before its turn came");

    let slow = [("VECTORA__WORKERS__CONCURRENCY__ANSWER", "2")];
    let _worker = installation.worker("answer", &slow).await;
    eventually("the lost ticket to be found", || async {
        let found: i32 = sqlx::query_scalar("SELECT issues FROM turns WHERE id = $1")
            .bind(lost_turn)
            .fetch_one(&installation.sql)
            .await
            .ok()?;
        (found > 0).then_some(())
    })
    .await;
    let behind = installation.count("SELECT count(*) FROM turns WHERE state = 'active' AND epoch = 1").await;
    let again = installation.count(reissued).await;
    testkit::figure(format_args!("a lost ticket was found with {behind} of 150 still queued behind it"));
    assert!(behind >= 100, "found only when {behind} of 150 were left behind it");
    assert_eq!(again, 1, "others were issued again too");
    installation.answered(lost).await;
    for id in asked {
        installation.answered(id).await;
    }
    assert_eq!(
        installation.count("SELECT sum(epoch)::bigint FROM turns").await,
        2 * 171,
        "claimed once each a stage"
    );
    installation.assert_finished().await;
}

/// Waits until the stream holds so many tickets, all of them of `answer`; the newest of them.
async fn stored(jetstream: &JetStream, number: u64) -> Option<u64> {
    eventually(&format!("{number} tickets in the stream"), || async {
        (jetstream.stored().await == number).then_some(())
    })
    .await;
    jetstream.newest("answer").await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_copies_of_one_ticket_at_once_are_one_claim() {
    let installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let _intake = installation.worker("intake,retrieve", &[]).await;
    let id = installation.ask(&url, "hello #wait=500ms").await;
    let jetstream = JetStream::of(&installation.nats);
    eventually("its ticket", || async { jetstream.newest("answer").await }).await;
    stored(&jetstream, 1).await;
    let (turn, issued_at): (Uuid, i64) =
        sqlx::query_as("SELECT id, (EXTRACT(EPOCH FROM issued_at) * 1000000)::bigint FROM turns")
            .fetch_one(&installation.sql)
            .await
            .expect("the turn is open");
    let ticket = Ticket::new(Kind::Turn, turn, "answer", issued_at).encode();
    for _ in 0..10 {
        jetstream.publish("answer", &ticket).await;
    }
    let (one, two, three) = tokio::join!(
        installation.worker("answer", &[]),
        installation.worker("answer", &[]),
        installation.worker("answer", &[]),
    );
    installation.answered(id).await;
    stored(&jetstream, 0).await;
    let mut claims = 0.0;
    for worker in [&one, &two, &three] {
        claims += installation.metric(worker, "vectora_stage_handled_total", &["stage=\"answer\""]).await;
    }
    assert!((claims - 1.0).abs() < 0.5, "{claims} claims");
    assert_eq!(installation.count("SELECT epoch FROM turns").await, 2, "one claim a stage");
    installation.assert_finished().await;
}

/// The livelock a sweeper by age alone runs into: every ticket of a long queue is made stale by the next one,
/// and nothing ever finishes.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_turns_that_waited_for_a_worker_are_answered_with_ten_thousand_claims() {
    const MANY: i64 = 10_000;
    let _alone = ALONE.lock().await;
    let installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
    sqlx::query(
        "WITH fresh AS (
             SELECT n, gen_random_uuid() AS conversation, gen_random_uuid() AS turn, gen_random_uuid() AS message
             FROM generate_series(1, $1) AS n
         ), c AS (INSERT INTO conversations (id, channel) SELECT conversation, 'rest' FROM fresh),
         t AS (INSERT INTO turns (id, conversation_id, stage, state)
               SELECT turn, conversation, 'answer', 'active' FROM fresh)
         INSERT INTO messages (id, conversation_id, position, text, state, turn_id, received_at)
         SELECT message, conversation, n, 'question ' || n, 'taken', turn, clock_timestamp() FROM fresh",
    )
    .bind(MANY)
    .execute(&installation.sql)
    .await
    .expect("ten thousand turns are made");
    let _ingress = installation.ingress(&[]).await;
    eventually("every turn to have a ticket", || async {
        (installation.count("SELECT count(*) FROM turns WHERE issued_at IS NULL").await == 0).then_some(())
    })
    .await;
    // Many times the patience and the period, and longer than the slack: whoever re-issues by age does now.
    let since = tokio::time::Instant::now();
    let jetstream = JetStream::of(&installation.nats);
    eventually("a dozen rounds of the dispatcher", || async {
        (since.elapsed() > Duration::from_secs(4)).then_some(())
    })
    .await;
    let tickets = jetstream.stored().await;
    assert!(tickets <= MANY.unsigned_abs(), "{tickets} tickets for {MANY} turns");

    let began = tokio::time::Instant::now();
    let _worker = installation.worker("answer", &[]).await;
    let mut left = MANY;
    while left > 0 {
        // The deadline is for each thousand: the whole depends on the machine.
        left = eventually(&format!("fewer than {left} turns to be left"), || async {
            let now = installation.count("SELECT count(*) FROM turns WHERE state = 'active'").await;
            (now == 0 || now <= left - 1000).then_some(now)
        })
        .await;
    }
    testkit::figure(format_args!(
        "{tickets} tickets for {MANY} waiting turns, all answered in {:.1?}",
        began.elapsed()
    ));
    assert_eq!(installation.count("SELECT sum(epoch)::bigint FROM turns").await, MANY, "model calls");
    assert_eq!(installation.count("SELECT count(*) FROM answers").await, MANY);
    installation.assert_finished().await;
}
