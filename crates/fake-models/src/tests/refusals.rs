//! What the real ones refuse, in their words.

use serde_json::{Value, json};

use super::client::{Client, chat, embed};
use crate::{CHAT_MODEL, EMBEDDING_MODEL, FakeModels, Limits};

const CHAT: &str = "/v1/chat/completions";
const EMBED: &str = "/v1/embeddings";

async fn openai(models: &FakeModels, path: &str, body: &Value) -> (u16, Value) {
    let response = Client::connect(models).await.call(path, body).await;
    let error = response.json()["error"].clone();
    if response.status != 200 {
        assert!(error["message"].is_string() && error["type"].is_string(), "{error}");
        assert!(error.get("param").is_some() && error.get("code").is_some(), "{error}");
    }
    (response.status, error["code"].clone())
}

async fn ollama(models: &FakeModels, path: &str, body: &Value) -> (u16, String) {
    let response = Client::connect(models).await.call(path, body).await;
    (response.status, response.json()["error"].as_str().unwrap_or_default().to_owned())
}

/// A chat with one field set.
fn with(field: &str, value: Value) -> Value {
    let mut body = chat("?", false);
    body[field] = value;
    body
}

#[tokio::test]
async fn a_key_is_asked_for_once_there_is_one_but_not_by_ollama() {
    let models = FakeModels::start().await;
    models.key("sk-secret-0123456789");
    let mut client = Client::connect(&models).await;
    let body = chat("?", false).to_string();
    for (header, status, code) in [
        ("", 401, Value::Null),
        ("authorization: Basic sk-secret-0123456789\r\n", 401, Value::Null),
        ("authorization: Bearer sk-wrong-0123456789\r\n", 401, json!("invalid_api_key")),
        ("authorization: Bearer sk-secret-0123456789\r\n", 200, Value::Null),
    ] {
        client.send_as("POST", CHAT, header, body.as_bytes()).await;
        let response = client.response().await;
        assert_eq!((response.status, &response.json()["error"]["code"]), (status, &code), "{header}");
    }
    assert_eq!(client.call("/api/chat", &chat("?", false)).await.status, 200);
    assert_eq!(models.chats().len(), 2);
}

#[tokio::test]
async fn an_unknown_model_is_not_found_in_either_api() {
    let models = FakeModels::start().await;
    let unknown = with("model", json!("nobody"));
    assert_eq!(openai(&models, CHAT, &unknown).await, (404, json!("model_not_found")));
    let (status, error) = ollama(&models, "/api/chat", &unknown).await;
    assert_eq!((status, error.as_str()), (404, "model 'nobody' not found"));
    let mut unknown = embed(&["a"]);
    unknown["model"] = json!("nobody");
    assert_eq!(openai(&models, EMBED, &unknown).await, (404, json!("model_not_found")));
    assert_eq!(ollama(&models, "/api/embed", &unknown).await.0, 404);
    // A name without a tag means the latest, in Ollama's API only.
    let tagged = with("model", json!(format!("{CHAT_MODEL}:latest")));
    assert_eq!(ollama(&models, "/api/chat", &tagged).await.0, 200);
    assert_eq!(openai(&models, CHAT, &tagged).await.0, 404);
}

#[tokio::test]
async fn a_model_does_only_what_it_is_for() {
    let models = FakeModels::start().await;
    let chat = with("model", json!(EMBEDDING_MODEL));
    let embed = json!({ "model": CHAT_MODEL, "input": "a" });
    assert_eq!(openai(&models, CHAT, &chat).await.0, 404);
    assert_eq!(openai(&models, EMBED, &embed).await.0, 403);
    assert_eq!(ollama(&models, "/api/chat", &chat).await.0, 400);
    assert_eq!(ollama(&models, "/api/embed", &embed).await.0, 501);
}

#[tokio::test]
async fn a_chat_is_read_as_strictly_as_openai_reads_it() {
    let models = FakeModels::start().await;
    let message = |role: &str, content: Value| json!([{ "role": role, "content": content }]);
    for (body, code) in [
        (with("messages", json!([])), json!("empty_array")),
        (with("messages", Value::Null), json!("invalid_type")),
        (with("messages", message("robot", json!("x"))), json!("invalid_value")),
        (with("messages", message("user", Value::Null)), json!("invalid_type")),
        (with("messages", message("user", json!([{ "type": "image_url" }]))), json!("invalid_type")),
        (with("max_tokens", json!(0)), json!("integer_below_min_value")),
        (with("max_completion_tokens", json!("5")), json!("integer_below_min_value")),
        (with("temperature", json!(2.5)), json!("decimal_above_max_value")),
        (with("stream", json!("yes")), json!("invalid_type")),
        (with("stream_options", json!({ "include_usage": true })), Value::Null),
        (with("response_format", json!({ "type": "json_object" })), Value::Null),
        (with("response_format", json!({ "type": "yaml" })), json!("invalid_value")),
        (with("num_ctx", json!(1)), Value::Null),
        (with("model", json!("")), Value::Null),
    ] {
        assert_eq!(openai(&models, CHAT, &body).await, (400, code), "{body}");
    }
    let mut both = with("max_tokens", json!(1));
    both["max_completion_tokens"] = json!(1);
    assert_eq!(openai(&models, CHAT, &both).await.0, 400);
    assert_eq!(models.chats().len(), 0);
    let parts = json!([{ "type": "text", "text": "answer in" }, { "type": "text", "text": "JSON" }]);
    let mut body = with("messages", message("user", parts));
    body["response_format"] = json!({ "type": "json_object" });
    assert_eq!(openai(&models, CHAT, &body).await.0, 200);
    assert_eq!((models.chats()[0].json, models.chats()[0].messages[0].1.as_str()), (true, "answer in\nJSON"));
}

#[tokio::test]
async fn a_prompt_above_the_window_is_refused_by_one_and_cut_by_the_other() {
    let models = FakeModels::start().await;
    models.limits(Limits { context_window: 20, ..Limits::default() });
    // Three, one for the role, twelve for the text, three more: 19.
    let fits = chat(&"x".repeat(48), false);
    assert_eq!(openai(&models, CHAT, &fits).await.0, 200);
    assert_eq!(models.chats()[0].prompt_tokens, 19);
    let long = chat(&"x".repeat(56), false);
    assert_eq!(openai(&models, CHAT, &long).await, (400, json!("context_length_exceeded")));
    let mut greedy = fits.clone();
    greedy["max_tokens"] = json!(2);
    assert_eq!(openai(&models, CHAT, &greedy).await, (400, json!("context_length_exceeded")));
    assert_eq!(ollama(&models, "/api/chat", &long).await.0, 200);
    let mut wide = long.clone();
    wide["options"] = json!({ "num_ctx": 100 });
    assert_eq!(ollama(&models, "/api/chat", &wide).await.0, 200);
    let calls = models.chats();
    assert_eq!((calls[1].truncated, calls[1].prompt_tokens, calls[2].truncated), (true, 20, false));
}

#[tokio::test]
async fn texts_to_embed_have_limits_each_and_together() {
    let models = FakeModels::start().await;
    models.limits(Limits { batch: 2, text: 3, batch_tokens: 5, ..Limits::default() });
    for (texts, status, code) in [
        (vec!["a", "b"], 200, Value::Null),
        (vec!["a", "b", "c"], 400, json!("array_above_max_length")),
        (vec!["1234123412345"], 400, json!("context_length_exceeded")),
        (vec!["123412341234", "123412341234"], 400, json!("max_tokens_per_request")),
        (vec!["a", ""], 400, Value::Null),
        (vec![], 400, Value::Null),
    ] {
        assert_eq!(openai(&models, EMBED, &embed(&texts)).await, (status, code), "{texts:?}");
    }
    for (field, value) in [
        ("dimensions", json!(257)),
        ("dimensions", json!(0)),
        ("encoding_format", json!("hex")),
        ("x", json!(1)),
    ] {
        let mut body = embed(&["a"]);
        body[field] = value;
        assert_eq!(openai(&models, EMBED, &body).await.0, 400, "{body}");
    }
    // Ollama cuts texts without a word, unless it must not, and takes any number of them, or none.
    let mut long = embed(&["1234123412345", "a", "b"]);
    assert_eq!(ollama(&models, "/api/embed", &long).await.0, 200);
    long["truncate"] = json!(false);
    assert_eq!(ollama(&models, "/api/embed", &long).await.0, 400);
    assert_eq!(ollama(&models, "/api/embed", &embed(&[])).await.0, 200);
    assert_eq!(models.embedded().len(), 3);
}

#[tokio::test]
async fn what_is_no_call_is_refused() {
    let models = FakeModels::start().await;
    let mut client = Client::connect(&models).await;
    for (method, path, body, status) in [
        ("GET", CHAT, "", 405),
        ("GET", "/api/embed", "", 405),
        ("POST", "/v1/completions", "{}", 404),
        ("POST", "/api/generate", "{}", 404),
        ("POST", CHAT, "{", 400),
        ("POST", CHAT, "[]", 400),
        ("POST", "/api/chat", "", 400),
        ("POST", "/api/chat", "{}", 400),
    ] {
        client.send_as(method, path, "", body.as_bytes()).await;
        let response = client.response().await;
        assert_eq!(response.status, status, "{method} {path} {body}");
        assert!(!response.json()["error"].is_null());
    }
}

#[tokio::test]
async fn an_ollama_chat_without_messages_loads_the_model() {
    let models = FakeModels::start().await;
    let answer =
        Client::connect(&models).await.call("/api/chat", &json!({ "model": CHAT_MODEL })).await.json();
    assert_eq!((&answer["done"], &answer["done_reason"]), (&json!(true), &json!("load")));
    assert_eq!(models.chats().len(), 0);
}
