//! `sendMessage`, `copyMessage`, `sendChatAction`.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal};
use super::chats::{Chat, Message};
use super::content::{self, Content};
use super::markup::markup;
use super::params::Params;
use super::post::{MEDIA, Outgoing};
use super::state::{State, chat_id, now, open};

const ACTIONS: [&str; 11] = [
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];

impl State {
    pub(super) fn send_message(&mut self, params: &Params) -> Answer {
        let chat = self.chat(params)?;
        let content = content::text(params)?;
        let out = Outgoing { body: fields("text", "entities", content), ..addressed(chat, params)? };
        Ok(chat.post(out))
    }

    pub(super) fn copy_message(&mut self, params: &Params) -> Answer {
        let from = chat_id(params, "from_chat_id")?;
        let id = message_id(params)?;
        let source = open(&mut self.chats, from)?
            .messages
            .get(&id)
            .ok_or_else(|| Refusal::bad("message to copy not found"))?;
        let mut body = copied(source)?;
        if body.contains_key("text") {
            // A text has no caption: the parameter is ignored, as by the real one.
        } else if let Some(caption) = content::caption(params)? {
            body.remove("caption");
            body.remove("caption_entities");
            body.extend(fields("caption", "caption_entities", caption));
        }
        let chat = self.chat(params)?;
        let out = Outgoing { body, copied: Some((from, id)), ..addressed(chat, params)? };
        Ok(json!({ "message_id": chat.post(out)["message_id"] }))
    }

    pub(super) fn send_action(&mut self, params: &Params) -> Answer {
        let chat = self.chat(params)?;
        chat.thread(params)?;
        if !params.text("action").is_some_and(|action| ACTIONS.contains(&action)) {
            return Err(Refusal::bad("wrong parameter action in request"));
        }
        chat.actions.push(now());
        Ok(true.into())
    }
}

pub(super) fn message_id(params: &Params) -> Result<i64, Refusal> {
    params.int("message_id").ok_or_else(|| Refusal::bad("message identifier is not specified"))
}

/// Where in the chat it goes, and what hangs on it.
fn addressed(chat: &Chat, params: &Params) -> Result<Outgoing, Refusal> {
    let topic = chat.thread(params)?;
    let replied = chat.replied(params)?;
    Ok(Outgoing {
        topic: topic.or(replied.and_then(|(_, topic)| topic)),
        markup: markup(params, chat.private)?,
        reply_to: replied.map(|(id, _)| id),
        ..Outgoing::default()
    })
}

fn fields(text: &str, entities: &str, content: Content) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert(text.to_owned(), content.text.into());
    if !content.entities.is_empty() {
        fields.insert(entities.to_owned(), content.entities.into());
    }
    fields
}

/// What of a message a copy takes along: no sender, no quote, no keyboard.
fn copied(source: &Message) -> Result<Map<String, Value>, Refusal> {
    let taken = MEDIA.iter().chain(&["text", "entities", "caption", "caption_entities"]);
    let body: Map<String, Value> =
        taken.filter_map(|name| Some(((*name).to_owned(), source.value.get(*name)?.clone()))).collect();
    // Service messages are nobody's words.
    if body.is_empty() { Err(Refusal::bad("message can't be copied")) } else { Ok(body) }
}
