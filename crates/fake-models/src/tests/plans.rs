//! Which call meets which misbehaviour.

use super::client::{Client, chat, embed};
use crate::{FakeModels, Kind, Misbehave};

const CHAT: &str = "/v1/chat/completions";
const EMBED: &str = "/v1/embeddings";

#[tokio::test]
async fn misbehaviours_queue_up_and_then_it_is_well_again() {
    let models = FakeModels::start().await;
    let mut client = Client::connect(&models).await;
    for misbehave in [Misbehave::Status(500), Misbehave::Well, Misbehave::Status(503)] {
        models.next(misbehave);
    }
    for status in [500, 200, 503, 200] {
        assert_eq!(client.call(CHAT, &chat("?", false)).await.status, status);
    }
    assert_eq!(models.misbehaviours_left(), 0);
}

#[tokio::test]
async fn a_misbehaviour_waits_for_a_call_that_it_fits() {
    let models = FakeModels::start().await;
    let mut client = Client::connect(&models).await;
    models.next(Misbehave::WrongDimension(3));
    models.next(Misbehave::Status(500));
    assert_eq!(client.call(CHAT, &chat("?", false)).await.status, 500);
    assert_eq!(models.misbehaviours_left(), 1);
    let answer = client.call(EMBED, &embed(&["a"])).await.json();
    assert_eq!(answer["data"][0]["embedding"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn neither_a_refused_call_nor_a_list_eats_a_plan() {
    let models = FakeModels::start().await;
    let mut client = Client::connect(&models).await;
    models.next(Misbehave::Status(500));
    let mut unknown = chat("?", false);
    unknown["model"] = "nobody".into();
    assert_eq!(client.call(CHAT, &unknown).await.status, 404);
    client.send_as("GET", "/v1/models", "", b"").await;
    assert_eq!(client.response().await.status, 200);
    assert_eq!(client.call(CHAT, &chat("?", false)).await.status, 500);
    assert_eq!((models.chats().len(), models.calls()), (1, 3));
}

#[tokio::test]
async fn what_is_always_wrong_is_so_until_it_is_well() {
    let models = FakeModels::start().await;
    let mut client = Client::connect(&models).await;
    models.always_for(Kind::Chat, Misbehave::Status(500));
    models.next_for(Kind::Chat, Misbehave::Status(429));
    for status in [429, 500, 500] {
        assert_eq!(client.call(CHAT, &chat("?", false)).await.status, status);
    }
    assert_eq!(client.call(EMBED, &embed(&["a"])).await.status, 200);
    models.always(Misbehave::Status(502));
    assert_eq!(client.call(EMBED, &embed(&["a"])).await.status, 502);
    client.send_as("GET", "/api/tags", "", b"").await;
    assert_eq!(client.response().await.status, 502);
    models.well();
    assert_eq!(client.call(CHAT, &chat("?", false)).await.status, 200);
}

#[tokio::test]
async fn only_the_last_calls_are_kept_if_one_says_so() {
    let models = FakeModels::start().await;
    let mut client = Client::connect(&models).await;
    models.keep_last(2);
    for text in ["a", "b", "c"] {
        client.call(CHAT, &chat(text, false)).await;
    }
    let kept: Vec<String> = models.chats().iter().map(|call| call.messages[0].1.clone()).collect();
    assert_eq!((kept.as_slice(), models.calls()), (["b".to_owned(), "c".to_owned()].as_slice(), 3));
}
