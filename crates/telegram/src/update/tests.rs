use contract::Style;
use serde_json::json;
use teloxide::types::{Message, MessageKind};

use super::*;
use crate::spans::tests::span;

const GROUP: i64 = -1_001_234_567_890;

fn me() -> Me {
    Me { id: 7_000_000_001, username: "OurBot".to_owned(), name: "Vectora".to_owned() }
}

fn anna() -> Value {
    json!({ "id": 501, "is_bot": false, "first_name": "Анна", "last_name": "К.", "username": "anna",
            "language_code": "ru", "is_premium": true, "a_new_field": [1] })
}

fn our_bot() -> Value {
    json!({ "id": 7_000_000_001_i64, "is_bot": true, "first_name": "Vectora", "username": "OurBot" })
}

fn in_private(fields: Value) -> Value {
    let chat = json!({ "id": 501, "type": "private", "first_name": "Анна", "username": "anna" });
    message(&chat, fields)
}

fn in_group(fields: Value) -> Value {
    message(&json!({ "id": GROUP, "type": "supergroup", "title": "Чат", "is_forum": true }), fields)
}

/// An update with a message of Anna's.
fn message(chat: &Value, fields: Value) -> Value {
    let mut message = json!({ "message_id": 77, "date": 1_760_000_000, "chat": chat, "from": anna() });
    let Value::Object(fields) = fields else { panic!("fields") };
    message.as_object_mut().expect("an object").extend(fields);
    json!({ "update_id": 900, "message": message })
}

fn said(update: &Value) -> Said {
    match read(update, &me()) {
        Event::Said(said) => *said,
        other => panic!("{other:?}"),
    }
}

fn entity(kind: &str, offset: u32, length: u32) -> Value {
    json!({ "type": kind, "offset": offset, "length": length })
}

#[test]
fn a_private_text_is_said_to_the_bot() {
    let update = in_private(json!({ "text": "Как сменить пароль? 🔑", "some_new_field": { "a": 1 } }));
    let expected = Said {
        message: "77".to_owned(),
        from: Some(Person {
            id: 501,
            name: "Анна К.".to_owned(),
            username: Some("anna".to_owned()),
            language: Some("ru".to_owned()),
            bot: false,
        }),
        anonymous: false,
        addressed: true,
        command: None,
        text: "Как сменить пароль? 🔑".to_owned(),
        original: "Как сменить пароль? 🔑".to_owned(),
        spans: Vec::new(),
        media: None,
        reply_to: None,
        forwarded: false,
        service: false,
    };
    assert_eq!(said(&update), expected);
    assert_eq!(update_id(&update), Some(900));
    assert_eq!(address(7, &update), Some(Chat { bot: 7, chat: 501, topic: None }));
}

#[test]
fn a_mention_after_emoji_and_cyrillic_is_found_and_removed() {
    // 👋🏽 is four units.
    let text = "👋🏽 Привет @ourbot как дела";
    let update =
        in_group(json!({ "text": text, "entities": [entity("mention", 12, 7), entity("bold", 5, 6)] }));
    let said = said(&update);
    assert!(said.addressed);
    assert_eq!(said.text, "👋🏽 Привет как дела");
    assert_eq!((said.original.as_str(), said.spans), (text, vec![span(5, 6, Style::Bold)]));
}

#[test]
fn a_group_is_not_always_talking_to_the_bot() {
    let text = |text: &str, entities: Value| said(&in_group(json!({ "text": text, "entities": entities })));
    assert!(!text("просто разговор", json!([])).addressed);
    assert!(!text("@OurBotanist привет", json!([entity("mention", 0, 12)])).addressed);
    let opened = text("@OurBot, привет", json!([entity("mention", 0, 7)]));
    assert_eq!((opened.addressed, opened.text.as_str()), (true, "привет"));
    let by_id = json!([{ "type": "text_mention", "offset": 0, "length": 7, "user": our_bot() }]);
    let by_id = text("Vectora привет", by_id);
    assert_eq!((by_id.addressed, by_id.text.as_str()), (true, "привет"));
    let outside = text("@OurBot", json!([entity("mention", 5, 70)]));
    assert_eq!((outside.addressed, outside.text.as_str()), (false, "@OurBot"));
}

#[test]
fn a_command_is_for_the_bot_it_names() {
    let command = |text: &str, length: u32| {
        said(&in_group(json!({ "text": text, "entities": [entity("bot_command", 0, length)] })))
    };
    let ours = command("/Ask@OURBOT  как дела? ", 11);
    let expected = Command { name: "ask".to_owned(), argument: "как дела?".to_owned() };
    assert_eq!((ours.command, ours.text.as_str(), ours.addressed), (Some(expected), "как дела?", true));
    let bare = command("/close", 6);
    assert_eq!(bare.command.map(|one| one.name).as_deref(), Some("close"));
    assert!(bare.addressed);
    let other = command("/ask@other как дела?", 10);
    assert_eq!((other.command, other.addressed), (None, false));
    assert_eq!(other.text, "/ask@other как дела?");
    let later = in_group(json!({ "text": "см. /ask", "entities": [entity("bot_command", 4, 4)] }));
    assert_eq!(said(&later).command, None);
    let deep = in_private(json!({ "text": "/start abc-1", "entities": [entity("bot_command", 0, 6)] }));
    let expected = Command { name: "start".to_owned(), argument: "abc-1".to_owned() };
    assert_eq!(said(&deep).command, Some(expected));
}

#[test]
fn what_was_forwarded_commands_nothing() {
    let update = in_private(json!({
        "text": "/close", "entities": [entity("bot_command", 0, 6)],
        "forward_origin": { "type": "hidden_user", "date": 1, "sender_user_name": "x" },
    }));
    let said = said(&update);
    assert_eq!((said.forwarded, said.command, said.text.as_str()), (true, None, "/close"));
}

#[test]
fn media_are_named_with_their_caption_and_album() {
    let photo = in_private(json!({
        "photo": [{ "file_id": "a", "file_unique_id": "b", "width": 1, "height": 1 }],
        "caption": "Что *это*?", "media_group_id": "1312",
        "caption_entities": [entity("italic", 4, 5), entity("hashtag", 0, 1)],
    }));
    let seen = said(&photo);
    assert_eq!(seen.media, Some(Media { kind: MediaKind::Photo, group: Some("1312".to_owned()) }));
    assert_eq!((seen.text.as_str(), seen.spans), ("Что *это*?", vec![span(4, 5, Style::Italic)]));
    for (fields, kind) in [
        (json!({ "voice": { "file_id": "v", "duration": 3 } }), MediaKind::Voice),
        (json!({ "animation": {}, "document": {} }), MediaKind::Animation),
        (json!({ "venue": {}, "location": {} }), MediaKind::Location),
        (json!({ "dice": { "emoji": "🎲", "value": 3 } }), MediaKind::Other),
        (json!({ "hologram": {} }), MediaKind::Other),
    ] {
        let seen = said(&in_private(fields));
        assert_eq!((seen.media.map(|media| media.kind), seen.text.as_str()), (Some(kind), ""));
    }
}

#[test]
fn a_reply_to_the_bot_is_said_to_it() {
    let reply = |from: Value| {
        said(&in_group(json!({
            "text": "а ещё?",
            "reply_to_message": { "message_id": 70, "date": 1, "chat": { "id": GROUP }, "from": from, "text": "x" },
        })))
    };
    let ours = reply(our_bot());
    assert_eq!((ours.addressed, ours.reply_to.as_deref()), (true, Some("70")));
    let other = reply(anna());
    assert_eq!((other.addressed, other.reply_to.as_deref()), (false, Some("70")));
}

#[test]
fn a_topic_is_an_address_and_its_beginning_is_no_reply() {
    let beginning = json!({
        "message_id": 12, "date": 1, "chat": { "id": GROUP }, "from": our_bot(), "message_thread_id": 12,
        "forum_topic_created": { "name": "Анна", "icon_color": 7_322_096 }, "is_topic_message": true,
    });
    let update = in_group(json!({
        "text": "в теме", "message_thread_id": 12, "is_topic_message": true, "reply_to_message": beginning,
    }));
    assert_eq!(address(7, &update), Some(Chat { bot: 7, chat: GROUP, topic: Some(12) }));
    let seen = said(&update);
    assert_eq!((seen.addressed, seen.reply_to), (false, None));
    let thread = in_group(json!({ "text": "ответ", "message_thread_id": 12 }));
    assert_eq!(address(7, &thread), Some(Chat { bot: 7, chat: GROUP, topic: None }));
}

#[test]
fn service_messages_say_nothing() {
    for fields in [
        json!({ "forum_topic_created": { "name": "Новая", "icon_color": 1 }, "message_thread_id": 5 }),
        json!({ "forum_topic_closed": {} }),
        json!({ "new_chat_members": [anna()] }),
        json!({ "left_chat_member": our_bot() }),
        json!({ "pinned_message": { "message_id": 3, "date": 0, "chat": { "id": GROUP } } }),
        json!({ "video_chat_of_the_future": {} }),
    ] {
        let seen = said(&in_group(fields));
        assert!(seen.service && !seen.addressed && seen.media.is_none() && seen.text.is_empty(), "{seen:?}");
    }
}

#[test]
fn bots_are_not_listened_to_and_chats_are_nobody() {
    let bot = in_group(json!({ "text": "я бот", "from": our_bot() }));
    assert_eq!(read(&bot, &me()), Event::Passed("message".to_owned()));
    let stand_in = json!({ "id": 1_087_968_824, "is_bot": true, "first_name": "Group", "username": "GroupAnonymousBot" });
    let hidden = in_group(
        json!({ "text": "/ask", "from": stand_in, "sender_chat": { "id": GROUP, "type": "supergroup" } }),
    );
    let seen = said(&hidden);
    assert!(seen.anonymous && seen.from.is_none());
    let strange = in_group(json!({ "text": "кто я", "from": { "id": "x" } }));
    assert_eq!(read(&strange, &me()), Event::Passed("message".to_owned()));
}

#[test]
fn an_edit_is_an_edit() {
    let mut update = in_private(json!({ "text": "исправлено", "edit_date": 1_760_000_009 }));
    let message = update["message"].take();
    let update = json!({ "update_id": 901, "edited_message": message });
    assert!(matches!(read(&update, &me()), Event::Edited(said) if said.text == "исправлено"));
    assert!(address(7, &update).is_some());
}

#[test]
fn a_button_under_an_old_message_still_works() {
    let update = json!({ "update_id": 902, "callback_query": {
        "id": "4382bfdwdsb323b2d9", "from": anna(), "chat_instance": "1", "data": "rate:1",
        "message": { "message_id": 55, "date": 0, "chat": { "id": 501, "type": "private" } },
    } });
    let Event::Pressed(pressed) = read(&update, &me()) else { panic!("pressed") };
    assert_eq!((pressed.id.as_str(), pressed.action.as_str()), ("4382bfdwdsb323b2d9", "rate:1"));
    assert_eq!((pressed.message.as_deref(), pressed.from.id), (Some("55"), 501));
    assert_eq!(address(7, &update), Some(Chat { bot: 7, chat: 501, topic: None }));
    let game =
        json!({ "update_id": 1, "callback_query": { "id": "1", "from": anna(), "game_short_name": "g" } });
    assert_eq!(read(&game, &me()), Event::Passed("callback_query".to_owned()));
    assert_eq!(address(7, &game), None);
}

#[test]
fn being_blocked_and_taken_back_is_noticed() {
    let change = |old: Value, new: Value| {
        let change = json!({ "chat": { "id": 501, "type": "private" }, "from": anna(), "date": 1,
                             "old_chat_member": old, "new_chat_member": new });
        read(&json!({ "update_id": 903, "my_chat_member": change }), &me())
    };
    let status = |status: &str| json!({ "status": status, "user": our_bot(), "can_do_new_things": true });
    assert_eq!(change(status("member"), status("kicked")), Event::Left);
    assert_eq!(change(status("administrator"), status("left")), Event::Left);
    assert_eq!(change(status("kicked"), status("member")), Event::Joined);
    assert_eq!(change(status("left"), status("administrator")), Event::Joined);
    let promoted = change(status("member"), status("administrator"));
    assert_eq!(promoted, Event::Passed("my_chat_member".to_owned()));
    let outside = json!({ "status": "restricted", "is_member": false });
    assert_eq!(change(status("member"), outside), Event::Left);
}

#[test]
fn a_group_that_grew_tells_its_new_id() {
    let update = in_group(json!({ "migrate_to_chat_id": -1_002 }));
    assert_eq!(read(&update, &me()), Event::Migrated(-1_002));
}

#[test]
fn what_is_not_known_is_passed_over() {
    let passed = |update: Value| match read(&update, &me()) {
        Event::Passed(kind) => kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(passed(json!({ "update_id": 1, "telepathy": { "chat": { "id": 5 } } })), "telepathy");
    assert_eq!(passed(json!({ "update_id": 1, "x".repeat(99): {} })).len(), KIND);
    for nothing in [json!({ "update_id": 1 }), json!({}), json!([]), json!(null), json!({ "message": 5 })] {
        assert_eq!(address(7, &nothing), None);
        assert_eq!(passed(nothing), "nothing");
    }
    for broken in [json!({}), json!({ "chat": 5 }), json!({ "message_id": 1, "chat": { "id": "x" } })] {
        assert_eq!(passed(json!({ "update_id": 1, "message": broken })), "message");
    }
    let chat = json!({ "update_id": 1, "telepathy": { "chat": { "id": 5 } } });
    assert_eq!(address(7, &chat), Some(Chat { bot: 7, chat: 5, topic: None }));
}

#[test]
fn an_entity_that_teloxide_does_not_know_does_not_lose_the_message() {
    let update = in_private(json!({
        "text": "Встреча завтра", "entities": [entity("date_time", 8, 6), entity("bold", 0, 7)],
    }));
    let seen = said(&update);
    assert_eq!((seen.text.as_str(), seen.spans), ("Встреча завтра", vec![span(0, 7, Style::Bold)]));
    // Why the message as a whole is not left to teloxide. If this fails, it has learnt to do better.
    let message: Message = serde_json::from_value(update["message"].clone()).expect("no error");
    assert!(matches!(message.kind, MessageKind::Empty {}) && message.text().is_none());
}
