//! What a client gets that does everything right from a server that does too.

use serde_json::{Value, json};

use super::client::{Client, chat, embed};
use crate::{Api, EMBEDDING_MODEL, FakeModels, bag_of_words, tokens};

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn an_openai_chat_is_streamed_token_by_token_and_ends_with_done() {
    let models = FakeModels::start().await;
    models.says(|call| format!("Да, {} [1].", call.messages[0].1));
    let mut client = Client::connect(&models).await;
    let mut body = chat("конечно", true);
    body["stream_options"] = json!({ "include_usage": true });
    let response = client.call(CHAT, &body).await;
    assert_eq!(response.status, 200);
    assert!(response.head.contains("content-type: text/event-stream"));
    assert_eq!(response.said(), "Да, конечно [1].");
    let events = response.events();
    assert_eq!(events.last().map(String::as_str), Some("[DONE]"));
    let usage: Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["completion_tokens"], tokens("Да, конечно [1]."));
    let finish: Value = serde_json::from_str(&events[events.len() - 3]).unwrap();
    assert_eq!((&finish["choices"][0]["finish_reason"], &finish["usage"]), (&json!("stop"), &Value::Null));
    // The role, the pieces, the reason, the usage, the end: a frame is a chunk.
    assert_eq!(response.chunks.len(), 1 + tokens("Да, конечно [1].") + 3);
    // And the connection is still good.
    let response = client.call(CHAT, &chat("да", false)).await;
    assert_eq!(response.json()["choices"][0]["message"]["content"], "Да, да [1].");
    let calls = models.chats();
    assert_eq!((calls.len(), calls[0].stream, calls[1].stream), (2, true, false));
    assert_eq!((calls[0].api, calls[0].last_of("user")), (Api::OpenAi, Some("конечно")));
    assert_eq!((models.calls(), models.calls_of(CHAT)), (2, 2));
    assert_eq!((models.in_flight(), models.most_in_flight(), models.cancelled()), (0, 1, 0));
}

#[tokio::test]
async fn an_ollama_chat_is_streamed_in_lines_unless_it_is_told_not_to() {
    let models = FakeModels::start().await;
    models.says(|_| "Сбросьте пароль [1].".to_owned());
    let mut client = Client::connect(&models).await;
    let mut body = chat("как?", true);
    drop(body.as_object_mut().unwrap().remove("stream"));
    let response = client.call("/api/chat", &body).await;
    assert!(response.head.contains("application/x-ndjson"));
    assert_eq!(response.said(), "Сбросьте пароль [1].");
    let lines = response.lines();
    let (last, pieces) = lines.split_last().unwrap();
    assert!(pieces.iter().all(|line| line["done"] == false));
    assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("stop")));
    assert_eq!(last["eval_count"], tokens("Сбросьте пароль [1]."));
    assert_eq!(last["prompt_eval_count"], models.chats()[0].prompt_tokens);
    let whole = client.call("/api/chat", &chat("как?", false)).await.json();
    assert_eq!(whole["message"]["content"], "Сбросьте пароль [1].");
    assert_eq!(whole["done"], true);
    assert_eq!(models.chats()[0].api, Api::Ollama);
}

#[tokio::test]
async fn an_answer_stops_at_the_tokens_that_were_asked_for() {
    let models = FakeModels::start().await;
    models.says(|_| "abcdabcdabcd".to_owned());
    let mut client = Client::connect(&models).await;
    for name in ["max_tokens", "max_completion_tokens"] {
        let mut body = chat("x", false);
        body[name] = json!(2);
        let answer = client.call(CHAT, &body).await.json();
        assert_eq!(answer["choices"][0]["message"]["content"], "abcdabcd");
        assert_eq!(answer["choices"][0]["finish_reason"], "length");
        assert_eq!(answer["usage"]["completion_tokens"], 2);
    }
    let mut body = chat("x", false);
    body["options"] = json!({ "num_predict": 1 });
    let answer = client.call("/api/chat", &body).await.json();
    assert_eq!((&answer["message"]["content"], &answer["done_reason"]), (&json!("abcd"), &json!("length")));
}

#[tokio::test]
async fn embeddings_are_the_same_in_both_apis_and_both_encodings() {
    let models = FakeModels::start().await;
    models.dimension(8);
    models.normalised(false);
    let mut client = Client::connect(&models).await;
    let expected = json!([bag_of_words("Сброс пароля", 8), bag_of_words("delivery", 8)]);
    let texts = ["Сброс пароля", "delivery"];
    let openai = client.call("/v1/embeddings", &embed(&texts)).await.json();
    let vectors: Vec<&Value> =
        openai["data"].as_array().unwrap().iter().map(|one| &one["embedding"]).collect();
    let ollama = client.call("/api/embed", &embed(&texts)).await.json();
    let floats =
        |value: &Value| -> Vec<Option<f64>> { value.as_array().unwrap().iter().map(Value::as_f64).collect() };
    for place in 0..2 {
        assert_eq!(floats(vectors[place]), floats(&expected[place]));
        assert_eq!(floats(&ollama["embeddings"][place]), floats(&expected[place]));
    }
    let body =
        json!({ "model": EMBEDDING_MODEL, "input": "a", "encoding_format": "base64", "dimensions": 1 });
    models.embeds(|_, dimension| vec![1.5; dimension]);
    let answer = client.call("/v1/embeddings", &body).await.json();
    assert_eq!(answer["data"][0]["embedding"], "AADAPw==");
    let calls = models.embedded();
    assert_eq!((calls.len(), calls[0].inputs.len(), calls[2].base64), (3, 2, true));
    assert_eq!(calls[2].dimensions, Some(1));
}

#[tokio::test]
async fn both_apis_say_which_models_there_are() {
    let models = FakeModels::start().await;
    models.chat_models(&["llama3:8b"]);
    models.embedding_models(&["bge-m3"]);
    let mut client = Client::connect(&models).await;
    client.send_as("GET", "/v1/models", "", b"").await;
    let list = client.response().await.json();
    assert_eq!((&list["data"][0]["id"], &list["data"][1]["id"]), (&json!("llama3:8b"), &json!("bge-m3")));
    client.send_as("GET", "/api/tags", "", b"").await;
    let list = client.response().await.json();
    assert_eq!(list["models"][1]["name"], "bge-m3:latest");
    client.send_as("GET", "/api/version", "", b"").await;
    assert!(client.response().await.json()["version"].is_string());
}
