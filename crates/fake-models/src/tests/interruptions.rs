//! Silence and cuts, before an answer, in its head and in its middle.

use super::client::{Client, Fate, chat, embed, until};
use crate::{FakeModels, Kind, Misbehave};

const CHAT: &str = "/v1/chat/completions";
const OLLAMA: &str = "/api/chat";

async fn saying(answer: &'static str) -> FakeModels {
    let models = FakeModels::start().await;
    models.says(move |_| answer.to_owned());
    models
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn silence_before_the_answer_ends_when_the_client_leaves() {
    let models = saying("x").await;
    for (left, (path, body)) in
        [(CHAT, chat("?", true)), (OLLAMA, chat("?", false)), ("/v1/embeddings", embed(&["a"]))]
            .into_iter()
            .enumerate()
    {
        models.next(Misbehave::StallBefore);
        let mut client = Client::connect(&models).await;
        client.send(path, &body).await;
        until("the call has come", || models.in_flight() == 1).await;
        client.stays_silent().await;
        assert_eq!((models.in_flight(), models.cancelled()), (1, left));
        drop(client);
        until("the fake sees that the client is gone", || models.cancelled() == left + 1).await;
        assert_eq!(models.in_flight(), 0);
    }
}

#[tokio::test]
async fn silence_in_the_headers_leaves_half_a_header() {
    let models = saying("x").await;
    models.next(Misbehave::StallHeaders);
    let mut client = Client::connect(&models).await;
    client.send(CHAT, &chat("?", true)).await;
    assert_eq!(client.up_to("content-ty").await, "HTTP/1.1 200 X\r\ncontent-ty");
    client.stays_silent().await;
    assert_eq!(models.in_flight(), 1);
}

#[tokio::test]
async fn silence_in_the_middle_comes_after_so_many_tokens() {
    let models = saying("111122223333").await;
    models.always(Misbehave::StallMiddle(2));
    for path in [CHAT, OLLAMA] {
        let mut client = Client::connect(&models).await;
        client.send(path, &chat("?", true)).await;
        // The token, and what is left of its frame.
        client.up_to("2222").await;
        client.chunk_end().await;
        client.stays_silent().await;
        assert_eq!(models.in_flight(), 1);
        drop(client);
        until("it is over", || models.in_flight() == 0).await;
    }
    assert_eq!(models.cancelled(), 2);
}

#[tokio::test]
async fn what_is_not_streamed_falls_silent_after_half_of_its_length() {
    let models = saying("111122223333").await;
    for (path, body) in [(CHAT, chat("?", false)), ("/api/embed", embed(&["a"]))] {
        let whole = Client::connect(&models).await.call(path, &body).await.bytes();
        models.next(Misbehave::StallMiddle(1));
        let mut client = Client::connect(&models).await;
        client.send(path, &body).await;
        assert!(client.head().await.contains(&format!("content-length: {}\r\n", whole.len())));
        assert_eq!(client.exactly(whole.len() / 2).await, Ok(whole[..whole.len() / 2].to_vec()));
        client.stays_silent().await;
    }
}

#[tokio::test]
async fn a_cut_before_the_answer_is_a_reset() {
    let models = saying("x").await;
    models.always(Misbehave::CutBefore);
    for (path, body) in [(CHAT, chat("?", true)), ("/api/embed", embed(&["a"]))] {
        let mut client = Client::connect(&models).await;
        client.send(path, &body).await;
        assert_eq!(client.rest().await, (Vec::new(), Fate::Reset));
    }
    // It was the fake that ended them.
    assert_eq!((models.in_flight(), models.cancelled()), (0, 0));
}

#[tokio::test]
async fn a_cut_in_the_middle_is_a_reset_after_so_many_tokens() {
    let models = saying("111122223333").await;
    models.always(Misbehave::CutMiddle(2));
    for path in [CHAT, OLLAMA] {
        let mut client = Client::connect(&models).await;
        client.send(path, &chat("?", true)).await;
        let (bytes, fate) = client.rest().await;
        assert_eq!(fate, Fate::Reset);
        assert!(has(&bytes, "2222") && !has(&bytes, "3333") && !bytes.ends_with(b"0\r\n\r\n"));
    }
    let mut client = Client::connect(&models).await;
    client.send("/v1/embeddings", &embed(&["a"])).await;
    let (bytes, fate) = client.rest().await;
    assert!(fate == Fate::Reset && has(&bytes, "HTTP/1.1 200"));
}

#[tokio::test]
async fn an_end_in_the_middle_is_good_http_without_the_api_s_own_end() {
    let models = saying("111122223333").await;
    models.always(Misbehave::EndMiddle(2));
    let mut client = Client::connect(&models).await;
    let response = client.call(CHAT, &chat("?", true)).await;
    assert_eq!(response.said(), "11112222");
    assert!(!response.text().contains("[DONE]") && !response.text().contains("stop"));
    let response = client.call(OLLAMA, &chat("?", true)).await;
    assert_eq!(response.said(), "11112222");
    assert!(response.lines().iter().all(|line| line["done"] == false));
    let response = client.call("/v1/embeddings", &embed(&["a"])).await;
    assert!(serde_json::from_slice::<serde_json::Value>(&response.bytes()).is_err());
}

#[tokio::test]
async fn a_client_that_leaves_a_stream_is_counted_once() {
    let models = saying("слово за слово ").await;
    models.tokens_per_second(0.01);
    let mut client = Client::connect(&models).await;
    client.send(CHAT, &chat("?", true)).await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    assert_eq!((models.in_flight(), models.cancelled()), (1, 0));
    drop(client);
    until("the fake sees that the client is gone", || models.cancelled() == 1).await;
    assert_eq!((models.in_flight(), models.most_in_flight()), (0, 1));
}

#[tokio::test]
async fn keep_alives_come_for_ever_and_mean_nothing() {
    let models = saying("x").await;
    models.always(Misbehave::KeepAliveComments(std::time::Duration::from_millis(1)));
    for (path, body, idle) in [
        (CHAT, chat("?", true), ": ping\n\n"),
        (OLLAMA, chat("?", true), "\n"),
        (OLLAMA, chat("?", false), " "),
        ("/v1/embeddings", embed(&["a"]), " "),
    ] {
        let mut client = Client::connect(&models).await;
        client.send(path, &body).await;
        assert!(client.head().await.contains("chunked"));
        for _ in 0..20 {
            assert_eq!(client.chunk().await, Ok(Some(idle.as_bytes().to_vec())));
        }
    }
    until("all are gone", || models.cancelled() == 4).await;
}

#[tokio::test]
async fn a_list_can_fall_silent_too() {
    let models = saying("x").await;
    models.next_for(Kind::List, Misbehave::StallBefore);
    let mut client = Client::connect(&models).await;
    client.send_as("GET", "/v1/models", "", b"").await;
    until("the call has come", || models.calls() == 1).await;
    client.stays_silent().await;
    // It is no work.
    assert_eq!(models.in_flight(), 0);
}
