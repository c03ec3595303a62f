//! What one client may rely on: a repeated request under one `Idempotency-Key` is one question, and a
//! conversation goes on where it was.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use testkit::{Installation, Plan, sqlx};

use crate::BINARY;

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap_or_else(|| panic!("an id in {body}")).to_owned()
}

fn slug(body: &Value) -> &str {
    body["type"].as_str().unwrap_or_default().trim_start_matches("urn:vectora:problem:")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_under_one_idempotency_key_is_one_question() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let worker = installation.worker("intake,retrieve,answer", &[]).await;
    let body = json!({ "text": "hello" });
    let named = [("idempotency-key", "k1")];
    let (status, first) = installation.post(&url, &body, &named).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{first}");

    // The same request in other bytes, before and after the answer.
    for again in 0..2 {
        let request = installation.http.post(format!("{url}/v1/questions")).bearer_auth(&installation.key);
        let request = request.header("idempotency-key", "k1").header("content-type", "application/json");
        let response =
            request.body("{ \"conversation_id\": null,\n \"text\": \"h\\u0065llo\" }").send().await;
        let response = response.expect("ingress answers");
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(response.headers()["idempotency-replayed"], "true");
        assert_eq!(response.headers()["location"], format!("/v1/questions/{}", id(&first)).as_str());
        let replay: Value = response.json().await.expect("JSON");
        assert_eq!(replay["conversation_id"], first["conversation_id"]);
        assert_eq!(id(&replay), id(&first));
        if again == 0 {
            installation.answered(id(&first).parse().expect("an id")).await;
        }
    }

    for other in
        [json!({ "text": "hello!" }), json!({ "text": "hello", "conversation_id": first["conversation_id"] })]
    {
        let (status, problem) = installation.post(&url, &other, &named).await;
        assert_eq!((status.as_u16(), slug(&problem)), (422, "idempotency-mismatch"), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("24 hours")), "{problem}");
    }

    // Another key's name is another name, and a day later it is free again.
    let scopes = ["questions:write".to_owned()];
    let made = store::keys::create(&installation.ledger, "other", &scopes, None, None).await.expect("a key");
    let request = installation.http.post(format!("{url}/v1/questions")).bearer_auth(made.1.expose_secret());
    let response = request.header("idempotency-key", "k1").json(&body).send().await.expect("ingress answers");
    let others: Value = response.json().await.expect("JSON");
    assert_ne!(id(&others), id(&first));
    let aged = "UPDATE idempotency_keys SET created_at = created_at - interval '24 hours 1 second'";
    sqlx::query(aged).execute(&installation.sql).await.expect("the rows are there");
    let (status, fresh) = installation.post(&url, &json!({ "text": "tomorrow" }), &named).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{fresh}");
    assert_ne!(id(&fresh), id(&first));
    let (_, again) = installation.post(&url, &json!({ "text": "tomorrow" }), &named).await;
    assert_eq!(id(&again), id(&fresh));

    installation.assert_finished().await;
    assert_eq!(installation.count("SELECT count(*) FROM answers").await, 3);
    drop(worker);
}

/// Through two processes, which share nothing but the ledger.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_requests_at_once_under_one_idempotency_key_are_one_question() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_one, one) = installation.ingress(&[]).await;
    let (_two, two) = installation.ingress(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer", &[]).await;
    for round in 0..10 {
        let key = format!("round-{round}");
        let body = json!({ "text": format!("question {round}") });
        let named = [("idempotency-key", key.as_str())];
        let calls = (0..20).map(|n| installation.post([&one, &two][n % 2], &body, &named));
        let mut ids = BTreeSet::new();
        for (status, body) in futures_util::future::join_all(calls).await {
            assert_eq!(status, StatusCode::ACCEPTED, "{body}");
            ids.insert(id(&body));
        }
        assert_eq!(ids.len(), 1, "round {round}");
    }
    assert_eq!(installation.count("SELECT count(*) FROM inbox").await, 10);
    installation.assert_finished().await;
    assert_eq!(installation.count("SELECT count(*) FROM answers").await, 10);
}

/// Different bodies under one name at once: one is accepted, all others hear that it is another request.
#[tokio::test(flavor = "multi_thread")]
async fn different_requests_at_once_under_one_idempotency_key_are_one_question() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let bodies: Vec<Value> = (0..20).map(|n| json!({ "text": format!("question {n}") })).collect();
    let calls = bodies.iter().map(|body| installation.post(&url, body, &[("idempotency-key", "k")]));
    let answers = futures_util::future::join_all(calls).await;
    let accepted = answers.iter().filter(|(status, _)| *status == StatusCode::ACCEPTED).count();
    let refused = answers.iter().filter(|(_, body)| slug(body) == "idempotency-mismatch").count();
    assert_eq!((accepted, refused), (1, 19), "{answers:?}");
    assert_eq!(installation.count("SELECT count(*) FROM inbox").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_goes_on_and_nobody_else_can_join_it() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let (_api, api) = installation.api(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    let (_, first) = installation.post(&url, &json!({ "text": "first" }), &[]).await;
    let conversation = first["conversation_id"].as_str().expect("a conversation").to_owned();
    let second = installation.ask_in(&url, &conversation, "second").await;
    assert_eq!(installation.answered(second).await, "Scripted answer to: second");
    assert_eq!(installation.question(second).await.conversation_id.to_string(), conversation);
    let order = "SELECT count(*) FROM messages one JOIN messages two USING (conversation_id)
                 WHERE one.text = 'first' AND two.text = 'second' AND one.position < two.position";
    assert_eq!(installation.count(order).await, 1);

    // Into another key's conversation with `:any` only; what was asked there is visible to whoever asked.
    let any = ["questions:write:any".to_owned(), "questions:read:any".to_owned()];
    let made = store::keys::create(&installation.ledger, "any", &any, None, None).await.expect("a key");
    let third = installation.http.post(format!("{url}/v1/questions")).bearer_auth(made.1.expose_secret());
    let third = third.json(&json!({ "text": "third", "conversation_id": conversation })).send().await;
    let third: Value = third.expect("ingress answers").json().await.expect("JSON");
    for token in [made.1.expose_secret(), installation.key.as_str()] {
        let read = installation.http.get(format!("{api}/v1/questions/{}", id(&third))).bearer_auth(token);
        assert_eq!(read.send().await.expect("the API answers").status(), StatusCode::OK);
    }

    // A chat's conversation, its intake key and an invented one are the same to REST: not there.
    let said = installation.say("anna", "hello").await;
    installation.answered(said).await;
    let chat = installation.question(said).await.conversation_id.to_string();
    let queue = store::accept::intake_key(contract::Channel::Loopback, "anna").to_string();
    let invented = contract::ConversationId::new().to_string();
    let before = installation.count("SELECT count(*) FROM inbox").await;
    for conversation in [chat, queue, invented] {
        let body = json!({ "text": "let me in", "conversation_id": conversation });
        let (status, problem) = installation.post(&url, &body, &[]).await;
        assert_eq!((status.as_u16(), slug(&problem)), (404, "not-found"), "{problem}");
    }
    assert_eq!(installation.count("SELECT count(*) FROM inbox").await, before);
    installation.assert_finished().await;
    assert_eq!(installation.messenger.screen("anna").len(), 1, "one answer, nothing of REST");
}
