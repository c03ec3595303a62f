//! Messages: sent, edited, copied, and what is shown while one is being written.

use contract::{Button, Chat, Content, Span, Style};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Bot;
use crate::call::with;
use crate::error::CallError;

#[derive(Deserialize)]
struct Sent {
    message_id: i64,
}

impl Bot {
    /// Sends a message, or a copy of one, and gives its id in the chat. When Telegram cannot read the formatting,
    /// nothing was sent, and the text goes out without it.
    ///
    /// # Errors
    /// [`CallError`]; after [`CallError::Unknown`] the message may be there.
    pub async fn send(&self, chat: Chat, content: &Content) -> Result<String, CallError> {
        let mut body = to(chat);
        if let Some(copy) = &content.copy_of {
            let no_copy = || CallError::Refused("what is to be copied is no message of Telegram".to_owned());
            let from: Chat = copy.address.parse().map_err(|_| no_copy())?;
            body["from_chat_id"] = json!(from.chat);
            body["message_id"] = json!(number(&copy.message).ok_or_else(no_copy)?);
        } else {
            show(&mut body, content);
        }
        with(&mut body, "reply_markup", keyboard(&content.buttons));
        // A reply to something that is gone is still worth sending.
        let reply = content.reply_to.as_deref().and_then(number);
        let reply = reply.map(|id| json!({ "message_id": id, "allow_sending_without_reply": true }));
        with(&mut body, "reply_parameters", reply);
        let method = if content.copy_of.is_some() { "copyMessage" } else { "sendMessage" };
        let sent: Sent = self.formatted_or_plain(method, body).await?;
        Ok(sent.message_id.to_string())
    }

    /// Puts another text, and other buttons, in place of a message's. Repeating it is harmless: a message that
    /// already is as it should be is a success.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::MessageMissing`] when it was deleted, or `message` is no id.
    pub async fn edit(&self, chat: Chat, message: &str, content: &Content) -> Result<(), CallError> {
        let mut body = json!({ "chat_id": chat.chat });
        body["message_id"] = json!(number(message).ok_or(CallError::MessageMissing)?);
        show(&mut body, content);
        with(&mut body, "reply_markup", keyboard(&content.buttons));
        let edited: Result<Value, CallError> = self.formatted_or_plain("editMessageText", body).await;
        unless(edited, "message is not modified")
    }

    /// Shows a text while the message is being written, for 30 seconds; an empty one shows "Thinking…". Private
    /// chats only. Frames of one `draft_id` (not 0) replace each other, and a message must follow.
    ///
    /// # Errors
    /// [`CallError`]; none of them matters, as the message comes anyway.
    pub async fn draft(&self, chat: Chat, draft_id: i64, text: &str) -> Result<(), CallError> {
        let mut body = to(chat);
        body["draft_id"] = json!(draft_id);
        body["text"] = json!(text);
        self.caller.call("sendMessageDraft", &body).await.map(|_: Value| ())
    }

    /// Shows "typing…" for 5 seconds, or until a message comes.
    ///
    /// # Errors
    /// [`CallError`]; none of them matters.
    pub async fn typing(&self, chat: Chat) -> Result<(), CallError> {
        let mut body = to(chat);
        body["action"] = json!("typing");
        self.caller.call("sendChatAction", &body).await.map(|_: Value| ())
    }

    /// Ends the waiting of a pressed button, which spins until then; `text` (at most 200 characters) is shown
    /// briefly.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::Refused`] when the press is too old.
    pub async fn answer_callback(&self, id: &str, text: Option<&str>) -> Result<(), CallError> {
        let mut body = json!({ "callback_query_id": id });
        with(&mut body, "text", text);
        self.caller.call("answerCallbackQuery", &body).await.map(|_: Value| ())
    }

    async fn formatted_or_plain<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        mut body: Value,
    ) -> Result<T, CallError> {
        let first = self.caller.call(method, &body).await;
        let formatted = body.as_object_mut().is_some_and(|fields| fields.remove("entities").is_some());
        if formatted && matches!(first, Err(CallError::Unparsable)) {
            tracing::warn!(method, "Telegram could not read the formatting: sent as plain text");
            return self.caller.call(method, &body).await;
        }
        first
    }
}

/// The place of a message.
pub(super) fn to(chat: Chat) -> Value {
    let mut body = json!({ "chat_id": chat.chat });
    with(&mut body, "message_thread_id", chat.topic);
    body
}

/// Success also when Telegram says, in these words, that nothing had to be done.
pub(super) fn unless(result: Result<Value, CallError>, words: &str) -> Result<(), CallError> {
    match result {
        Err(error) if error.says(words) => Ok(()),
        other => other.map(|_| ()),
    }
}

fn number(id: &str) -> Option<i64> {
    id.parse().ok()
}

fn show(body: &mut Value, content: &Content) {
    body["text"] = json!(content.text);
    // Previews of the sources of an answer would be longer than the answer.
    body["link_preview_options"] = json!({ "is_disabled": true });
    let entities: Vec<Value> = content.spans.iter().map(entity).collect();
    with(body, "entities", (!entities.is_empty()).then_some(entities));
}

fn entity(span: &Span) -> Value {
    let kind = match &span.style {
        Style::Bold => "bold",
        Style::Italic => "italic",
        Style::Underline => "underline",
        Style::Strikethrough => "strikethrough",
        Style::Spoiler => "spoiler",
        Style::Quote => "blockquote",
        Style::Code => "code",
        Style::Pre { .. } => "pre",
        Style::Link { .. } => "text_link",
    };
    let mut entity = json!({ "type": kind, "offset": span.start, "length": span.length });
    match &span.style {
        Style::Pre { language } => with(&mut entity, "language", language.as_deref()),
        Style::Link { url } => entity["url"] = json!(url),
        _ => {}
    }
    entity
}

fn keyboard(buttons: &[Vec<Button>]) -> Option<Value> {
    let button = |button: &Button| json!({ "text": button.label, "callback_data": button.action });
    let rows: Vec<Vec<Value>> = buttons.iter().map(|row| row.iter().map(button).collect()).collect();
    (!rows.is_empty()).then(|| json!({ "inline_keyboard": rows }))
}
