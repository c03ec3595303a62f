//! Commands and descriptions.

use serde_json::json;

use super::client::Bot;

#[tokio::test]
async fn commands_and_descriptions_are_kept_for_each_language() {
    let mut bot = Bot::start().await;
    let commands = |description: &str| json!([{ "command": "start", "description": description }]);
    bot.ok("setMyCommands", json!({ "commands": commands("Begin") })).await;
    bot.ok("setMyCommands", json!({ "commands": commands("Начать"), "language_code": "ru" })).await;
    assert_eq!(bot.ok("getMyCommands", json!({ "language_code": "ru" })).await, commands("Начать"));
    assert_eq!(bot.ok("getMyCommands", json!({ "language_code": "de" })).await, json!([]));
    assert_eq!(bot.telegram.commands(""), [("start".to_owned(), "Begin".to_owned())]);
    bot.ok("setMyDescription", json!({ "description": "A bot" })).await;
    bot.ok("setMyShortDescription", json!({ "short_description": "Бот", "language_code": "ru" })).await;
    assert_eq!(bot.telegram.description("ru"), "A bot");
    assert_eq!(
        (bot.telegram.short_description("ru"), bot.telegram.short_description("en")),
        ("Бот".into(), String::new())
    );
}

#[tokio::test]
async fn wrong_commands_are_refused() {
    let mut bot = Bot::start().await;
    let wrong = json!({ "commands": [{ "command": "Start", "description": "x" }] });
    assert_eq!(bot.refused(400, "setMyCommands", wrong).await, "Bad Request: BOT_COMMAND_INVALID");
    bot.refused(400, "setMyCommands", json!({})).await;
    bot.refused(400, "setMyDescription", json!({ "description": "x".repeat(513) })).await;
    bot.refused(400, "setMyDescription", json!({ "language_code": "english" })).await;
}
