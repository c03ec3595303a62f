//! `editMessageText` and `editMessageReplyMarkup`: the idempotent calls.

use serde_json::Value;

use super::answer::{Answer, Refusal};
use super::chats::{Chat, Message};
use super::content;
use super::markup::{buttons, markup};
use super::params::Params;
use super::screen::SeenMessage;
use super::sends::message_id;
use super::state::{State, date, now};

impl State {
    pub(super) fn edit_text(&mut self, params: &Params) -> Answer {
        let chat = self.chat(params)?;
        let private = chat.private;
        let content = content::text(params)?;
        let markup = markup(params, private)?;
        let (value, screen) = editable(chat, params)?;
        if value.get("text").is_none() {
            return Err(Refusal::bad("there is no text in the message to edit"));
        }
        let entities = (!content.entities.is_empty()).then(|| Value::from(content.entities.clone()));
        let text = Value::from(content.text.clone());
        let unchanged = value.get("text") == Some(&text)
            && value.get("entities") == entities.as_ref()
            && value.get("reply_markup") == markup.as_ref();
        if unchanged {
            return Err(Refusal::not_modified());
        }
        put(value, "text", Some(text));
        put(value, "entities", entities);
        // An edit without a keyboard takes the keyboard away.
        put(value, "reply_markup", markup.clone());
        put(value, "edit_date", Some(date().into()));
        if screen.texts.last() != Some(&content.text) {
            screen.texts.push(content.text);
        }
        screen.entities = content.entities;
        screen.buttons = buttons(markup.as_ref());
        screen.edited.push(now());
        Ok(value.clone())
    }

    pub(super) fn edit_markup(&mut self, params: &Params) -> Answer {
        let chat = self.chat(params)?;
        let markup = markup(params, chat.private)?;
        let (value, screen) = editable(chat, params)?;
        if value.get("reply_markup") == markup.as_ref() {
            return Err(Refusal::not_modified());
        }
        put(value, "reply_markup", markup.clone());
        put(value, "edit_date", Some(date().into()));
        screen.buttons = buttons(markup.as_ref());
        screen.edited.push(now());
        Ok(value.clone())
    }
}

/// A bot edits its own messages only.
fn editable<'a>(
    chat: &'a mut Chat,
    params: &Params,
) -> Result<(&'a mut Value, &'a mut SeenMessage), Refusal> {
    let id = message_id(params)?;
    let known = chat.messages.get_mut(&id).ok_or_else(|| Refusal::bad("message to edit not found"))?;
    let Message { value, screen, .. } = known;
    let screen = screen.as_mut().ok_or_else(|| Refusal::bad("message can't be edited"))?;
    Ok((value, screen))
}

fn put(value: &mut Value, name: &str, field: Option<Value>) {
    let Value::Object(fields) = value else { return };
    match field {
        Some(field) => fields.insert(name.to_owned(), field),
        None => fields.remove(name),
    };
}
