//! What people do, as it looks in updates.

use serde_json::{Value, json};

use super::client::{ANN, Bot, GROUP};
use crate::{FakeTelegram, Say};

fn message(telegram: &FakeTelegram, update: i64) -> Value {
    telegram.update(update).unwrap()["message"].clone()
}

#[tokio::test]
async fn a_private_message_looks_like_telegrams() {
    let bot = Bot::start().await;
    let said =
        message(&bot.telegram, bot.telegram.say(ANN, "/start@vectora_test_bot x 😀 @somebody a@mail.org"));
    assert_eq!(said["chat"], json!({ "id": ANN, "type": "private", "first_name": "Ann" }));
    assert_eq!(
        said["from"],
        json!({ "id": ANN, "is_bot": false, "first_name": "Ann", "language_code": "en" })
    );
    assert!(said["date"].as_u64().unwrap() > 1_700_000_000);
    assert_eq!(
        said["entities"],
        json!([
            { "type": "bot_command", "offset": 0, "length": 23 },
            { "type": "mention", "offset": 29, "length": 9 },
        ])
    );
    assert!(message(&bot.telegram, bot.telegram.say(ANN, "plain")).get("entities").is_none());
}

#[tokio::test]
async fn media_albums_forwards_and_replies_are_told() {
    let mut bot = Bot::start().await;
    let telegram = bot.telegram.clone();
    let photo = telegram.say_with(Say::by(ANN).photo("p1").album("g").text("Look at @vectora_test_bot"));
    let photo = message(&telegram, photo);
    assert_eq!(photo["photo"][1]["file_id"], "p1");
    assert_eq!(photo["media_group_id"], "g");
    assert_eq!(photo["caption_entities"][0]["type"], "mention");
    assert!(photo.get("text").is_none());
    let document =
        message(&telegram, telegram.say_with(Say::by(ANN).document("d", "a.pdf", "application/pdf")));
    assert_eq!(document["document"]["file_name"], "a.pdf");
    let voice = message(&telegram, telegram.say_with(Say::by(ANN).voice("v")));
    assert_eq!(voice["voice"]["file_id"], "v");
    let sticker = message(&telegram, telegram.say_with(Say::by(ANN).sticker("s", "👍")));
    assert_eq!(sticker["sticker"]["emoji"], "👍");
    let forward = message(&telegram, telegram.say_with(Say::by(ANN).text("x").forwarded_from("Zed")));
    assert_eq!(forward["forward_origin"]["sender_user_name"], "Zed");
    let answer = bot.send(ANN, "the answer").await;
    let reply = telegram.say_with(Say::by(ANN).text("what?").reply_to(answer).quote("answer"));
    let reply = message(&telegram, reply);
    assert_eq!(reply["reply_to_message"]["text"], "the answer");
    assert_eq!(reply["reply_to_message"]["from"]["id"], telegram.bot_id());
    assert_eq!(reply["quote"]["text"], "answer");
}

#[tokio::test]
async fn in_a_topic_everything_replies_to_its_beginning() {
    let bot = Bot::start().await;
    let topic = bot.telegram.create_topic(GROUP, "Ann");
    let said = bot.telegram.say_with(Say::by(ANN).in_chat(GROUP).topic(topic).text("x"));
    let said = message(&bot.telegram, said);
    assert_eq!((&said["message_thread_id"], &said["is_topic_message"]), (&json!(topic), &json!(true)));
    assert_eq!(said["reply_to_message"]["forum_topic_created"]["name"], "Ann");
    assert_eq!(said["chat"]["is_forum"], true);
}

#[tokio::test]
async fn an_anonymous_administrator_speaks_as_the_group() {
    let bot = Bot::start().await;
    let said = bot.telegram.say_with(Say::by(ANN).in_chat(GROUP).text("/close").anonymously());
    let said = message(&bot.telegram, said);
    assert_eq!(said["sender_chat"]["id"], GROUP);
    assert_eq!(said["from"]["username"], "GroupAnonymousBot");
    assert!(!said.to_string().contains("Ann"));
}

#[tokio::test]
async fn an_edited_message_keeps_its_id() {
    let bot = Bot::start().await;
    let said = bot.telegram.say(ANN, "tow");
    let update = bot.telegram.edit(said, "two");
    let edited = bot.telegram.update(update).unwrap()["edited_message"].clone();
    assert_eq!(edited["text"], "two");
    assert_eq!(edited["message_id"], bot.telegram.message_of(said));
    assert!(edited["edit_date"].is_u64());
    assert_eq!(message(&bot.telegram, said)["text"], "tow");
}

#[tokio::test]
async fn a_pressed_button_wants_an_answer() {
    let mut bot = Bot::start().await;
    let id = bot.send(ANN, "Choose").await;
    let update = bot.telegram.press(ANN, ANN, id, "yes");
    let query = bot.telegram.update(update).unwrap()["callback_query"].clone();
    assert_eq!((&query["data"], &query["message"]["text"]), (&json!("yes"), &json!("Choose")));
    bot.ok("answerCallbackQuery", json!({ "callback_query_id": query["id"], "text": "Thanks" })).await;
    assert_eq!(bot.telegram.callback_answers()[0].text.as_deref(), Some("Thanks"));
    let why = bot.refused(400, "answerCallbackQuery", json!({ "callback_query_id": "1" })).await;
    assert!(why.starts_with("Bad Request: query is too old"), "{why}");
}

#[tokio::test]
async fn who_blocked_the_bot_gets_nothing_until_unblocked() {
    let mut bot = Bot::start().await;
    let message = json!({ "chat_id": ANN, "text": "x" });
    bot.telegram.block(ANN);
    let why = bot.refused(403, "sendMessage", message.clone()).await;
    assert_eq!(why, "Forbidden: bot was blocked by the user");
    bot.telegram.unblock(ANN);
    bot.ok("sendMessage", message).await;
    bot.telegram.kick(GROUP);
    let why = bot.refused(403, "sendMessage", json!({ "chat_id": GROUP, "text": "x" })).await;
    assert_eq!(why, "Forbidden: bot was kicked from the supergroup chat");
}

#[tokio::test]
async fn a_migrated_group_tells_its_new_id() {
    let mut bot = Bot::start().await;
    bot.telegram.group(-55, "Team", false);
    let to = bot.telegram.migrate(-55);
    assert_eq!(to, -1_000_000_000_055);
    let updates = bot.ok("getUpdates", json!({})).await;
    assert_eq!(updates[0]["message"]["migrate_to_chat_id"], to);
    assert_eq!(updates[1]["message"]["migrate_from_chat_id"], -55);
    let (status, body) = bot.call("sendMessage", json!({ "chat_id": -55, "text": "x" })).await;
    assert_eq!((status, &body["parameters"]["migrate_to_chat_id"]), (400, &json!(to)));
    bot.send(to, "x").await;
}

#[tokio::test]
async fn files_of_messages_are_downloaded() {
    let mut bot = Bot::start().await;
    bot.telegram.say_with(Say::by(ANN).document("d", "a.txt", "text/plain"));
    bot.telegram.file("d", "hello");
    let file = bot.ok("getFile", json!({ "file_id": "d" })).await;
    assert_eq!(file["file_size"], 5);
    let path = format!("/file/bot{}/{}", bot.telegram.token(), file["file_path"].as_str().unwrap());
    let answer = bot.exchange(&format!("GET {path} HTTP/1.1\r\n\r\n")).await.unwrap();
    assert_eq!((answer.status(), answer.body.as_slice()), (Some(200), b"hello".as_slice()));
    let why = bot.refused(400, "getFile", json!({ "file_id": "unknown" })).await;
    assert_eq!(why, "Bad Request: invalid file_id");
    bot.telegram.file("big", vec![0; 20 * 1024 * 1024 + 1]);
    let why = bot.refused(400, "getFile", json!({ "file_id": "big" })).await;
    assert_eq!(why, "Bad Request: file is too big");
}
