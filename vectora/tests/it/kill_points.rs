//! SIGKILL at every kill point of every stage: every question is answered exactly once, whatever was lost.

use std::os::unix::process::ExitStatusExt;

use contract::QuestionStatus;
use testkit::{Installation, Plan};

use crate::BINARY;

/// Where a worker can die between receiving a ticket and acknowledging it.
const POINTS: [&str; 7] = ["received", "claimed", "worked", "uncommitted", "settled", "published", "acked"];

/// A worker dies at `point`; another one finds what it left.
async fn questions_survive_a_kill_at(point: &str) {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let mut doomed = installation
        .worker("intake,retrieve,answer,deliver", &[("VECTORA__FAULTS__AT", &format!("{point}=kill@2"))])
        .await;
    let mut asked = Vec::new();
    for n in 0..6 {
        asked.push(installation.ask_queued(&url, &format!("question {n}")).await);
    }
    assert_eq!(doomed.ended().await.signal(), Some(9), "it dies at {point}");
    let _heir = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    for (n, id) in asked.iter().enumerate() {
        assert_eq!(installation.answered(*id).await, format!("Scripted answer to: question {n}"));
    }
    installation.assert_finished().await;
    assert_eq!(installation.count("SELECT count(*) FROM answers").await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_intake_loses_no_question() {
    for point in POINTS {
        questions_survive_a_kill_at(&format!("intake.{point}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_retrieve_loses_no_question() {
    for point in POINTS {
        questions_survive_a_kill_at(&format!("retrieve.{point}")).await;
    }
}

/// Without a model, sentences are quoted where they are found.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_while_it_quotes_loses_no_question_and_doubles_none() {
    for point in POINTS {
        let plan = Plan { env: vec![("VECTORA__MODELS__PROVIDER".into(), "none".into())], ..Plan::default() };
        let installation = Box::pin(Installation::new(BINARY, plan)).await;
        let (_ingress, url) = installation.ingress(&[]).await;
        let fault = format!("retrieve.{point}=kill@2");
        let mut doomed =
            installation.worker("intake,retrieve,answer", &[("VECTORA__FAULTS__AT", &fault)]).await;
        let mut asked = Vec::new();
        for n in 0..6 {
            asked.push(installation.ask(&url, &format!("question {n}")).await);
        }
        assert_eq!(doomed.ended().await.signal(), Some(9), "it dies at {fault}");
        let _heir = installation.worker("intake,retrieve,answer", &[]).await;
        for id in asked {
            let status = installation.finished(id).await.status;
            assert_eq!(status, QuestionStatus::Refused, "there is no knowledge: {fault}");
        }
        installation.assert_finished().await;
        assert_eq!(installation.count("SELECT count(*) FROM answers").await, 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_answer_loses_no_question_and_doubles_none() {
    for point in POINTS {
        questions_survive_a_kill_at(&format!("answer.{point}")).await;
    }
}

/// Ingress dies around the commit; the client does what clients do, and asks again under the same key.
#[tokio::test(flavor = "multi_thread")]
async fn ingress_killed_around_the_commit_loses_no_accepted_question() {
    for point in ["accept.received", "accept.committed", "accept.published"] {
        let installation = Installation::new(BINARY, Plan::default()).await;
        let _worker = installation.worker("intake,retrieve,answer", &[]).await;
        let (mut doomed, url) =
            installation.ingress(&[("VECTORA__FAULTS__AT", &format!("{point}=kill@3"))]).await;
        let mut asked = Vec::new();
        let bodies = (0..3).map(|n| serde_json::json!({ "text": format!("question {n}") }));
        for (n, body) in bodies.enumerate() {
            let request =
                installation.http.post(format!("{url}/v1/questions")).bearer_auth(&installation.key);
            let sent = request.header("idempotency-key", format!("k{n}")).json(&body).send().await;
            asked.push((n, body, sent.is_ok()));
        }
        assert_eq!(doomed.ended().await.signal(), Some(9), "it dies at {point}");
        let (_ingress, url) = installation.ingress(&[]).await;
        for (n, body, _) in asked {
            let (status, again) =
                installation.post(&url, &body, &[("idempotency-key", &format!("k{n}"))]).await;
            assert_eq!(status, 202, "{again}");
            let id = again["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
            assert_eq!(installation.answered(id).await, format!("Scripted answer to: question {n}"));
        }
        installation.assert_finished().await;
        assert_eq!(installation.count("SELECT count(*) FROM answers").await, 3, "asked again, answered once");
    }
}

/// Delivery: the person sees each answer exactly once, and at most one empty placeholder a kill.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_deliver_shows_every_answer_exactly_once() {
    let points = POINTS.iter().copied().chain(["begun", "called"]);
    for point in points {
        for arrival in [1, 2] {
            let installation = Installation::new(BINARY, Plan::default()).await;
            let (_ingress, _) = installation.ingress(&[]).await;
            let fault = format!("deliver.{point}=kill@{arrival}");
            let mut doomed = installation
                .worker("intake,retrieve,answer,deliver", &[("VECTORA__FAULTS__AT", &fault)])
                .await;
            let id = installation.say("anna", "hello").await;
            assert_eq!(doomed.ended().await.signal(), Some(9), "it dies at {fault}");
            let _heir = installation.worker("intake,retrieve,answer,deliver", &[]).await;
            installation.answered(id).await;
            let answer = "Scripted answer to: hello";
            testkit::eventually("the answer to be shown", || async {
                (installation.messenger.showing("anna", answer) == 1).then_some(())
            })
            .await;
            let screen = installation.messenger.screen("anna");
            let orphans = screen.iter().filter(|text| text.as_str() == "…").count();
            assert!(orphans <= 1, "{fault}: {screen:?}");
            assert_eq!(screen.len(), 1 + orphans, "{fault}: {screen:?}");
        }
    }
}
