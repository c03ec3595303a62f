//! Updates pushed to a server: in order, again and again, until each is taken.

use std::time::Duration;

use serde_json::json;

use super::client::{ANN, Bot, until};
use super::hook::Hook;

const BEN: i64 = 8;

async fn hooked() -> (Bot, Hook) {
    let mut bot = Bot::start().await;
    bot.telegram.person(BEN, "Ben", "");
    let hook = Hook::start().await;
    bot.ok("setWebhook", json!({ "url": hook.url, "secret_token": "s3cret_-" })).await;
    (bot, hook)
}

#[tokio::test]
async fn updates_come_with_the_secret_and_are_measured() {
    let (bot, hook) = hooked().await;
    let id = bot.telegram.say(ANN, "Hi");
    until("it was taken", || bot.telegram.undelivered() == 0).await;
    let came = hook.came();
    assert_eq!(came.len(), 1);
    assert_eq!(came[0].update["update_id"], id);
    assert_eq!(came[0].secret.as_deref(), Some("s3cret_-"));
    assert_eq!(bot.telegram.webhook_times().len(), 1);
    assert_eq!((bot.telegram.webhook_failures(), bot.telegram.confirmed()), (0, 1));
}

#[tokio::test]
async fn a_chat_waits_for_its_first_update_and_others_do_not() {
    let (bot, hook) = hooked().await;
    hook.hold();
    for text in ["a1", "a2", "a3"] {
        bot.telegram.say(ANN, text);
    }
    bot.telegram.say(BEN, "b1");
    until("two came", || hook.came().len() == 2).await;
    assert_eq!(hook.texts().iter().filter(|text| text.starts_with('a')).count(), 1);
    assert!(hook.texts().contains(&"b1".to_owned()));
    hook.release(1000);
    until("all were taken", || bot.telegram.undelivered() == 0).await;
    let texts = hook.texts();
    let anns: Vec<&String> = texts.iter().filter(|text| text.starts_with('a')).collect();
    assert_eq!(anns, ["a1", "a2", "a3"]);
}

#[tokio::test]
async fn no_more_connections_than_allowed() {
    let mut bot = Bot::start().await;
    let hook = Hook::start().await;
    hook.hold();
    bot.ok("setWebhook", json!({ "url": hook.url, "max_connections": 2 })).await;
    for person in 100..105 {
        bot.telegram.person(person, "P", "en");
        bot.telegram.say(person, "x");
    }
    until("two came", || hook.came().len() == 2).await;
    hook.release(1);
    until("a third came", || hook.came().len() == 3).await;
    assert_eq!(bot.telegram.undelivered(), 4);
    hook.release(1000);
    until("all were taken", || bot.telegram.undelivered() == 0).await;
}

#[tokio::test]
async fn what_is_not_taken_comes_again_with_growing_delay() {
    let (mut bot, hook) = hooked().await;
    hook.plan(["500", "cut", "503"]);
    bot.telegram.say(ANN, "first");
    bot.telegram.say(ANN, "second");
    until("all were taken", || bot.telegram.undelivered() == 0).await;
    assert_eq!(hook.texts(), ["first", "first", "first", "first", "second"]);
    let came = hook.came();
    let gaps: Vec<Duration> = came.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(gaps[0] >= Duration::from_millis(50) && gaps[1] >= Duration::from_millis(100), "{gaps:?}");
    assert!(gaps[2] >= Duration::from_millis(200), "{gaps:?}");
    assert_eq!(bot.telegram.webhook_failures(), 3);
    assert_eq!(bot.telegram.webhook_times().len(), 2);
    let info = bot.ok("getWebhookInfo", json!({})).await;
    assert_eq!(info["last_error_message"], "Wrong response from the webhook: 503");
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let (bot, hook) = hooked().await;
    hook.plan(["503 Retry-After: 1"]);
    bot.telegram.say(ANN, "x");
    until("it was taken", || bot.telegram.undelivered() == 0).await;
    let came = hook.came();
    let gap = came[1].at - came[0].at;
    assert!(gap >= Duration::from_millis(990), "{gap:?}");
}

#[tokio::test]
async fn gone_for_long_closes_the_webhook() {
    let (mut bot, hook) = hooked().await;
    hook.plan(["410 Retry-After: 0"; 5]);
    bot.telegram.say(ANN, "x");
    until("it gave up", || bot.telegram.webhook_failures() == 5).await;
    let info = bot.ok("getWebhookInfo", json!({})).await;
    assert_eq!((&info["url"], &info["pending_update_count"]), (&json!(""), &json!(1)));
    assert_eq!(bot.ok("getUpdates", json!({})).await[0]["message"]["text"], "x");
}

#[tokio::test]
async fn a_server_that_is_away_gets_everything_later() {
    let mut bot = Bot::start().await;
    bot.ok("setWebhook", json!({ "url": "http://127.0.0.1:1/hook" })).await;
    bot.telegram.say(ANN, "x");
    until("it failed", || bot.telegram.webhook_failures() >= 1).await;
    let hook = Hook::start().await;
    bot.ok("setWebhook", json!({ "url": hook.url })).await;
    until("it was taken", || bot.telegram.undelivered() == 0).await;
    assert_eq!(hook.texts(), ["x"]);
}

#[tokio::test]
async fn a_repeated_update_comes_twice() {
    let (bot, hook) = hooked().await;
    let id = bot.telegram.say(ANN, "x");
    bot.telegram.repeat(id);
    until("both were taken", || bot.telegram.undelivered() == 0).await;
    let ids: Vec<_> = hook.came().iter().map(|came| came.update["update_id"].clone()).collect();
    assert_eq!(ids, [json!(id), json!(id)]);
}

#[tokio::test]
async fn the_webhook_is_set_checked_and_deleted() {
    let mut bot = Bot::start().await;
    for (secret, why) in [
        ("with space".to_owned(), "Bad Request: secret token contains unallowed characters"),
        ("a".repeat(257), "Bad Request: secret token is too long"),
    ] {
        let wrong = json!({ "url": "http://127.0.0.1:1/", "secret_token": secret });
        assert_eq!(bot.refused(400, "setWebhook", wrong).await, why);
    }
    let why = bot.refused(400, "setWebhook", json!({ "url": "nonsense" })).await;
    assert_eq!(why, "Bad Request: invalid webhook URL specified");
    bot.ok("setWebhook", json!({ "url": "https://example.com/x", "allowed_updates": ["message"] })).await;
    let info = bot.ok("getWebhookInfo", json!({})).await;
    assert_eq!(info["url"], "https://example.com/x");
    assert_eq!((&info["max_connections"], &info["allowed_updates"]), (&json!(40), &json!(["message"])));
    let why = bot.refused(409, "getUpdates", json!({})).await;
    assert_eq!(
        why,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook \
         first"
    );
    bot.telegram.say(ANN, "x");
    bot.ok("deleteWebhook", json!({ "drop_pending_updates": true })).await;
    assert_eq!(bot.ok("getUpdates", json!({})).await, json!([]));
}
