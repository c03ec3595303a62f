//! Chats that are answered, though not as one would wish.

use serde_json::{Value, json};

use super::client::{Client, Response, chat, until};
use crate::{FakeModels, Misbehave};

const CHAT: &str = "/v1/chat/completions";
const OLLAMA: &str = "/api/chat";

async fn answered(misbehave: Misbehave, path: &str, stream: bool) -> Response {
    let models = FakeModels::start().await;
    models.says(|_| "Ответ [1].".to_owned());
    models.next(misbehave);
    Client::connect(&models).await.call(path, &chat("?", stream)).await
}

fn chunks(response: &Response) -> Vec<Value> {
    let events = response.events().into_iter().filter(|event| event != "[DONE]");
    events.map(|event| serde_json::from_str(&event).expect("JSON")).collect()
}

#[tokio::test]
async fn choices_can_be_empty_in_every_chunk() {
    let response = answered(Misbehave::EmptyChoices, CHAT, true).await;
    assert!(chunks(&response).iter().all(|chunk| chunk["choices"] == json!([])));
    assert!(response.text().ends_with("data: [DONE]\n\n"));
    let response = answered(Misbehave::EmptyChoices, CHAT, false).await;
    assert_eq!(response.json()["choices"], json!([]));
    let response = answered(Misbehave::EmptyChoices, OLLAMA, true).await;
    assert!(response.lines().iter().all(|line| line["message"].is_null()));
}

#[tokio::test]
async fn the_reason_for_the_end_can_be_anything_and_the_counts_nothing() {
    let response = answered(Misbehave::FinishReason(""), CHAT, true).await;
    assert_eq!(response.said(), "Ответ [1].");
    let last = chunks(&response).pop().unwrap();
    assert_eq!((&last["choices"][0]["finish_reason"], &last["usage"]), (&json!(""), &json!({})));
    let whole = answered(Misbehave::FinishReason("content_filter"), CHAT, false).await.json();
    assert_eq!(whole["choices"][0]["finish_reason"], "content_filter");
    assert_eq!(whole["usage"], json!({}));
    let last = answered(Misbehave::FinishReason(""), OLLAMA, true).await.lines().pop().unwrap();
    assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("")));
    assert!(last["eval_count"].is_null());
}

#[tokio::test]
async fn a_huge_answer_has_at_least_so_many_bytes_and_an_end() {
    let size = 3_000_000;
    for path in [CHAT, OLLAMA] {
        let response = answered(Misbehave::HugeAnswer(size), path, true).await;
        let said = response.said();
        assert!(said.starts_with("Ответ [1].") && said.len() >= size);
        assert!(response.chunks.iter().all(|chunk| chunk.len() < 10_000), "in many frames");
        let response = answered(Misbehave::HugeAnswer(size), path, false).await;
        assert!(response.bytes().len() >= size && response.json().is_object());
    }
}

#[tokio::test]
async fn an_endless_answer_ends_with_its_client() {
    let models = FakeModels::start().await;
    models.always(Misbehave::HugeAnswer(usize::MAX));
    for stream in [true, false] {
        let mut client = Client::connect(&models).await;
        client.send(CHAT, &chat("?", stream)).await;
        assert!(client.head().await.contains("chunked"));
        let mut seen = 0;
        while seen < 10_000_000 {
            seen += client.chunk().await.expect("open").expect("no end").len();
        }
    }
    until("both are gone", || models.cancelled() == 2).await;
}

#[tokio::test]
async fn a_line_can_be_huge() {
    let size = 3_000_000;
    let response = answered(Misbehave::HugeLine(size), CHAT, true).await;
    assert!(response.events().iter().any(|event| event.len() >= size));
    assert!(response.said().starts_with("Ответ [1]. ыы"));
    let response = answered(Misbehave::HugeLine(size), OLLAMA, true).await;
    assert!(response.text().lines().any(|line| line.len() >= size));
    let response = answered(Misbehave::HugeLine(size), CHAT, false).await;
    assert!(response.json()["choices"][0]["message"]["content"].as_str().unwrap().len() >= size);
}

#[tokio::test]
async fn a_model_can_think_in_a_field_of_its_own() {
    let response = answered(Misbehave::ReasoningContent, CHAT, true).await;
    assert_eq!(response.said(), "Ответ [1].");
    let chunks = chunks(&response);
    let thought = |chunk: &Value| chunk["choices"][0]["delta"]["reasoning_content"].is_string();
    assert!(thought(&chunks[1]), "after the role");
    assert!(
        !chunks.iter().any(|chunk| thought(chunk) && chunk["choices"][0]["delta"]["content"].is_string())
    );
    let whole = answered(Misbehave::ReasoningContent, CHAT, false).await.json();
    assert!(whole["choices"][0]["message"]["reasoning_content"].is_string());
    let response = answered(Misbehave::ReasoningContent, OLLAMA, true).await;
    assert_eq!(response.said(), "Ответ [1].");
    assert!(response.lines()[0]["message"]["thinking"].is_string());
}

#[tokio::test]
async fn a_model_can_think_in_the_text_itself() {
    for path in [CHAT, OLLAMA] {
        let said = answered(Misbehave::ThinkBlock, path, true).await.said();
        let (thought, text) = said.split_once("</think>").expect("a block that ends");
        assert!(thought.starts_with("<think>"));
        assert_eq!(text.trim_start(), "Ответ [1].");
    }
}
