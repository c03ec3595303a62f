//! Delivery against a messenger that misbehaves: what was accepted is shown, and no answer twice.

use std::time::{Duration, Instant};

use contract::ConversationId;
use rustix::process::Signal;
use store::outbound::Draft;
use testkit::messenger::Misbehaviour::{
    self, Behave, CutAfter, CutBefore, Fault, Gone, Limit, Refuse, Stall,
};
use testkit::{Installation, Plan, Program, eventually};

use crate::BINARY;

const ANSWER: &str = "Scripted answer to: hello";
const THOUGHTS: Duration = Duration::from_millis(700);

/// No limit of ours in the way, and second thoughts that a test can wait for.
const QUICK: [(&str, &str); 6] = [
    ("VECTORA__WORKERS__CHAT_RATE__INTERVAL", "1ms"),
    ("VECTORA__WORKERS__CHAT_RATE__BURST", "100"),
    ("VECTORA__WORKERS__BOT_RATE__INTERVAL", "1ms"),
    ("VECTORA__WORKERS__BOT_RATE__BURST", "100"),
    ("VECTORA__WORKERS__SECOND_THOUGHTS", "700ms"),
    ("VECTORA__WORKERS__REPEAT_AFTER", "700ms"),
];

async fn installation(env: &[(&str, &str)]) -> (Installation, Program) {
    let env =
        QUICK.iter().chain(env).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let installation = Box::pin(Installation::new(BINARY, Plan { env, database: None })).await;
    let (ingress, _) = installation.ingress(&[]).await;
    (installation, ingress)
}

/// Somebody says hello in a new chat, the messenger goes by the plan, and everything comes to its end.
async fn hello(installation: &Installation, chat: &str, plan: &[Misbehaviour]) -> ConversationId {
    installation.messenger.misbehave(plan.iter().copied());
    let id = installation.say(chat, "hello").await;
    installation.answered(id).await;
    installation.assert_finished().await;
    installation.question(id).await.conversation_id
}

async fn operator_says(installation: &Installation, conversation: ConversationId, text: &str) {
    let draft = Draft::operator(conversation, text);
    store::outbound::say(&installation.ledger, draft).await.expect("the ledger accepts");
}

/// Kind, state, unknowns and attempts of the rows of a conversation, in order.
async fn rows(installation: &Installation, conversation: ConversationId) -> Vec<(String, String, i32, i32)> {
    sqlx::query_as(
        "SELECT kind, state, unknowns, attempts FROM outbound WHERE conversation_id = $1 ORDER BY seq",
    )
    .bind(conversation.0)
    .fetch_all(&installation.sql)
    .await
    .expect("the ledger answers")
}

fn row(kind: &str, state: &str, unknowns: i32, attempts: i32) -> (String, String, i32, i32) {
    (kind.to_owned(), state.to_owned(), unknowns, attempts)
}

/// What goes wrong; what is on the screen; unknowns of placeholder and final; attempts of the final (an edit of
/// unknown outcome is one); calls.
type CutCase = (&'static [Misbehaviour], &'static [&'static str], [i32; 2], i32, usize);

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_shows_the_answer_once_wherever_it_is_cut() {
    let (installation, _ingress) = installation(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    let cases: [CutCase; 8] = [
        (&[], &[ANSWER], [0, 0], 0, 2),
        (&[CutBefore], &[ANSWER], [1, 0], 0, 3),
        (&[CutAfter], &["…", ANSWER], [1, 0], 0, 3),
        (&[Behave, CutBefore], &[ANSWER], [0, 0], 1, 3),
        (&[Behave, CutAfter], &[ANSWER], [0, 0], 1, 3),
        (&[CutBefore, CutBefore], &[ANSWER], [1, 1], 0, 4),
        (&[CutAfter, CutAfter], &["…", "…", ANSWER], [1, 1], 0, 4),
        (&[CutAfter, Behave, CutAfter], &["…", ANSWER], [1, 0], 1, 4),
    ];
    for (n, (plan, screen, unknowns, attempts, calls)) in cases.into_iter().enumerate() {
        let chat = format!("chat {n}");
        let before = installation.messenger.calls();
        let conversation = hello(&installation, &chat, plan).await;
        assert_eq!(installation.messenger.screen(&chat), screen, "{plan:?}");
        assert_eq!(installation.messenger.calls() - before, calls, "{plan:?}");
        let placeholder = if unknowns[0] == 0 { "sent" } else { "unknown" };
        let expected =
            [row("placeholder", placeholder, unknowns[0], 0), row("final", "sent", unknowns[1], attempts)];
        assert_eq!(rows(&installation, conversation).await, expected, "{plan:?}");
    }
}

/// A channel that takes everything and answers nothing must not fill a chat with empty messages.
#[tokio::test(flavor = "multi_thread")]
async fn stubs_that_are_never_confirmed_end_with_the_age_limit() {
    let env = [("VECTORA__DISPATCHER__OUTBOUND_AGE", "2s"), ("VECTORA__DISPATCHER__TIDY", "200ms")];
    let (installation, _ingress) = installation(&env).await;
    let _worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    installation.messenger.misbehave([CutAfter; 100]);
    let id = installation.say("void", "hello").await;
    installation.answered(id).await;
    installation.assert_finished().await;
    let stubs =
        "SELECT unknowns::bigint FROM outbound WHERE kind = 'final' AND state IN ('unknown', 'failed')";
    let stubs = usize::try_from(installation.count(stubs).await).expect("a count");
    assert!((2..20).contains(&stubs), "each waits longer than the one before: {stubs}");
    // The placeholder's, and theirs: all are counted.
    assert_eq!(installation.messenger.screen("void"), vec!["…"; stubs + 1]);
}

/// A gateway that is broken for longer than the attempts of an item last.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_stubs_are_not_confirmed_for_long_arrives_when_they_are() {
    let (installation, _ingress) = installation(&[("VECTORA__WORKERS__RETRY", "5ms")]).await;
    let _worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    installation.messenger.misbehave([CutBefore; 8]);
    let id = installation.say("tunnel", "hello").await;
    installation.answered(id).await;
    installation.assert_finished().await;
    assert_eq!(installation.messenger.screen("tunnel"), [ANSWER]);
}

#[tokio::test(flavor = "multi_thread")]
async fn not_before_is_obeyed_at_every_step_and_is_no_attempt() {
    let (installation, _ingress) = installation(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    let pause = Duration::from_millis(600);
    let plans: [&[Misbehaviour]; 3] = [&[Limit(pause)], &[Behave, Limit(pause)], &[CutBefore, Limit(pause)]];
    for (n, plan) in plans.into_iter().enumerate() {
        let chat = format!("chat {n}");
        let before = installation.messenger.calls();
        let conversation = hello(&installation, &chat, plan).await;
        assert_eq!(installation.messenger.showing(&chat, ANSWER), 1, "{plan:?}");
        let times = installation.messenger.call_times();
        let limited = before + plan.len() - 1;
        let waited = times[limited + 1] - times[limited];
        testkit::measured("wait after a Retry-After of 0.6 s", waited);
        assert!(waited >= pause && waited < pause + Duration::from_secs(1), "{plan:?}: {waited:?}");
        let attempts: i32 = rows(&installation, conversation).await.iter().map(|row| row.3).sum();
        assert_eq!(attempts, 0, "{plan:?}");
    }

    let conversation = hello(&installation, "operator", &[]).await;
    let before = installation.messenger.calls();
    installation.messenger.misbehave([Limit(pause)]);
    operator_says(&installation, conversation, "a human").await;
    installation.assert_finished().await;
    let times = installation.messenger.call_times();
    assert!(times[before + 1] - times[before] >= pause);
    assert_eq!(installation.messenger.screen("operator"), [ANSWER, "a human"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_storm_of_limits_uses_nothing_up() {
    let (installation, _ingress) = installation(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    let storm = [Limit(Duration::from_millis(5)); 25];
    let conversation = hello(&installation, "anna", &storm).await;
    assert_eq!(installation.messenger.limited(), 25);
    assert_eq!(installation.messenger.screen("anna"), [ANSWER]);
    let expected = [row("placeholder", "sent", 0, 0), row("final", "sent", 0, 0)];
    assert_eq!(rows(&installation, conversation).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_tried_again_and_refusals_are_not() {
    let (installation, _ingress) = installation(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;

    let conversation = hello(&installation, "faults", &[Fault, Behave, Fault, Fault]).await;
    let expected = [row("placeholder", "sent", 0, 1), row("final", "sent", 0, 2)];
    assert_eq!(rows(&installation, conversation).await, expected);
    assert_eq!(installation.messenger.screen("faults"), [ANSWER]);

    // The placeholder is refused: the answer stands in a message of its own.
    let conversation = hello(&installation, "refused", &[Refuse]).await;
    assert_eq!(rows(&installation, conversation).await[0].1, "failed");
    assert_eq!(installation.messenger.screen("refused"), [ANSWER]);

    // The answer is refused: given up and listed, and the next question is answered.
    let conversation = hello(&installation, "unfit", &[Behave, Refuse]).await;
    let states: Vec<_> = rows(&installation, conversation).await.into_iter().map(|row| row.1).collect();
    assert_eq!(states, ["sent", "failed"]);
    hello(&installation, "unfit", &[]).await;
    assert_eq!(installation.messenger.screen("unfit"), ["…", ANSWER]);

    let conversation = hello(&installation, "gone", &[Gone, Gone]).await;
    let states: Vec<_> = rows(&installation, conversation).await.into_iter().map(|row| row.1).collect();
    assert_eq!(states, ["failed", "failed"]);
    let gone = "SELECT count(*) FROM contacts WHERE gone_at IS NOT NULL AND address = 'gone'";
    assert_eq!(installation.count(gone).await, 1);
    let failed = store::failed::list(&installation.ledger, 100).await.expect("the ledger answers");
    assert_eq!(failed.len(), 4, "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_messenger_that_is_away_costs_no_attempt() {
    let away = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = away.local_addr().expect("an address");
    drop(away);
    let (installation, _ingress) = installation(&[]).await;
    let url = format!("http://{address}");
    let mut worker = installation
        .worker("intake,retrieve,answer,deliver", &[("VECTORA__WORKERS__LOOPBACK_URL", &url)])
        .await;
    let id = installation.say("anna", "hello").await;
    installation.answered(id).await;
    eventually("several tries to reach it", || async {
        (installation.count("SELECT coalesce(max(epoch), 0) FROM outbound").await >= 4).then_some(())
    })
    .await;
    assert_eq!(installation.count("SELECT sum(attempts) FROM outbound").await, 0);
    worker.terminate();
    worker.ended().await;
    let _worker = installation.worker("deliver", &[]).await;
    installation.assert_finished().await;
    assert_eq!(installation.messenger.screen("anna"), [ANSWER]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_humans_message_is_repeated_once_after_second_thoughts_unless_it_was_overtaken() {
    let (installation, _ingress) = installation(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    let cases: [(&[Misbehaviour], usize, (&str, i32)); 4] = [
        (&[CutBefore], 1, ("sent", 1)),
        (&[CutAfter], 2, ("sent", 1)),
        (&[CutBefore, CutBefore], 0, ("unknown", 2)),
        (&[CutAfter, CutAfter], 2, ("unknown", 2)),
    ];
    for (n, (plan, shown, (state, unknowns))) in cases.into_iter().enumerate() {
        let chat = format!("chat {n}");
        let conversation = hello(&installation, &chat, &[]).await;
        let before = installation.messenger.calls();
        installation.messenger.misbehave(plan.iter().copied());
        operator_says(&installation, conversation, "a human").await;
        installation.assert_finished().await;
        let times = installation.messenger.call_times();
        assert_eq!(times.len(), before + 2, "repeated once: {plan:?}");
        let waited = times[before + 1] - times[before];
        assert!(waited >= THOUGHTS, "{waited:?}");
        testkit::measured("second thoughts of 0.7 s", waited);
        assert_eq!(installation.messenger.showing(&chat, "a human"), shown, "{plan:?}");
        assert_eq!(
            rows(&installation, conversation).await[2],
            row("operator", state, unknowns, 0),
            "{plan:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_humans_message_of_unknown_fate_is_held_when_the_person_writes_meanwhile() {
    let (installation, _ingress) = installation(&[("VECTORA__WORKERS__SECOND_THOUGHTS", "3s")]).await;
    let _worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    let conversation = hello(&installation, "overtaken", &[]).await;
    installation.messenger.misbehave([CutAfter]);
    operator_says(&installation, conversation, "a human").await;
    eventually("the outcome to be unknown", || async {
        rows(&installation, conversation).await.iter().any(|row| row.2 == 1).then_some(())
    })
    .await;
    hello(&installation, "overtaken", &[]).await;
    assert_eq!(rows(&installation, conversation).await[2], row("operator", "held", 1, 0));
    assert_eq!(installation.messenger.screen("overtaken"), [ANSWER, "a human", ANSWER]);
    let failed = store::failed::list(&installation.ledger, 100).await.expect("the ledger answers");
    assert!(failed.iter().any(|work| work.state == "held"), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_edit_is_repeated_once_after_its_delivery_changed_hands() {
    let (installation, _ingress) = installation(&[]).await;
    let mut doomed = installation
        .worker("intake,retrieve,answer,deliver", &[("VECTORA__FAULTS__AT", "deliver.called=kill@2")])
        .await;
    let id = installation.say("anna", "hello").await;
    doomed.ended().await;
    let died = Instant::now();
    let _heir = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    installation.answered(id).await;
    eventually("the repeated edit to be through", || async {
        let through = "SELECT count(*) FROM outbound WHERE kind = 'repeat' AND state = 'sent'";
        (installation.count(through).await == 1).then_some(())
    })
    .await;
    testkit::measured("from the kill to the repeated edit: lease 1.5 s, pause 0.7 s", died.elapsed());
    installation.assert_finished().await;
    assert_eq!(installation.messenger.calls(), 4, "placeholder, edit, the heir's edit, its repeat");
    let times = installation.messenger.call_times();
    assert!(times[3] - times[2] >= THOUGHTS);
    assert_eq!(installation.messenger.screen("anna"), [ANSWER]);
}

/// What was cut off in the middle of its call may have arrived: it is unknown, not unsent.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_cut_off_by_the_hard_limit_is_unknown_and_not_simply_made_again() {
    let (installation, _ingress) = installation(&[("VECTORA__WORKERS__SECOND_THOUGHTS", "1h")]).await;
    let _worker = installation
        .worker("intake,retrieve,answer,deliver", &[("VECTORA__WORKERS__HARD_LIMIT__DELIVER", "300ms")])
        .await;
    let conversation = hello(&installation, "anna", &[]).await;
    installation.messenger.misbehave([Stall(Duration::from_secs(1))]);
    operator_says(&installation, conversation, "a human").await;
    eventually("the cut-off call to be counted as unknown", || async {
        rows(&installation, conversation).await.iter().any(|row| row.2 == 1).then_some(())
    })
    .await;
    assert_eq!(installation.messenger.screen("anna"), [ANSWER, "a human"], "it was not sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_cut_off_at_its_last_attempt_is_unknown_and_not_failed() {
    let (installation, _ingress) = installation(&[("VECTORA__WORKERS__ATTEMPTS", "1")]).await;
    let _worker = installation
        .worker("intake,retrieve,answer,deliver", &[("VECTORA__WORKERS__HARD_LIMIT__DELIVER", "300ms")])
        .await;
    let conversation = hello(&installation, "anna", &[]).await;
    installation.messenger.misbehave([Stall(Duration::from_secs(1))]);
    operator_says(&installation, conversation, "a human").await;
    eventually("the message to be over", || async {
        rows(&installation, conversation).await.contains(&row("operator", "unknown", 1, 1)).then_some(())
    })
    .await;
    assert_eq!(installation.messenger.screen("anna"), [ANSWER, "a human"], "it had arrived");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_cut_off_by_a_second_signal_is_unknown_and_not_simply_made_again() {
    let (installation, _ingress) = installation(&[("VECTORA__WORKERS__SECOND_THOUGHTS", "1h")]).await;
    let mut worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    let conversation = hello(&installation, "anna", &[]).await;
    installation.messenger.misbehave([Stall(Duration::from_secs(5))]);
    operator_says(&installation, conversation, "a human").await;
    eventually("the message to be on its way", || async {
        (installation.messenger.calls() == 3).then_some(())
    })
    .await;
    worker.terminate();
    worker.says("told to stop").await;
    worker.signal(Signal::TERM);
    worker.ended().await;
    let _heir = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    eventually("the cut-off call to be counted as unknown", || async {
        rows(&installation, conversation).await.iter().any(|row| row.2 == 1).then_some(())
    })
    .await;
    assert_eq!(installation.messenger.screen("anna"), [ANSWER, "a human"], "it was not sent again");
}
