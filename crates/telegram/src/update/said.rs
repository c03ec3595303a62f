//! A message: who said what, and whether to the bot.

use serde_json::{Map, Value};

use super::words::Words;
use super::{Media, MediaKind, Said, message_id, person};
use crate::client::Me;

/// Fields of messages that Telegram wrote itself. A field that is missing here makes its message
/// [`MediaKind::Other`]: something that we cannot read, said by somebody.
const SERVICE: &[&str] = &[
    "new_chat_members",
    "left_chat_member",
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "group_chat_created",
    "supergroup_chat_created",
    "channel_chat_created",
    "message_auto_delete_timer_changed",
    "migrate_from_chat_id",
    "pinned_message",
    "successful_payment",
    "refunded_payment",
    "users_shared",
    "chat_shared",
    "connected_website",
    "write_access_allowed",
    "passport_data",
    "proximity_alert_triggered",
    "boost_added",
    "chat_background_set",
    "chat_owner_left",
    "chat_owner_changed",
    "checklist_tasks_done",
    "checklist_tasks_added",
    "direct_message_price_changed",
    "paid_message_price_changed",
    "giveaway_created",
    "giveaway_completed",
    "gift",
    "unique_gift",
    "gift_upgrade_sent",
    "web_app_data",
];
/// The same, for families of fields.
const SERVICE_FAMILIES: &[&str] = &["forum_topic_", "general_forum_topic_", "video_chat_", "suggested_post_"];

/// In this order: an animation also has a `document`, a venue also has a `location`.
const MEDIA: &[(&str, MediaKind)] = &[
    ("animation", MediaKind::Animation),
    ("photo", MediaKind::Photo),
    ("voice", MediaKind::Voice),
    ("video", MediaKind::Video),
    ("video_note", MediaKind::VideoNote),
    ("audio", MediaKind::Audio),
    ("document", MediaKind::Document),
    ("sticker", MediaKind::Sticker),
    ("location", MediaKind::Location),
    ("contact", MediaKind::Contact),
    ("poll", MediaKind::Poll),
];

/// `None`: a message of a bot, or one without an id, a chat or a readable sender.
pub(super) fn read(message: &Value, me: &Me) -> Option<Said> {
    let fields = message.as_object()?;
    let anonymous = fields.contains_key("sender_chat");
    // Who speaks in the name of a chat has a stand-in for a sender, which is a bot.
    let named = !anonymous && fields.contains_key("from");
    let from = if named { Some(person(&message["from"]).filter(|person| !person.bot)?) } else { None };
    let private = message["chat"]["id"].as_i64()? > 0;
    let service = is_service(fields);
    let forwarded = ["forward_origin", "forward_date"].iter().any(|field| fields.contains_key(*field));
    let reply = replied(message);
    let words = Words::new(message, me);
    let command = if forwarded { None } else { words.command() };
    let for_another = !forwarded && words.commands_another();
    let spoken_to = words.mentions()
        || command.is_some()
        || reply.is_some_and(|reply| reply["from"]["id"].as_i64() == Some(me.id));
    Some(Said {
        message: message_id(message)?,
        from,
        anonymous,
        addressed: !service && (private || (spoken_to && !for_another)),
        text: command.as_ref().map_or_else(|| words.cleaned(), |command| command.argument.clone()),
        command,
        spans: words.spans(),
        media: if service { None } else { media(fields) },
        original: words.into_text(),
        reply_to: reply.and_then(message_id),
        forwarded,
        service,
    })
}

/// The message that was answered, unless it is only the beginning of the topic.
fn replied(message: &Value) -> Option<&Value> {
    let reply = &message["reply_to_message"];
    let beginning = reply["forum_topic_created"].is_object()
        || (message["is_topic_message"] == true && reply["message_id"] == message["message_thread_id"]);
    (reply.is_object() && !beginning).then_some(reply)
}

fn is_service(fields: &Map<String, Value>) -> bool {
    fields.keys().any(|field| {
        SERVICE.contains(&field.as_str()) || SERVICE_FAMILIES.iter().any(|family| field.starts_with(family))
    })
}

fn media(fields: &Map<String, Value>) -> Option<Media> {
    let known = MEDIA.iter().find(|(field, _)| fields.contains_key(*field)).map(|(_, kind)| *kind);
    let kind = known.or_else(|| (!fields.contains_key("text")).then_some(MediaKind::Other))?;
    Some(Media { kind, group: fields.get("media_group_id").and_then(Value::as_str).map(str::to_owned) })
}
