//! What people saw of the bot: the side of the fake that tests ask.

use std::collections::HashMap;
use std::time::Instant;

use serde_json::Value;

use super::chats::Chat;
use super::markup::Button;
use super::{Draft, FakeTelegram};

/// A message of the bot.
#[derive(Debug, Clone)]
pub struct SeenMessage {
    pub id: i64,
    pub topic: Option<i64>,
    /// Every text the message has had, the last one is what is on the screen. For media, the caption.
    pub texts: Vec<String>,
    /// Of the last text, as the bot sent them, trimmed along with it.
    pub entities: Vec<Value>,
    pub buttons: Vec<Button>,
    pub reply_to: Option<i64>,
    /// Chat and message that it is a copy of.
    pub from_copy: Option<(i64, i64)>,
    /// "photo", "document" and so on; nothing for a text.
    pub media: Option<String>,
    /// First visible.
    pub at: Instant,
    pub edited: Vec<Instant>,
}

impl SeenMessage {
    /// What is on the screen.
    pub fn text(&self) -> &str {
        self.texts.last().map(String::as_str).unwrap_or_default()
    }
}

/// What a turn sends before it has an answer: any number of these is no answer seen twice.
const PLACEHOLDER: &str = "…";

impl FakeTelegram {
    /// What a person in `chat` sees of the bot, oldest first; the messages of deleted topics too.
    pub fn seen(&self, chat: i64) -> Vec<SeenMessage> {
        self.lock().chats.get(&chat).map(|chat| seen(chat).cloned().collect()).unwrap_or_default()
    }

    /// The texts on the screen of `chat`.
    pub fn screen(&self, chat: i64) -> Vec<String> {
        self.seen(chat).iter().map(|message| message.text().to_owned()).collect()
    }

    pub fn screen_in(&self, chat: i64, topic: i64) -> Vec<String> {
        let messages = self.seen(chat);
        let inside = messages.iter().filter(|message| message.topic == Some(topic));
        inside.map(|message| message.text().to_owned()).collect()
    }

    /// How many messages show `text` on the screen of `chat`.
    pub fn showing(&self, chat: i64, text: &str) -> usize {
        self.lock().chats.get(&chat).map_or(0, |chat| seen(chat).filter(|seen| seen.text() == text).count())
    }

    /// When `sendChatAction` came, whichever action.
    pub fn typing(&self, chat: i64) -> Vec<Instant> {
        self.lock().chats.get(&chat).map(|chat| chat.actions.clone()).unwrap_or_default()
    }

    /// When the person first saw since then that the bot is at work: typing, a draft, or a message.
    pub fn first_reaction(&self, chat: i64, since: Instant) -> Option<Instant> {
        let state = self.lock();
        let chat = state.chats.get(&chat)?;
        let frames = chat.drafts.iter().flat_map(|draft: &Draft| &draft.frames);
        let messages = seen(chat).map(|message| &message.at);
        chat.actions.iter().chain(frames).chain(messages).filter(|at| **at >= since).min().copied()
    }

    /// How many messages of the bot there are in all chats.
    pub fn visible_messages(&self) -> usize {
        self.lock().chats.values().map(|chat| seen(chat).count()).sum()
    }

    /// How many messages show what another one before them shows in the same chat and topic. Placeholders
    /// and media without a caption are left out.
    pub fn duplicates(&self) -> usize {
        let state = self.lock();
        let mut texts: HashMap<(i64, Option<i64>, &str), usize> = HashMap::new();
        for chat in state.chats.values() {
            for message in seen(chat).filter(|message| !matches!(message.text(), "" | PLACEHOLDER)) {
                *texts.entry((chat.id, message.topic, message.text())).or_default() += 1;
            }
        }
        texts.values().map(|count| count - 1).sum()
    }
}

fn seen(chat: &Chat) -> impl Iterator<Item = &SeenMessage> {
    chat.messages.values().filter_map(|message| message.screen.as_ref())
}
