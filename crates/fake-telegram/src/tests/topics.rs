//! Forum topics.

use serde_json::json;

use super::client::{ANN, Bot, GROUP};

#[tokio::test]
async fn a_topic_is_opened_written_to_closed_and_deleted() {
    let mut bot = Bot::start().await;
    let topic = bot.ok("createForumTopic", json!({ "chat_id": GROUP, "name": "Ann" })).await;
    let id = topic["message_thread_id"].as_i64().unwrap();
    let message = json!({ "chat_id": GROUP, "message_thread_id": id, "text": "x" });
    let sent = bot.ok("sendMessage", message.clone()).await;
    assert_eq!((&sent["message_thread_id"], &sent["is_topic_message"]), (&json!(id), &json!(true)));
    bot.send(GROUP, "general").await;
    assert_eq!(bot.telegram.screen_in(GROUP, id), ["x"]);
    let of = json!({ "chat_id": GROUP, "message_thread_id": id });
    bot.ok("closeForumTopic", of.clone()).await;
    let why = bot.refused(400, "closeForumTopic", of.clone()).await;
    assert_eq!(why, "Bad Request: TOPIC_NOT_MODIFIED");
    // The bot is an administrator: a closed topic is open to it.
    bot.ok("sendMessage", message.clone()).await;
    bot.ok("reopenForumTopic", of.clone()).await;
    let mut rename = of.clone();
    rename["name"] = "Ann B.".into();
    bot.ok("editForumTopic", rename.clone()).await;
    assert_eq!(bot.refused(400, "editForumTopic", rename).await, "Bad Request: TOPIC_NOT_MODIFIED");
    bot.ok("deleteForumTopic", of.clone()).await;
    let why = bot.refused(400, "sendMessage", message).await;
    assert_eq!(why, "Bad Request: message thread not found");
    assert_eq!(bot.refused(400, "reopenForumTopic", of).await, "Bad Request: TOPIC_ID_INVALID");
    let topics = bot.telegram.topics(GROUP);
    assert_eq!((topics[0].name.as_str(), topics[0].closed, topics[0].deleted), ("Ann B.", false, true));
}

#[tokio::test]
async fn a_topic_that_people_deleted_is_found_out_by_sending() {
    let mut bot = Bot::start().await;
    let id = bot.telegram.create_topic(GROUP, "Ann");
    bot.telegram.delete_topic(GROUP, id);
    for thread in [id, 1, 999] {
        let message = json!({ "chat_id": GROUP, "message_thread_id": thread, "text": "x" });
        assert_eq!(bot.refused(400, "sendMessage", message).await, "Bad Request: message thread not found");
    }
    assert_eq!(bot.telegram.undelivered(), 0);
}

#[tokio::test]
async fn topics_need_a_forum_and_the_right_to_manage_them() {
    let mut bot = Bot::start().await;
    let why = bot.refused(400, "createForumTopic", json!({ "chat_id": ANN, "name": "x" })).await;
    assert_eq!(why, "Bad Request: the chat is not a forum");
    let why = bot.refused(400, "createForumTopic", json!({ "chat_id": GROUP, "name": " " })).await;
    assert_eq!(why, "Bad Request: topic name is empty");
    bot.telegram.allow_topics(GROUP, false);
    let why = bot.refused(400, "createForumTopic", json!({ "chat_id": GROUP, "name": "x" })).await;
    assert_eq!(why, "Bad Request: not enough rights to manage topics");
}
