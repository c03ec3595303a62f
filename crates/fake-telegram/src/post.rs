//! Puts the bot's message on the screen: the one place where it happens.

use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::chats::{Chat, Message};
use super::markup::buttons;
use super::params::Params;
use super::screen::SeenMessage;
use super::state::{bot, date, now};

#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) topic: Option<i64>,
    /// `text` and `entities`, or the media and its caption, as they appear in the message.
    pub(super) body: Map<String, Value>,
    pub(super) markup: Option<Value>,
    pub(super) reply_to: Option<i64>,
    pub(super) copied: Option<(i64, i64)>,
}

/// Media that a message can carry; what is named here is what a copy copies.
pub(super) const MEDIA: [&str; 5] = ["photo", "voice", "document", "sticker", "video"];

impl Chat {
    pub(super) fn post(&mut self, out: Outgoing) -> Value {
        let at = now();
        let id = self.next_id();
        let mut value = json!({ "message_id": id, "from": bot(), "chat": self.face, "date": date() });
        if let Some(topic) = out.topic {
            value["message_thread_id"] = topic.into();
            value["is_topic_message"] = true.into();
        }
        if let Some(replied) = out.reply_to.and_then(|id| self.messages.get(&id)) {
            value["reply_to_message"] = without_reply(&replied.value);
        }
        if let Some(markup) = out.markup.as_ref().filter(|markup| markup.get("inline_keyboard").is_some()) {
            value["reply_markup"] = markup.clone();
        }
        let text = |name: &str| out.body.get(name).and_then(Value::as_str);
        let list = |name: &str| out.body.get(name).and_then(Value::as_array).cloned();
        let screen = SeenMessage {
            id,
            topic: out.topic,
            texts: vec![text("text").or_else(|| text("caption")).unwrap_or_default().to_owned()],
            entities: list("entities").or_else(|| list("caption_entities")).unwrap_or_default(),
            buttons: buttons(out.markup.as_ref()),
            reply_to: out.reply_to,
            from_copy: out.copied,
            media: MEDIA.iter().find(|kind| out.body.contains_key(**kind)).map(|kind| (*kind).to_owned()),
            at,
            edited: Vec::new(),
        };
        if let Value::Object(value) = &mut value {
            value.extend(out.body);
        }
        for draft in &mut self.drafts {
            draft.ended.get_or_insert(at);
        }
        self.messages.insert(id, Message { value: value.clone(), topic: out.topic, screen: Some(screen) });
        value
    }

    /// The message that a call answers to, if it is there, and its topic.
    pub(super) fn replied(&self, params: &Params) -> Result<Option<(i64, Option<i64>)>, Refusal> {
        let reply = params.json("reply_parameters").unwrap_or_default();
        let Some(id) = reply["message_id"].as_i64().or_else(|| params.int("reply_to_message_id")) else {
            return Ok(None);
        };
        let elsewhere = reply["chat_id"].as_i64().is_some_and(|chat| chat != self.id);
        let Some(replied) = self.messages.get(&id).filter(|_| !elsewhere) else {
            let optional = reply["allow_sending_without_reply"].as_bool().unwrap_or_default()
                || params.flag("allow_sending_without_reply");
            return if optional { Ok(None) } else { Err(Refusal::bad("message to be replied not found")) };
        };
        if let Some(quote) = reply["quote"].as_str() {
            let text = replied.value["text"].as_str().or_else(|| replied.value["caption"].as_str());
            if !text.is_some_and(|text| text.contains(quote)) {
                return Err(Refusal::bad("QUOTE_TEXT_INVALID"));
            }
        }
        Ok(Some((id, replied.topic)))
    }
}

/// A quoted message does not quote in turn.
pub(super) fn without_reply(value: &Value) -> Value {
    let mut value = value.clone();
    if let Value::Object(fields) = &mut value {
        fields.remove("reply_to_message");
    }
    value
}
