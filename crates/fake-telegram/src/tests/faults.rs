//! Planned misbehaviour, tokens, and speed.

use std::time::{Duration, Instant};

use serde_json::json;

use super::client::{ANN, Bot, post};
use crate::Limits;
use crate::Misbehaviour::{
    BadGateway, Behave, CutAfter, CutBefore, Fault, Forbidden, Garbage, Refuse, Stall,
};

#[tokio::test]
async fn a_cut_connection_tells_nothing_about_the_message() {
    let mut bot = Bot::start().await;
    let message = json!({ "chat_id": ANN, "text": "x" });
    bot.telegram.misbehave([Behave, CutBefore, CutAfter]);
    bot.ok("getMe", json!({})).await;
    bot.ok("sendMessage", message.clone()).await;
    assert!(bot.try_call("sendMessage", message.clone()).await.is_none());
    assert_eq!(bot.telegram.visible_messages(), 1);
    let mut bot = Bot::at(&bot.telegram).await;
    assert!(bot.try_call("sendMessage", message).await.is_none());
    assert_eq!(bot.telegram.visible_messages(), 2);
    assert_eq!(bot.telegram.misbehaviours_left(), 0);
    assert_eq!(bot.telegram.calls("sendMessage"), 3);
}

#[tokio::test]
async fn faults_come_with_and_without_sense() {
    let mut bot = Bot::start().await;
    let message = json!({ "chat_id": ANN, "text": "x" });
    bot.telegram.misbehave([Fault, BadGateway, Garbage, Forbidden, Refuse("Bad Request: WHATEVER")]);
    assert_eq!(bot.refused(500, "sendMessage", message.clone()).await, "Internal Server Error");
    let page = bot.try_raw("sendMessage", message.clone()).await.unwrap();
    assert_eq!(page.status(), Some(502));
    assert!(page.body.starts_with(b"<html>"));
    assert_eq!(bot.telegram.visible_messages(), 0);
    let garbage = bot.try_raw("sendMessage", message.clone()).await.unwrap();
    assert_eq!(garbage.status(), Some(200));
    assert!(serde_json::from_slice::<serde_json::Value>(&garbage.body).is_err());
    assert_eq!(bot.telegram.visible_messages(), 1);
    let why = bot.refused(403, "sendMessage", message.clone()).await;
    assert_eq!(why, "Forbidden: bot was blocked by the user");
    assert_eq!(bot.refused(400, "sendMessage", message.clone()).await, "Bad Request: WHATEVER");
    bot.ok("sendMessage", message).await;
}

#[tokio::test]
async fn a_plan_for_a_method_is_for_that_method_alone() {
    let mut bot = Bot::start().await;
    bot.telegram.misbehave_for("sendChatAction", [Fault]);
    bot.telegram.misbehave_for("sendMessage", [Stall(Duration::from_millis(80))]);
    let begun = Instant::now();
    bot.send(ANN, "x").await;
    assert!(begun.elapsed() >= Duration::from_millis(80));
    let typing = json!({ "chat_id": ANN, "action": "typing" });
    bot.refused(500, "sendChatAction", typing.clone()).await;
    bot.ok("sendChatAction", typing).await;
    assert_eq!(bot.telegram.typing(ANN).len(), 1);
}

#[tokio::test]
async fn the_token_and_the_method_must_be_right() {
    let mut bot = Bot::start().await;
    let answer = bot.exchange(&post("/bot1:wrong/getMe", "{}")).await.unwrap();
    assert_eq!(answer.status(), Some(401));
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body, json!({ "ok": false, "error_code": 401, "description": "Unauthorized" }));
    bot.refused(404, "sendLove", json!({})).await;
    assert_eq!(bot.exchange(&post("/elsewhere", "{}")).await.unwrap().status(), Some(404));
    let path = format!("/bot{}/sendMessage", bot.telegram.token());
    assert_eq!(bot.exchange(&post(&path, "{\"chat_id\":")).await.unwrap().status(), Some(400));
}

#[tokio::test]
async fn get_and_forms_are_understood() {
    let mut bot = Bot::start().await;
    let token = bot.telegram.token();
    let get = format!("GET /bot{token}/getMe HTTP/1.1\r\nhost: x\r\n\r\n");
    let body: serde_json::Value = serde_json::from_slice(&bot.exchange(&get).await.unwrap().body).unwrap();
    assert_eq!(body["result"]["id"], bot.telegram.bot_id());
    assert_eq!(body["result"]["username"], bot.telegram.username());
    let form = "chat_id=7&text=caf%C3%A9+au+lait&reply_markup=%7B%22inline_keyboard%22%3A%5B%5D%7D";
    let length = form.len();
    let request = format!(
        "POST /bot{token}/sendMessage HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n{form}"
    );
    assert_eq!(bot.exchange(&request).await.unwrap().status(), Some(200));
    let get = format!("GET /bot{token}/sendMessage?chat_id=7&text=hi HTTP/1.1\r\n\r\n");
    assert_eq!(bot.exchange(&get).await.unwrap().status(), Some(200));
    assert_eq!(bot.telegram.screen(ANN), ["café au lait", "hi"]);
}

#[tokio::test]
async fn it_is_fast_enough_to_be_measured_against() {
    let mut bot = Bot::with(Limits { chat_burst: 100_000, overall: 100_000, ..Limits::default() }).await;
    let begun = Instant::now();
    for _ in 0..1000 {
        bot.send(ANN, "x").await;
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(3), "1,000 calls one after another took {took:?}");
}
