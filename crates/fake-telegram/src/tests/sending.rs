//! Sends, edits and copies, and what is refused.

use serde_json::json;

use super::client::{ANN, Bot, GROUP};
use crate::Say;

#[tokio::test]
async fn a_message_is_seen_and_an_edit_replaces_it() {
    let mut bot = Bot::start().await;
    let id = bot.send(ANN, "…").await;
    let edited =
        bot.ok("editMessageText", json!({ "chat_id": ANN, "message_id": id, "text": "Hello" })).await;
    assert_eq!(edited["text"], "Hello");
    assert!(edited["edit_date"].is_u64());
    let seen = bot.telegram.seen(ANN);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].texts, ["…", "Hello"]);
    assert_eq!(seen[0].edited.len(), 1);
    assert_eq!(bot.telegram.screen(ANN), ["Hello"]);
    assert_eq!(bot.telegram.showing(ANN, "Hello"), 1);
    assert_eq!(bot.telegram.visible_messages(), 1);
}

#[tokio::test]
async fn the_same_edit_again_is_not_modified() {
    let mut bot = Bot::start().await;
    let markup = json!({ "inline_keyboard": [[{ "text": "Yes", "callback_data": "y" }]] });
    let edit = json!({
        "chat_id": ANN, "message_id": bot.send(ANN, "…").await, "text": "Hi",
        "entities": [{ "type": "bold", "offset": 0, "length": 2 }], "reply_markup": markup,
    });
    bot.ok("editMessageText", edit.clone()).await;
    let why = bot.refused(400, "editMessageText", edit.clone()).await;
    assert_eq!(
        why,
        "Bad Request: message is not modified: specified new message content and reply markup are exactly the \
         same as a current content and reply markup of the message"
    );
    let mut other = edit;
    other["entities"][0]["type"] = "italic".into();
    bot.ok("editMessageText", other).await;
    assert_eq!(bot.telegram.seen(ANN)[0].texts, ["…", "Hi"]);
    assert_eq!(bot.telegram.seen(ANN)[0].buttons[0].callback_data.as_deref(), Some("y"));
}

#[tokio::test]
async fn only_the_bots_own_messages_are_edited() {
    let mut bot = Bot::start().await;
    let update = bot.telegram.say(ANN, "mine");
    let theirs = bot.telegram.message_of(update);
    let edit = |id: i64| json!({ "chat_id": ANN, "message_id": id, "text": "x" });
    assert_eq!(bot.refused(400, "editMessageText", edit(99)).await, "Bad Request: message to edit not found");
    assert_eq!(
        bot.refused(400, "editMessageText", edit(theirs)).await,
        "Bad Request: message can't be edited"
    );
    let photo = bot.telegram.say_with(Say::by(ANN).photo("p"));
    let copy = json!({ "chat_id": ANN, "from_chat_id": ANN, "message_id": bot.telegram.message_of(photo) });
    let id = bot.ok("copyMessage", copy).await["message_id"].as_i64().unwrap();
    let why = bot.refused(400, "editMessageText", edit(id)).await;
    assert_eq!(why, "Bad Request: there is no text in the message to edit");
}

#[tokio::test]
async fn the_keyboard_is_edited_alone() {
    let mut bot = Bot::start().await;
    let id = bot.send(ANN, "Choose").await;
    let keyboard = |data: &str| {
        json!({ "chat_id": ANN, "message_id": id, "reply_markup":
            { "inline_keyboard": [[{ "text": "A", "callback_data": data }]] } })
    };
    bot.ok("editMessageReplyMarkup", keyboard("a")).await;
    assert!(bot.refused(400, "editMessageReplyMarkup", keyboard("a")).await.contains("not modified"));
    bot.ok("editMessageReplyMarkup", json!({ "chat_id": ANN, "message_id": id })).await;
    assert!(bot.telegram.seen(ANN)[0].buttons.is_empty());
}

#[tokio::test]
async fn texts_are_between_one_and_4096_units() {
    let mut bot = Bot::start().await;
    let send = |text: String| json!({ "chat_id": ANN, "text": text });
    let why = bot.refused(400, "sendMessage", json!({ "chat_id": ANN })).await;
    assert_eq!(why, "Bad Request: message text is empty");
    assert_eq!(
        bot.refused(400, "sendMessage", send(" \n ".into())).await,
        "Bad Request: text must be non-empty"
    );
    // 2,049 characters of two units each.
    let why = bot.refused(400, "sendMessage", send("😀".repeat(2049))).await;
    assert_eq!(why, "Bad Request: message is too long");
    bot.ok("sendMessage", send("😀".repeat(2048))).await;
    let mut bold = send(format!("<b>{}</b>", "a".repeat(4096)));
    bold["parse_mode"] = "HTML".into();
    bot.ok("sendMessage", bold).await;
}

#[tokio::test]
async fn text_is_trimmed_and_its_entities_move_along() {
    let mut bot = Bot::start().await;
    let entities = json!([{ "type": "bold", "offset": 0, "length": 6 }]);
    bot.ok("sendMessage", json!({ "chat_id": ANN, "text": "  bold \n", "entities": entities })).await;
    let seen = &bot.telegram.seen(ANN)[0];
    assert_eq!(seen.text(), "bold");
    assert_eq!(seen.entities, [json!({ "type": "bold", "offset": 0, "length": 4 })]);
}

#[tokio::test]
async fn buttons_are_counted_in_bytes() {
    let mut bot = Bot::start().await;
    let send = |chat: i64, button: serde_json::Value| json!({ "chat_id": chat, "text": "x", "reply_markup": { "inline_keyboard": [[button]] } });
    let data = |data: String| json!({ "text": "B", "callback_data": data });
    bot.ok("sendMessage", send(ANN, data("я".repeat(32)))).await;
    for wrong in [String::new(), "я".repeat(33), "a".repeat(65)] {
        let why = bot.refused(400, "sendMessage", send(ANN, data(wrong))).await;
        assert_eq!(why, "Bad Request: BUTTON_DATA_INVALID");
    }
    let why = bot.refused(400, "sendMessage", send(ANN, json!({ "text": "B" }))).await;
    assert!(why.contains("Text buttons are unallowed"), "{why}");
    let app = json!({ "text": "B", "web_app": { "url": "https://example.com" } });
    bot.ok("sendMessage", send(ANN, app.clone())).await;
    let why = bot.refused(400, "sendMessage", send(GROUP, app)).await;
    assert_eq!(why, "Bad Request: BUTTON_TYPE_INVALID");
}

#[tokio::test]
async fn a_reply_needs_its_message() {
    let mut bot = Bot::start().await;
    let asked = bot.telegram.say(ANN, "How much is it?");
    let asked = bot.telegram.message_of(asked);
    let reply = |parameters: serde_json::Value| json!({ "chat_id": ANN, "text": "5", "reply_parameters": parameters });
    let sent = bot.ok("sendMessage", reply(json!({ "message_id": asked, "quote": "How much" }))).await;
    assert_eq!(sent["reply_to_message"]["text"], "How much is it?");
    assert_eq!(bot.telegram.seen(ANN)[0].reply_to, Some(asked));
    let why = bot.refused(400, "sendMessage", reply(json!({ "message_id": 99 }))).await;
    assert_eq!(why, "Bad Request: message to be replied not found");
    let anyway = json!({ "message_id": 99, "allow_sending_without_reply": true });
    bot.ok("sendMessage", reply(anyway)).await;
    let wrong = json!({ "message_id": asked, "quote": "How many" });
    assert_eq!(bot.refused(400, "sendMessage", reply(wrong)).await, "Bad Request: QUOTE_TEXT_INVALID");
}

#[tokio::test]
async fn a_copy_takes_text_and_media_along() {
    let mut bot = Bot::start().await;
    let text = bot
        .telegram
        .say_with(Say::by(ANN).text("bold").entity(json!({ "type": "bold", "offset": 0, "length": 4 })));
    let photo = bot.telegram.say_with(Say::by(ANN).photo("p1").text("Look"));
    let copy = |id: i64| json!({ "chat_id": GROUP, "from_chat_id": ANN, "message_id": id });
    let text = bot.telegram.message_of(text);
    bot.ok("copyMessage", copy(text)).await;
    bot.ok("copyMessage", copy(bot.telegram.message_of(photo))).await;
    let mut captioned = copy(bot.telegram.message_of(photo));
    captioned["caption"] = "c".repeat(1024).into();
    bot.ok("copyMessage", captioned.clone()).await;
    captioned["caption"] = "c".repeat(1025).into();
    let why = bot.refused(400, "copyMessage", captioned).await;
    assert_eq!(why, "Bad Request: message caption is too long");
    let seen = bot.telegram.seen(GROUP);
    assert_eq!(seen[0].from_copy, Some((ANN, text)));
    assert_eq!(seen[0].entities.len(), 1);
    assert_eq!((seen[1].media.as_deref(), seen[1].text()), (Some("photo"), "Look"));
    let why = bot.refused(400, "copyMessage", copy(99)).await;
    assert_eq!(why, "Bad Request: message to copy not found");
}

#[tokio::test]
async fn what_is_seen_twice_is_counted() {
    let mut bot = Bot::start().await;
    for text in ["…", "…", "same", "same", "same", "other"] {
        bot.send(ANN, text).await;
    }
    bot.send(GROUP, "same").await;
    assert_eq!(bot.telegram.duplicates(), 2);
    assert_eq!(bot.telegram.visible_messages(), 7);
}

#[tokio::test]
async fn an_unknown_chat_is_not_found() {
    let mut bot = Bot::start().await;
    let why = bot.refused(400, "sendMessage", json!({ "chat_id": 12345, "text": "x" })).await;
    assert_eq!(why, "Bad Request: chat not found");
    let why = bot.refused(400, "sendMessage", json!({ "text": "x" })).await;
    assert_eq!(why, "Bad Request: chat_id is empty");
    bot.ok("sendMessage", json!({ "chat_id": ANN.to_string(), "text": "x" })).await;
}
