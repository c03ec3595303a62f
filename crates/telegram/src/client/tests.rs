use std::net::TcpListener;

use contract::{Button, Chat, Content, CopyOf, Span, Style};

use super::*;
use crate::fake::{self, Fake, Reply, TOKEN};

const CHAT: Chat = Chat { bot: 7_000_000_001, chat: -100_200, topic: Some(7) };
const PATIENCE: Duration = Duration::from_secs(20);

#[expect(clippy::needless_pass_by_value, reason = "it is given what json! makes")]
fn done(result: Value) -> Reply {
    Reply::Json(200, json!({ "ok": true, "result": result }))
}

fn refused(status: u16, description: &str) -> Reply {
    Reply::Json(status, json!({ "ok": false, "error_code": status, "description": description }))
}

/// The error of a send that gets this answer. None of them may tell the token.
async fn error(reply: Reply) -> CallError {
    let fake = Fake::patient(vec![reply], Duration::from_millis(500));
    let error = fake.bot.send(CHAT, &Content::plain("секрет")).await.expect_err("it failed");
    discreet(&error);
    error
}

fn discreet(error: &CallError) {
    let text = format!("{error} {error:?}");
    assert!(!text.contains("secret_token") && !text.contains("секрет"), "{text}");
}

#[tokio::test]
async fn a_message_carries_its_place_formatting_and_buttons() {
    let fake = Fake::new(vec![done(json!({ "message_id": 42 }))]);
    let content = Content {
        text: "код и ссылка".to_owned(),
        spans: vec![
            Span { start: 0, length: 3, style: Style::Pre { language: Some("rust".to_owned()) } },
            Span { start: 6, length: 6, style: Style::Link { url: "https://example.org".to_owned() } },
        ],
        buttons: vec![vec![Button { label: "Да".to_owned(), action: "yes:1".to_owned() }]],
        reply_to: Some("41".to_owned()),
        copy_of: None,
    };
    assert_eq!(fake.bot.send(CHAT, &content).await.as_deref(), Ok("42"));
    let request = fake.requests().pop().expect("one");
    assert_eq!(request.path, format!("/bot{TOKEN}/sendMessage"));
    let expected = json!({
        "chat_id": -100_200,
        "message_thread_id": 7,
        "text": "код и ссылка",
        "link_preview_options": { "is_disabled": true },
        "entities": [
            { "type": "pre", "offset": 0, "length": 3, "language": "rust" },
            { "type": "text_link", "offset": 6, "length": 6, "url": "https://example.org" },
        ],
        "reply_parameters": { "message_id": 41, "allow_sending_without_reply": true },
        "reply_markup": { "inline_keyboard": [[{ "text": "Да", "callback_data": "yes:1" }]] },
    });
    assert_eq!(request.body, expected);
}

#[tokio::test]
async fn a_copy_names_the_chat_it_comes_from() {
    let fake = Fake::new(vec![done(json!({ "message_id": 5 }))]);
    let from = CopyOf { address: "7000000001:99".to_owned(), message: "3".to_owned() };
    let content = Content { copy_of: Some(from), ..Content::default() };
    assert_eq!(fake.bot.send(CHAT, &content).await.as_deref(), Ok("5"));
    let request = fake.requests().pop().expect("one");
    assert!(request.path.ends_with("/copyMessage"));
    let expected =
        json!({ "chat_id": -100_200, "message_thread_id": 7, "from_chat_id": 99, "message_id": 3 });
    assert_eq!(request.body, expected);
    let strange = CopyOf { address: "elsewhere".to_owned(), message: "3".to_owned() };
    let content = Content { copy_of: Some(strange), ..Content::default() };
    let bot = fake::bot("http://127.0.0.1:1", PATIENCE);
    assert!(matches!(bot.send(CHAT, &content).await, Err(CallError::Refused(_))));
}

#[tokio::test]
async fn formatting_that_cannot_be_read_is_left_out() {
    let cannot = || refused(400, "Bad Request: can't parse entities: unsupported URL");
    let fake =
        Fake::new(vec![cannot(), done(json!({ "message_id": 1 })), cannot(), done(json!(true)), cannot()]);
    let span = Span { start: 0, length: 1, style: Style::Bold };
    let bold = Content { spans: vec![span], ..Content::plain("b") };
    assert_eq!(fake.bot.send(CHAT, &bold).await.as_deref(), Ok("1"));
    assert_eq!(fake.bot.edit(CHAT, "1", &bold).await, Ok(()));
    // Plain text is not tried twice.
    assert_eq!(fake.bot.send(CHAT, &Content::plain("b")).await, Err(CallError::Unparsable));
    let formatted: Vec<bool> = fake.requests().iter().map(|one| one.body["entities"].is_array()).collect();
    assert_eq!(formatted, [true, false, true, false, false]);
}

#[tokio::test]
async fn an_edit_that_changes_nothing_is_a_success() {
    let not_modified = "Bad Request: message is not modified: specified new message content and reply markup are \
                        exactly the same as a current content and reply markup of the message";
    let fake = Fake::new(vec![
        refused(400, not_modified),
        refused(400, "Bad Request: TOPIC_NOT_MODIFIED"),
        refused(400, "Bad Request: message to edit not found"),
    ]);
    let content = Content::plain("again");
    assert_eq!(fake.bot.edit(CHAT, "1", &content).await, Ok(()));
    assert_eq!(fake.bot.close_topic(CHAT).await, Ok(()));
    assert_eq!(fake.bot.edit(CHAT, "1", &content).await, Err(CallError::MessageMissing));
    assert_eq!(fake.bot.edit(CHAT, "x", &content).await, Err(CallError::MessageMissing));
    assert_eq!(fake.bot.close_topic(CHAT.whole()).await, Err(CallError::TopicMissing));
}

#[tokio::test]
async fn telegrams_refusals_are_told_apart() {
    let limited = json!({ "ok": false, "error_code": 429, "parameters": { "retry_after": 17 } });
    assert_eq!(error(Reply::Json(429, limited)).await, CallError::Limited(Duration::from_secs(17)));
    let header = Reply::Raw(429, "Retry-After: 3\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(error(header).await, CallError::Limited(Duration::from_secs(3)));
    assert_eq!(error(refused(429, "slow")).await, CallError::Limited(Duration::from_secs(1)));
    let migrated = json!({ "ok": false, "error_code": 400, "parameters": { "migrate_to_chat_id": -1001 } });
    assert_eq!(error(Reply::Json(400, migrated)).await, CallError::Migrated(-1001));
    assert!(matches!(
        error(refused(403, "Forbidden: bot was blocked by the user")).await,
        CallError::Gone(text) if text.contains("blocked")
    ));
    assert_eq!(error(refused(400, "Bad Request: message thread not found")).await, CallError::TopicMissing);
    assert_eq!(error(refused(401, "Unauthorized")).await, CallError::Unauthorized);
    assert_eq!(error(refused(404, "Not Found")).await, CallError::Unauthorized);
    assert!(matches!(error(refused(409, "Conflict: terminated")).await, CallError::Conflict(_)));
    assert!(matches!(error(refused(400, "Bad Request: message is too long")).await, CallError::Refused(_)));
    let redirect = Reply::Raw(302, "Location: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    assert!(matches!(error(redirect).await, CallError::Refused(_)));
}

#[tokio::test]
async fn what_was_not_sent_is_told_from_what_may_have_been_done() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let nobody = fake::bot(&url, PATIENCE).typing(CHAT).await.expect_err("nobody listens");
    discreet(&nobody);
    assert!(matches!(nobody, CallError::Away(_)));

    for reply in [
        Reply::Refuse,
        Reply::Cut,
        Reply::Stall,
        Reply::Raw(200, "Content-Length: 9\r\n\r\n<html>…"),
        Reply::Raw(200, "Content-Length: 50\r\n\r\n{\"ok\":true,\"result\":{\"message_id\":"),
        Reply::Raw(502, "Content-Length: 11\r\n\r\nBad Gateway"),
        Reply::Json(200, json!({ "ok": true, "result": "what?" })),
        Reply::Json(502, json!({ "error": "upstream" })),
    ] {
        let error = error(reply).await;
        assert!(matches!(error, CallError::Unknown(_)), "{error:?}");
    }
    assert!(matches!(error(refused(500, "Internal Server Error")).await, CallError::Failed(_)));
}

#[tokio::test]
async fn the_token_is_in_no_text() {
    let quoted = format!("no handler for /bot{TOKEN}/sendMessage {}", "x".repeat(500));
    let CallError::Refused(text) = error(refused(400, &quoted)).await else { panic!("refused") };
    assert!(text.contains("/bot<token>/") && text.len() == 200, "{text}");
    let bot = fake::bot("http://127.0.0.1:1", PATIENCE);
    assert_eq!(format!("{bot:?}"), "Bot { id: 7000000001, .. }");
    for token in ["", "123", "123:", ":abc", "12a:abc", "123:a b", "123:a/b", "99999999999999999999:abc"] {
        let error = Bot::new("https://api.telegram.org", &SecretString::from(token)).expect_err("no token");
        assert!(matches!(error, TokenError::NotAToken));
    }
    for url in ["", "api.telegram.org", "ftp://api.telegram.org", "http://x/?a=b"] {
        let error = Bot::new(url, &SecretString::from(TOKEN)).expect_err("no URL");
        assert!(matches!(error, TokenError::NotAUrl), "{url}");
    }
}

#[tokio::test]
async fn updates_come_as_they_are() {
    let update = json!({ "update_id": 8, "something_new": { "field": 1 } });
    let fake = Fake::new(vec![
        done(json!({ "id": 7, "is_bot": true, "first_name": "Vectora", "username": "OurBot" })),
        done(json!([update])),
        done(json!({ "url": "", "has_custom_certificate": false, "pending_update_count": 3 })),
        done(json!({ "message_thread_id": 12, "name": "n", "icon_color": 1 })),
    ]);
    let me = Me { id: 7, username: "OurBot".to_owned(), name: "Vectora".to_owned() };
    assert_eq!(fake.bot.me().await, Ok(me));
    let updates = fake.bot.updates(Some(8), Duration::from_secs(25), 100).await;
    assert_eq!(updates, Ok(vec![update]));
    assert_eq!(fake.bot.webhook().await.map(|info| info.pending_update_count), Ok(3));
    assert_eq!(fake.bot.create_topic(CHAT.whole(), &"ы".repeat(200)).await, Ok(12));
    let requests = fake.requests();
    let expected = json!({ "offset": 8, "timeout": 25, "limit": 100, "allowed_updates": ALLOWED_UPDATES });
    assert_eq!(requests[1].body, expected);
    assert_eq!(requests[3].body["name"].as_str().map(|name| name.chars().count()), Some(128));
}

#[tokio::test]
async fn the_small_calls_say_what_the_bot_api_expects() {
    let fake = Fake::new((0..8).map(|_| done(json!(true))).collect());
    let bot = &fake.bot;
    let private = Chat { bot: 1, chat: 5, topic: None };
    bot.draft(private, 9, "Пишу").await.expect("drafted");
    bot.typing(CHAT).await.expect("typing");
    bot.answer_callback("77", None).await.expect("answered");
    bot.set_webhook("https://example.org/hook", "s3cret").await.expect("set");
    bot.delete_webhook().await.expect("deleted");
    bot.set_commands(Some("ru"), &[("ask".to_owned(), "Спросить".to_owned())]).await.expect("set");
    bot.set_description(None, "long", "short").await.expect("set");
    let requests = fake.requests();
    let said: Vec<(&str, &Value)> =
        requests.iter().map(|one| (one.path.rsplit('/').next().expect("a method"), &one.body)).collect();
    let expected = [
        ("sendMessageDraft", json!({ "chat_id": 5, "draft_id": 9, "text": "Пишу" })),
        ("sendChatAction", json!({ "chat_id": -100_200, "message_thread_id": 7, "action": "typing" })),
        ("answerCallbackQuery", json!({ "callback_query_id": "77" })),
        (
            "setWebhook",
            json!({
                "url": "https://example.org/hook",
                "secret_token": "s3cret",
                "allowed_updates": ALLOWED_UPDATES,
                "max_connections": 40,
                "drop_pending_updates": false,
            }),
        ),
        ("deleteWebhook", json!({ "drop_pending_updates": false })),
        (
            "setMyCommands",
            json!({ "commands": [{ "command": "ask", "description": "Спросить" }], "language_code": "ru" }),
        ),
        ("setMyDescription", json!({ "description": "long" })),
        ("setMyShortDescription", json!({ "short_description": "short" })),
    ];
    assert_eq!(said, expected.each_ref().map(|(method, body)| (*method, body)));
}
