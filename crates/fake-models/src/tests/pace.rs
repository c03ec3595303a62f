//! How fast, and how many at once.

use std::time::{Duration, Instant};

use super::client::{Client, chat, embed};
use crate::pace::Pace;
use crate::settings::Settings;
use crate::{FakeModels, tokens};

const CHAT: &str = "/v1/chat/completions";
const ANSWER: &str = "1111222233334444555566667777888899990000";

async fn time_of(models: &FakeModels, path: &str, body: &serde_json::Value) -> Duration {
    let mut client = Client::connect(models).await;
    let start = Instant::now();
    assert_eq!(client.call(path, body).await.status, 200);
    start.elapsed()
}

#[tokio::test]
async fn an_answer_takes_the_time_of_its_tokens_streamed_or_not() {
    let models = FakeModels::start().await;
    models.says(|_| ANSWER.to_owned());
    models.tokens_per_second(50.0);
    models.first_token_after(Duration::from_millis(60));
    models.embedded_after(Duration::from_millis(70));
    assert_eq!(tokens(ANSWER), 10);
    for path in [CHAT, "/api/chat"] {
        for stream in [true, false] {
            // Nine intervals between ten tokens.
            let time = time_of(&models, path, &chat("?", stream)).await;
            assert!(time >= Duration::from_millis(240), "{time:?}");
        }
    }
    let time = time_of(&models, "/api/embed", &embed(&["a"])).await;
    assert!(time >= Duration::from_millis(70), "{time:?}");
}

#[tokio::test]
async fn when_a_token_is_due_depends_on_no_other_token() {
    let settings = Settings { tokens_per_second: Some(30.0), ..Settings::default() };
    let pace = Pace::of(&settings);
    assert_eq!(pace.due(30 * 3600) - pace.due(0), Duration::from_hours(1));
    let pace = Pace::of(&Settings::default());
    assert_eq!(pace.due(1_000_000), pace.due(0));
}

#[tokio::test]
async fn hundreds_of_streams_run_at_once_at_their_pace() {
    let models = FakeModels::start().await;
    models.says(|_| ANSWER.to_owned());
    // Slow to begin, so that all are there before one can end.
    models.first_token_after(Duration::from_secs(1));
    models.tokens_per_second(30.0);
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(Client::connect(&models).await);
    }
    let start = Instant::now();
    for client in &mut clients {
        client.send(CHAT, &chat("?", true)).await;
    }
    for client in &mut clients {
        assert_eq!(client.response().await.said(), ANSWER);
    }
    assert!(start.elapsed() >= Duration::from_millis(1300));
    assert_eq!((models.chats().len(), models.in_flight(), models.most_in_flight()), (200, 0, 200));
}

#[tokio::test]
async fn who_sends_one_after_the_other_is_never_seen_with_two() {
    let models = FakeModels::start().await;
    // A connection each, so that nothing but the fake's own order keeps them apart.
    for stream in [true, false].into_iter().cycle().take(100) {
        Client::connect(&models).await.call(CHAT, &chat("?", stream)).await;
    }
    assert_eq!((models.most_in_flight(), models.cancelled()), (1, 0));
}
