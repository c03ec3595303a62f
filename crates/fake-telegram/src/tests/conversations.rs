//! Drafts, typing, and the first reaction that a person sees.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{ANN, Bot, GROUP, until};
use crate::Limits;

fn draft(id: i64, text: &str) -> Value {
    json!({ "chat_id": ANN, "draft_id": id, "text": text })
}

#[tokio::test]
async fn a_draft_grows_and_ends_with_the_message() {
    let mut bot = Bot::start().await;
    for text in ["", "Hel", "Hello"] {
        bot.ok("sendMessageDraft", draft(5, text)).await;
    }
    assert_eq!(bot.telegram.drafts_on_screen(ANN), ["Hello"]);
    assert_eq!(bot.telegram.visible_messages(), 0);
    bot.send(ANN, "Hello!").await;
    let drafts = bot.telegram.drafts(ANN);
    assert_eq!(drafts.len(), 1);
    assert_eq!(
        (drafts[0].draft_id, drafts[0].texts.as_slice()),
        (5, ["", "Hel", "Hello"].map(String::from).as_slice())
    );
    assert!(drafts[0].ended.is_some());
    assert!(bot.telegram.drafts_on_screen(ANN).is_empty());
    assert_eq!(bot.telegram.late_drafts(), 0);
}

#[tokio::test]
async fn a_late_frame_shows_again_and_changes_no_message() {
    let mut bot = Bot::start().await;
    bot.ok("sendMessageDraft", draft(5, "Hel")).await;
    bot.send(ANN, "Hello!").await;
    bot.ok("sendMessageDraft", draft(5, "Hello")).await;
    bot.ok("sendMessageDraft", draft(5, "Hello!")).await;
    bot.ok("sendMessageDraft", draft(6, "the next turn")).await;
    assert_eq!(bot.telegram.late_drafts(), 1);
    assert_eq!(bot.telegram.drafts_on_screen(ANN), ["Hello!", "the next turn"]);
    assert_eq!(bot.telegram.seen(ANN)[0].texts, ["Hello!"]);
}

#[tokio::test]
async fn a_draft_goes_away_by_itself() {
    let mut bot = Bot::with(Limits { time_scale: 0.002, ..Limits::default() }).await;
    bot.ok("sendMessageDraft", draft(5, "Hel")).await;
    let telegram = bot.telegram.clone();
    until("it went away", || telegram.drafts_on_screen(ANN).is_empty()).await;
    bot.ok("sendMessageDraft", draft(5, "Hello")).await;
    assert_eq!((telegram.drafts(ANN).len(), telegram.late_drafts()), (2, 0));
}

#[tokio::test]
async fn drafts_are_for_private_chats_and_have_a_number() {
    let mut bot = Bot::start().await;
    bot.refused(400, "sendMessageDraft", json!({ "chat_id": GROUP, "draft_id": 1, "text": "x" })).await;
    bot.refused(400, "sendMessageDraft", draft(0, "x")).await;
    bot.refused(400, "sendMessageDraft", draft(1, &"x".repeat(4097))).await;
    bot.ok("sendMessageDraft", draft(-1, "x")).await;
}

#[tokio::test]
async fn the_first_reaction_is_the_first_thing_seen() {
    let mut bot = Bot::start().await;
    let asked = Instant::now();
    assert_eq!(bot.telegram.first_reaction(ANN, asked), None);
    bot.ok("sendChatAction", json!({ "chat_id": ANN, "action": "typing" })).await;
    let typing = bot.telegram.first_reaction(ANN, asked).unwrap();
    assert_eq!(bot.telegram.typing(ANN), [typing]);
    bot.ok("sendMessageDraft", draft(1, "x")).await;
    bot.send(ANN, "x").await;
    assert_eq!(bot.telegram.first_reaction(ANN, asked), Some(typing));
    let drafted = bot.telegram.first_reaction(ANN, typing + Duration::from_nanos(1)).unwrap();
    assert_eq!(drafted, bot.telegram.drafts(ANN)[0].at);
    let sent = bot.telegram.seen(ANN)[0].at;
    assert_eq!(bot.telegram.first_reaction(ANN, drafted + Duration::from_nanos(1)), Some(sent));
    let why = bot.refused(400, "sendChatAction", json!({ "chat_id": ANN, "action": "yawning" })).await;
    assert_eq!(why, "Bad Request: wrong parameter action in request");
}
