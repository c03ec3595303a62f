//! Updates that are polled.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{ANN, Bot, until};
use crate::in_background;

fn ids(updates: &Value) -> Vec<i64> {
    updates.as_array().unwrap().iter().map(|update| update["update_id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn an_offset_confirms_what_is_below_it() {
    let mut bot = Bot::start().await;
    let [a, b, c] = ["a", "b", "c"].map(|text| bot.telegram.say(ANN, text));
    assert!(a < b && b < c);
    assert_eq!(ids(&bot.ok("getUpdates", json!({ "limit": 2 })).await), [a, b]);
    // Nothing was confirmed: a poller that died gets them again.
    assert_eq!(ids(&bot.ok("getUpdates", json!({})).await), [a, b, c]);
    assert_eq!(ids(&bot.ok("getUpdates", json!({ "offset": b })).await), [b, c]);
    assert_eq!(bot.telegram.confirmed(), 1);
    assert_eq!(ids(&bot.ok("getUpdates", json!({ "offset": -1 })).await), [c]);
    assert_eq!(ids(&bot.ok("getUpdates", json!({ "offset": c + 1 })).await), [0; 0]);
    assert_eq!((bot.telegram.confirmed(), bot.telegram.undelivered()), (3, 0));
}

#[tokio::test]
async fn a_long_poll_returns_with_the_first_update() {
    let mut bot = Bot::start().await;
    let telegram = bot.telegram.clone();
    in_background(async move {
        until("the poll waits", || telegram.calls("getUpdates") == 1).await;
        telegram.say(ANN, "Hi");
    });
    let begun = Instant::now();
    let updates = bot.ok("getUpdates", json!({ "timeout": 20 })).await;
    assert_eq!(updates[0]["message"]["text"], "Hi");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_long_poll_ends_with_nothing() {
    let mut bot = Bot::start().await;
    let begun = Instant::now();
    assert_eq!(bot.ok("getUpdates", json!({ "timeout": 1 })).await, json!([]));
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn of_two_pollers_the_older_must_go() {
    let mut older = Bot::start().await;
    let telegram = older.telegram.clone();
    let mut newer = Bot::at(&telegram).await;
    let (told, update) = tokio::join!(older.refused(409, "getUpdates", json!({ "timeout": 20 })), async {
        until("the older waits", || telegram.calls("getUpdates") == 1).await;
        let feeder = telegram.clone();
        in_background(async move {
            until("the newer waits", || feeder.calls("getUpdates") == 2).await;
            feeder.say(ANN, "Hi");
        });
        newer.ok("getUpdates", json!({ "timeout": 20 })).await
    });
    assert!(told.starts_with("Conflict: terminated by other getUpdates request"), "{told}");
    assert_eq!(update[0]["message"]["text"], "Hi");
}

#[tokio::test]
async fn a_webhook_ends_the_poll() {
    let mut poller = Bot::start().await;
    let telegram = poller.telegram.clone();
    let mut other = Bot::at(&telegram).await;
    let (told, ()) = tokio::join!(poller.refused(409, "getUpdates", json!({ "timeout": 20 })), async {
        until("the poll waits", || telegram.calls("getUpdates") == 1).await;
        other.ok("setWebhook", json!({ "url": "http://127.0.0.1:1/" })).await;
    });
    assert_eq!(told, "Conflict: terminated by setWebhook request");
}

#[tokio::test]
async fn only_what_was_asked_for_is_delivered_and_raw_updates_always() {
    let mut bot = Bot::start().await;
    bot.ok("getUpdates", json!({ "allowed_updates": ["my_chat_member"] })).await;
    bot.telegram.say(ANN, "unheard");
    bot.telegram.block(ANN);
    let id = bot.telegram.raw(json!({ "telepathy": { "thought": "?" } }));
    let updates = bot.ok("getUpdates", json!({})).await;
    assert_eq!(updates.as_array().unwrap().len(), 2);
    assert_eq!(updates[0]["my_chat_member"]["new_chat_member"]["status"], "kicked");
    assert_eq!(updates[1], json!({ "update_id": id, "telepathy": { "thought": "?" } }));
}

#[tokio::test]
async fn a_repeated_update_is_polled_once_more_whatever_the_offset() {
    let mut bot = Bot::start().await;
    let first = bot.telegram.say(ANN, "a");
    bot.ok("getUpdates", json!({ "offset": first + 1 })).await;
    bot.telegram.repeat(first);
    let second = bot.telegram.say(ANN, "b");
    assert_eq!(ids(&bot.ok("getUpdates", json!({ "offset": first + 1 })).await), [first, second]);
    assert_eq!(ids(&bot.ok("getUpdates", json!({ "offset": first + 1 })).await), [second]);
}
