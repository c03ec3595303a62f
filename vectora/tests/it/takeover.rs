//! Takeover: from the moment a human has a conversation the bot says nothing more in it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use contract::{ConversationId, MessageId, QuestionStatus};
use store::outbound::Draft;
use testkit::{Installation, Plan, Program, eventually};

use crate::BINARY;

const ANSWER: &str = "Scripted answer to: hello";
const IDLE: Duration = Duration::from_mins(1);

/// A conversation in the middle of something: its worker is held at a point.
struct Scene {
    installation: Installation,
    _ingress: Program,
    worker: Program,
    question: MessageId,
    conversation: ConversationId,
    release: PathBuf,
    _dir: tempfile::TempDir,
}

impl Scene {
    async fn held_at(fault: &str) -> Self {
        let installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
        let (ingress, _) = installation.ingress(&[]).await;
        let dir = tempfile::tempdir().expect("there is room");
        let release = dir.path().join("go");
        let file = release.display().to_string();
        let env = [("VECTORA__FAULTS__AT", fault), ("VECTORA__FAULTS__RELEASE", &file)];
        let worker = installation.worker("intake,retrieve,answer,deliver", &env).await;
        let question = installation.say("anna", "hello").await;
        worker.says("held at").await;
        let conversation = installation.question(question).await.conversation_id;
        Self { installation, _ingress: ingress, worker, question, conversation, release, _dir: dir }
    }

    async fn take(&self) {
        let taken = store::conversations::take(&self.installation.ledger, self.conversation, IDLE).await;
        assert!(taken.expect("the ledger answers"));
    }

    fn go_on(&self) {
        std::fs::write(&self.release, "").expect("the file can be written");
    }

    async fn operator_says(&self, text: &str) {
        let draft = Draft::operator(self.conversation, text);
        store::outbound::say(&self.installation.ledger, draft).await.expect("the ledger accepts");
        eventually("the operator's message to be shown", || async {
            (self.installation.messenger.showing("anna", text) == 1).then_some(())
        })
        .await;
    }

    /// Kinds and states of what was to be sent, in order.
    async fn outbound(&self) -> Vec<(String, String)> {
        sqlx::query_as("SELECT kind, state FROM outbound ORDER BY seq")
            .fetch_all(&self.installation.sql)
            .await
            .expect("the ledger answers")
    }
}

fn rows(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(kind, state)| ((*kind).to_owned(), (*state).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_while_the_answer_is_made_leaves_it_unsaid() {
    let scene = Scene::held_at("answer.worked=hold").await;
    let installation = &scene.installation;
    eventually("the placeholder to be shown", || async {
        (installation.messenger.screen("anna") == ["…"]).then_some(())
    })
    .await;
    eventually("the placeholder's row to be settled", || async {
        (scene.outbound().await == rows(&[("placeholder", "sent")])).then_some(())
    })
    .await;
    scene.take().await;
    assert_eq!(installation.status(scene.question).await, QuestionStatus::Superseded);
    let meanwhile = installation.say("anna", "is anybody there?").await;
    scene.go_on();
    scene.operator_says("I am").await;
    eventually("the message to be left to the operator", || async {
        (installation.status(meanwhile).await == QuestionStatus::Escalated).then_some(())
    })
    .await;

    store::conversations::give_back(&installation.ledger, scene.conversation)
        .await
        .expect("the ledger answers");
    let next = installation.say("anna", "and the bot?").await;
    installation.answered(next).await;
    let expected = ["A human answers this.", "I am", "Scripted answer to: and the bot?"];
    eventually("the bot to answer what came after its return, and only that", || async {
        (installation.messenger.screen("anna") == expected).then_some(())
    })
    .await;
    installation.assert_finished().await;
    assert_eq!(installation.count("SELECT count(*) FROM answers").await, 1);
    assert_eq!(installation.messenger.calls(), 5, "placeholder, its edit, operator, placeholder, answer");
    assert_eq!(installation.status(meanwhile).await, QuestionStatus::Escalated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_while_something_is_sent_lets_only_the_call_under_way_arrive() {
    for point in ["begun", "called"] {
        for (arrival, shown, states) in [(1, "…", ["sent", "cancelled"]), (2, ANSWER, ["sent", "sent"])] {
            let fault = format!("deliver.{point}=hold@{arrival}");
            let scene = Scene::held_at(&fault).await;
            let installation = &scene.installation;
            installation.answered(scene.question).await;
            scene.take().await;
            scene.go_on();
            scene.operator_says("I am here").await;
            installation.assert_finished().await;
            assert_eq!(installation.messenger.screen("anna"), [shown, "I am here"], "{fault}");
            let expected = rows(&[("placeholder", states[0]), ("final", states[1]), ("operator", "sent")]);
            assert_eq!(scene.outbound().await, expected, "{fault}");
            assert_eq!(installation.messenger.calls(), arrival + 1, "{fault}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_interrupted_before_a_takeover_is_unknown_and_never_repeated() {
    for point in ["begun", "called"] {
        for arrival in [1, 2] {
            let fault = format!("deliver.{point}=hold@{arrival}");
            let mut scene = Scene::held_at(&fault).await;
            scene.installation.answered(scene.question).await;
            scene.take().await;
            let before = scene.installation.messenger.screen("anna");
            scene.worker.kill();
            let _heir = scene.installation.worker("intake,retrieve,answer,deliver", &[]).await;
            scene.operator_says("I am here").await;
            scene.installation.assert_finished().await;
            let screen = scene.installation.messenger.screen("anna");
            assert_eq!(screen[..screen.len() - 1], before, "{fault}: the bot says nothing more");
            let states = if arrival == 1 { ["unknown", "cancelled"] } else { ["sent", "unknown"] };
            let expected = rows(&[("placeholder", states[0]), ("final", states[1]), ("operator", "sent")]);
            assert_eq!(scene.outbound().await, expected, "{fault}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_said_does_not_stay_behind_what_the_bot_no_longer_says() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, _) = installation.ingress(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer", &[]).await;
    let question = installation.say("anna", "hello").await;
    installation.answered(question).await;
    let conversation = installation.question(question).await.conversation_id;
    let draft = Draft::operator(conversation, "let me");
    store::outbound::say(&installation.ledger, draft).await.expect("the ledger accepts");
    assert!(store::conversations::take(&installation.ledger, conversation, IDLE).await.expect("it answers"));
    let _deliver = installation.worker("deliver", &[]).await;
    installation.assert_finished().await;
    assert_eq!(installation.messenger.screen("anna"), ["let me"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_nobody_looks_after_lapses() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, _) = installation.ingress(&[("VECTORA__DISPATCHER__TIDY", "100ms")]).await;
    let _worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    let first = installation.say("anna", "hello").await;
    installation.answered(first).await;
    let conversation = installation.question(first).await.conversation_id;
    let idle = Duration::from_secs(1);
    let started = Instant::now();
    assert!(store::conversations::take(&installation.ledger, conversation, idle).await.expect("it answers"));
    let meanwhile = installation.say("anna", "while the human is there").await;
    eventually("it to be left to the operator", || async {
        (installation.status(meanwhile).await == QuestionStatus::Escalated).then_some(())
    })
    .await;
    eventually("the bot to have the conversation again", || async {
        let held = "SELECT count(*) FROM conversations WHERE handled_by = 'operator'";
        (installation.count(held).await == 0).then_some(())
    })
    .await;
    let took = started.elapsed();
    testkit::measured("return of a takeover that lapses after 1 s", took);
    assert!(took >= idle && took < idle + Duration::from_secs(2), "{took:?}");
    let next = installation.say("anna", "hello again").await;
    installation.answered(next).await;
    assert_eq!(installation.status(meanwhile).await, QuestionStatus::Escalated);
    installation.assert_finished().await;
    assert_eq!(installation.count("SELECT count(*) FROM answers").await, 2);
}
