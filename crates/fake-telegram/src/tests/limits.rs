//! Flood limits: they are there, `retry_after` is the truth, and who ignores it is caught.

use std::time::{Duration, Instant};

use serde_json::json;

use super::client::{ANN, Bot, GROUP, until};
use crate::{Limits, Misbehaviour};

/// One of Telegram's seconds takes a tenth of ours.
fn quick() -> Limits {
    Limits { time_scale: 0.1, grace: Duration::ZERO, ..Limits::default() }
}

async fn send(bot: &mut Bot, chat: i64) -> Option<u64> {
    let (status, body) = bot.call("sendMessage", json!({ "chat_id": chat, "text": "x" })).await;
    match status {
        200 => None,
        429 => {
            let wait = body["parameters"]["retry_after"].as_u64().expect("whole seconds");
            assert_eq!(body["description"], format!("Too Many Requests: retry after {wait}"));
            Some(wait)
        }
        other => panic!("{other}: {body}"),
    }
}

async fn passed(from: Instant, seconds: f64) {
    until("the pause is over", || from.elapsed() > Duration::from_secs_f64(seconds)).await;
}

#[tokio::test]
async fn a_person_gets_three_at_once_and_then_one_a_second() {
    let mut bot = Bot::with(Limits::default()).await;
    for _ in 0..3 {
        assert_eq!(send(&mut bot, ANN).await, None);
    }
    let refused = Instant::now();
    assert_eq!(send(&mut bot, ANN).await, Some(1));
    passed(refused, 1.01).await;
    assert_eq!(send(&mut bot, ANN).await, None);
    assert_eq!(send(&mut bot, ANN).await, Some(1));
    assert_eq!((bot.telegram.limited(), bot.telegram.violations()), (2, 0));
    assert_eq!(bot.telegram.calls("sendMessage"), 6);
    assert_eq!(bot.telegram.call_times_of("sendMessage").len(), 6);
}

#[tokio::test]
async fn a_call_before_its_time_is_a_violation_and_extends_the_pause() {
    let mut bot = Bot::with(Limits { grace: Duration::ZERO, ..Limits::default() }).await;
    bot.telegram.misbehave([Misbehaviour::Limit(2)]);
    assert_eq!(send(&mut bot, ANN).await, Some(2));
    assert_eq!(send(&mut bot, ANN).await, Some(3));
    assert_eq!(send(&mut bot, ANN).await, Some(4));
    assert_eq!((bot.telegram.limited(), bot.telegram.violations()), (3, 2));
    // Another chat has nothing to do with it, nor have drafts.
    assert_eq!(send(&mut bot, GROUP).await, None);
    bot.ok("sendMessageDraft", json!({ "chat_id": ANN, "draft_id": 1, "text": "x" })).await;
}

#[tokio::test]
async fn what_was_under_way_is_refused_without_blame() {
    let mut bot = Bot::with(Limits { grace: Duration::from_mins(1), ..Limits::default() }).await;
    bot.telegram.misbehave([Misbehaviour::Limit(2)]);
    assert_eq!(send(&mut bot, ANN).await, Some(2));
    assert_eq!(send(&mut bot, ANN).await, Some(2));
    assert_eq!((bot.telegram.limited(), bot.telegram.violations()), (2, 0));
}

#[tokio::test]
async fn a_group_gets_twenty_a_minute_edits_and_topics_included() {
    let mut bot = Bot::with(Limits { group_window: Duration::from_secs(20), ..quick() }).await;
    let topic = bot.telegram.create_topic(GROUP, "Ann");
    let first = Instant::now();
    let id = bot.send(GROUP, "0").await;
    for count in 1..20 {
        if count % 2 == 0 {
            let edit = json!({ "chat_id": GROUP, "message_id": id, "text": count.to_string() });
            bot.ok("editMessageText", edit).await;
        } else {
            let message = json!({ "chat_id": GROUP, "message_thread_id": topic, "text": "x" });
            bot.ok("sendMessage", message).await;
        }
    }
    let wait = send(&mut bot, GROUP).await.unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    passed(first, 2.11).await;
    assert_eq!(send(&mut bot, GROUP).await, None);
}

#[tokio::test]
async fn all_chats_together_get_so_many_a_second() {
    let mut bot = Bot::with(Limits { overall: 5, ..Limits::default() }).await;
    for draft in 1..=5 {
        bot.ok("sendMessageDraft", json!({ "chat_id": ANN, "draft_id": draft, "text": "x" })).await;
    }
    assert_eq!(send(&mut bot, GROUP).await, Some(1));
    bot.ok("getMe", json!({})).await;
}

#[tokio::test]
async fn what_is_refused_costs_nothing_and_not_modified_does() {
    let mut bot = Bot::with(Limits { chat_burst: 2, ..Limits::default() }).await;
    for _ in 0..5 {
        bot.refused(400, "sendMessage", json!({ "chat_id": ANN, "text": " " })).await;
    }
    let id = bot.send(ANN, "x").await;
    let same = json!({ "chat_id": ANN, "message_id": id, "text": "x" });
    assert!(bot.refused(400, "editMessageText", same).await.contains("not modified"));
    assert_eq!(send(&mut bot, ANN).await, Some(1));
}

#[tokio::test]
async fn retry_after_has_a_floor() {
    let mut bot = Bot::with(Limits { chat_burst: 1, retry_after_floor: 4, ..Limits::default() }).await;
    assert_eq!(send(&mut bot, ANN).await, None);
    assert_eq!(send(&mut bot, ANN).await, Some(4));
}

#[tokio::test]
async fn a_storm_takes_its_share_and_passes() {
    let mut bot =
        Bot::with(Limits { time_scale: 0.000_001, chat_burst: 1000, overall: 1_000_000, ..quick() }).await;
    bot.telegram.storm(Duration::from_mins(1), 0.3);
    let mut hit = 0;
    for _ in 0..300 {
        if let Some(wait) = send(&mut bot, ANN).await {
            assert!((1..=3).contains(&wait));
            hit += 1;
        }
    }
    assert!((60..=120).contains(&hit), "{hit}");
    bot.telegram.storm(Duration::ZERO, 1.0);
    assert_eq!(send(&mut bot, ANN).await, None);
}
