//! What an update says.
//!
//! Updates are read from the raw JSON, field by field: what Telegram adds tomorrow stands beside what we read and
//! does not disturb it. teloxide reads the small parts, a person and an entity, each on its own, so that one it
//! does not know costs that part and not the message.

use contract::{Chat, Span};
use serde_json::Value;

use crate::client::Me;

mod member;
mod pressed;
mod said;
mod words;

#[cfg(test)]
mod tests;

/// Characters of the name of an unknown kind of update: it becomes a label of a metric.
const KIND: usize = 64;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Said(Box<Said>),
    /// A message was changed; this is how it reads now.
    Edited(Box<Said>),
    Pressed(Pressed),
    /// The person blocked the bot, or the group removed it.
    Left,
    /// The person unblocked the bot, or the group took it in.
    Joined,
    /// The group became the supergroup with this id.
    Migrated(i64),
    /// Nothing to do; which kind of update it was, for counting.
    Passed(String),
}

/// A message.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and they go together in any way"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its id in the chat.
    pub message: String,
    /// `None` when it was said in the name of a chat.
    pub from: Option<Person>,
    /// Said in the name of a chat: by an administrator who hides, or by a channel. Nobody to authorise.
    pub anonymous: bool,
    /// Whether it was said to the bot: in private; by a mention, a command, or a reply to one of its messages.
    pub addressed: bool,
    /// The command for this bot that it begins with. What was forwarded commands nothing.
    pub command: Option<Command>,
    /// The text or caption without mentions of the bot; of a command, its argument.
    pub text: String,
    /// The text or caption as it was written.
    pub original: String,
    /// How [`Self::original`] looks.
    pub spans: Vec<Span>,
    pub media: Option<Media>,
    /// The message it answers. In a topic Telegram marks every message as a reply to the topic's beginning: that
    /// is none.
    pub reply_to: Option<String>,
    pub forwarded: bool,
    /// Telegram's own note of something that happened: somebody joined, a title was changed, a topic was made.
    pub service: bool,
}

/// `/name argument`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Lower-case, without the slash and the bot's name.
    pub name: String,
    /// What follows it, trimmed.
    pub argument: String,
}

/// What a message shows besides text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    pub kind: MediaKind,
    /// The album it belongs to: one message to people, several to Telegram. The caption is with one of them.
    pub group: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    Photo,
    Voice,
    Video,
    VideoNote,
    Audio,
    Document,
    Animation,
    Sticker,
    Location,
    Contact,
    Poll,
    /// A die, a game, a story, or something that Telegram came up with since.
    Other,
}

/// A user of Telegram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: i64,
    /// First and last name.
    pub name: String,
    /// Without the `@`.
    pub username: Option<String>,
    /// The language of their app, as an IETF tag.
    pub language: Option<String>,
    pub bot: bool,
}

/// A button was pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pressed {
    /// What [`crate::Bot::answer_callback`] wants.
    pub id: String,
    pub from: Person,
    /// The message with the button.
    pub message: Option<String>,
    /// The button's `action`.
    pub action: String,
}

/// What Telegram numbers updates by: with the bot's id, the key that tells a repeated delivery.
pub fn update_id(update: &Value) -> Option<i64> {
    update["update_id"].as_i64()
}

/// The address under which an update is queued, or `None` when it belongs to no chat.
///
/// A topic counts only where Telegram says so (`is_topic_message`), and only in groups: `message_thread_id` alone
/// also marks the replies to a message in any group.
pub fn address(bot: i64, update: &Value) -> Option<Chat> {
    let (_, body) = kind(update)?;
    let message = if body["chat"]["id"].is_i64() { body } else { &body["message"] };
    let chat = message["chat"]["id"].as_i64()?;
    let in_topic = chat < 0 && message["is_topic_message"] == true;
    let topic = in_topic.then(|| message["message_thread_id"].as_i64()).flatten();
    Some(Chat { bot, chat, topic })
}

/// Reads an update. What cannot be read is passed over: it is stored as it came, and repeating it would not help.
pub fn read(update: &Value, me: &Me) -> Event {
    let Some((kind, body)) = kind(update) else { return Event::Passed("nothing".to_owned()) };
    let event = match kind {
        "message" => match body["migrate_to_chat_id"].as_i64() {
            Some(chat) => Some(Event::Migrated(chat)),
            None => said::read(body, me).map(|said| Event::Said(Box::new(said))),
        },
        "edited_message" => said::read(body, me).map(|said| Event::Edited(Box::new(said))),
        "callback_query" => pressed::read(body).map(Event::Pressed),
        "my_chat_member" => member::read(body),
        _ => None,
    };
    event.unwrap_or_else(|| Event::Passed(kind.chars().take(KIND).collect()))
}

/// The one field of an update that is not its number.
fn kind(update: &Value) -> Option<(&str, &Value)> {
    let mut fields = update.as_object()?.iter().filter(|(_, body)| body.is_object());
    fields.next().map(|(kind, body)| (kind.as_str(), body))
}

/// A user; `None` when the field is missing or strange.
fn person(user: &Value) -> Option<Person> {
    use teloxide::types::User;
    let user: User = serde_json::from_value(user.clone()).ok()?;
    Some(Person {
        id: i64::try_from(user.id.0).ok()?,
        name: user.full_name(),
        bot: user.is_bot,
        username: user.username,
        language: user.language_code,
    })
}

/// The id of a message, as the protocol writes ids.
fn message_id(message: &Value) -> Option<String> {
    message["message_id"].as_i64().map(|id| id.to_string())
}
