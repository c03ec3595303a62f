//! Statuses that are not 200, and errors that hide behind one.

use serde_json::{Value, json};

use super::client::{Client, chat, embed};
use crate::{FakeModels, Kind, Misbehave};

const CHAT: &str = "/v1/chat/completions";

fn all() -> [(&'static str, Value); 5] {
    [
        (CHAT, chat("?", true)),
        (CHAT, chat("?", false)),
        ("/api/chat", chat("?", true)),
        ("/v1/embeddings", embed(&["a"])),
        ("/api/embed", embed(&["a"])),
    ]
}

#[tokio::test]
async fn too_many_says_when_to_come_back_in_whatever_words_it_was_given() {
    let models = FakeModels::start().await;
    let mut client = Client::connect(&models).await;
    for wait in [Some("2"), Some("Wed, 21 Oct 2065 07:28:00 GMT"), Some("31536000"), Some("soon"), None] {
        for (path, body) in all() {
            models.next(Misbehave::TooMany { retry_after: wait.map(str::to_owned) });
            let response = client.call(path, &body).await;
            assert_eq!(response.status, 429);
            let header = response.head.lines().find_map(|line| line.strip_prefix("retry-after: "));
            assert_eq!(header, wait);
            assert!(!response.json()["error"].is_null());
        }
    }
}

#[tokio::test]
async fn no_quota_is_a_429_of_another_code() {
    let models = FakeModels::start().await;
    models.next(Misbehave::OutOfQuota);
    let response = Client::connect(&models).await.call(CHAT, &chat("?", true)).await;
    let error = &response.json()["error"];
    assert_eq!((response.status, &error["code"]), (429, &json!("insufficient_quota")));
    assert_eq!(error["type"], "insufficient_quota");
}

#[tokio::test]
async fn a_status_comes_with_an_error_in_the_form_of_its_api() {
    let models = FakeModels::start().await;
    let mut client = Client::connect(&models).await;
    for status in [400, 401, 403, 404, 408, 500, 503] {
        models.always(Misbehave::Status(status));
        for (path, body) in all() {
            let response = client.call(path, &body).await;
            assert_eq!(response.status, status);
            let error = &response.json()["error"];
            let message = if path.starts_with("/v1") { &error["message"] } else { error };
            assert!(message.is_string(), "{path}");
        }
    }
    models.well();
    assert_eq!(client.call(CHAT, &chat("?", false)).await.status, 200);
}

#[tokio::test]
async fn a_proxy_answers_with_a_page() {
    let models = FakeModels::start().await;
    models.always(Misbehave::NotJson);
    let mut client = Client::connect(&models).await;
    for (path, body) in all() {
        let response = client.call(path, &body).await;
        assert_eq!(response.status, 502);
        assert!(response.head.contains("content-type: text/html"));
        assert!(response.text().starts_with("<html>"));
    }
}

#[tokio::test]
async fn garbage_is_neither_json_nor_utf_8_with_a_good_status() {
    let models = FakeModels::start().await;
    models.always(Misbehave::Garbage);
    let mut client = Client::connect(&models).await;
    for (path, body) in all() {
        let response = client.call(path, &body).await;
        assert_eq!(response.status, 200);
        assert!(String::from_utf8(response.bytes()).is_err());
    }
}

#[tokio::test]
async fn an_error_in_a_stream_comes_after_so_many_tokens() {
    let models = FakeModels::start().await;
    models.says(|_| "111122223333".to_owned());
    models.always(Misbehave::ErrorInStream(2));
    let mut client = Client::connect(&models).await;
    let response = client.call(CHAT, &chat("?", true)).await;
    assert_eq!((response.status, response.said().as_str()), (200, "11112222"));
    let events = response.events();
    let error: Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
    assert!(error["error"]["message"].is_string());
    assert_eq!(events.last().map(String::as_str), Some("[DONE]"));
    let response = client.call("/api/chat", &chat("?", true)).await;
    assert_eq!((response.status, response.said().as_str()), (200, "11112222"));
    assert!(response.lines().last().unwrap()["error"].is_string());
}

#[tokio::test]
async fn an_error_can_be_all_of_a_200() {
    let models = FakeModels::start().await;
    models.always(Misbehave::ErrorInStream(0));
    let mut client = Client::connect(&models).await;
    for (path, body) in [(CHAT, chat("?", false)), ("/v1/embeddings", embed(&["a"]))] {
        let response = client.call(path, &body).await;
        assert_eq!(response.status, 200);
        assert!(response.json()["error"]["message"].is_string());
    }
}

#[tokio::test]
async fn a_redirect_leads_where_a_follower_is_seen() {
    let models = FakeModels::start().await;
    models.next_for(Kind::Chat, Misbehave::Redirect);
    let mut client = Client::connect(&models).await;
    let response = client.call(CHAT, &chat("?", true)).await;
    let location = response.head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    let port = models.inner.address.port();
    assert_eq!((response.status, location), (307, format!("http://localhost:{port}/elsewhere").as_str()));
    assert_eq!(models.calls_of("/elsewhere"), 0);
    client.call("/elsewhere", &chat("?", true)).await;
    assert_eq!(models.calls_of("/elsewhere"), 1);
}
