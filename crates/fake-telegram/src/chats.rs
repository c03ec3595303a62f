//! A chat: who is in it, what was said, and whether the bot may still speak.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use super::answer::Refusal;
use super::drafts::Draft;
use super::params::Params;
use super::screen::SeenMessage;
use super::topics::Topic;

/// Why the bot cannot act here any more.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gone {
    Blocked,
    Kicked,
    Migrated(i64),
}

#[derive(Debug)]
pub(super) struct Chat {
    pub(super) id: i64,
    /// As it appears in messages.
    pub(super) face: Value,
    pub(super) private: bool,
    pub(super) forum: bool,
    pub(super) may_manage_topics: bool,
    pub(super) gone: Option<Gone>,
    pub(super) messages: BTreeMap<i64, Message>,
    pub(super) topics: BTreeMap<i64, Topic>,
    pub(super) drafts: Vec<Draft>,
    pub(super) actions: Vec<Instant>,
    last: i64,
}

#[derive(Debug)]
pub(super) struct Message {
    /// As it appears in updates and results.
    pub(super) value: Value,
    pub(super) topic: Option<i64>,
    /// What the bot put on the screen; nothing for what people wrote, and for service messages.
    pub(super) screen: Option<SeenMessage>,
}

impl Chat {
    fn new(id: i64, face: Value) -> Self {
        Self {
            id,
            face,
            private: id > 0,
            forum: false,
            may_manage_topics: true,
            gone: None,
            messages: BTreeMap::new(),
            topics: BTreeMap::new(),
            drafts: Vec::new(),
            actions: Vec::new(),
            last: 0,
        }
    }

    pub(super) fn private(id: i64, first_name: &str) -> Self {
        Self::new(id, json!({ "id": id, "type": "private", "first_name": first_name }))
    }

    pub(super) fn group(id: i64, title: &str, forum: bool) -> Self {
        // Only supergroups have topics, and their ids begin with -100.
        let kind = if forum || id < -1_000_000_000_000 { "supergroup" } else { "group" };
        let mut face = json!({ "id": id, "type": kind, "title": title });
        if forum {
            face["is_forum"] = true.into();
        }
        Self { forum, ..Self::new(id, face) }
    }

    /// Each chat counts for itself, as supergroups do: equal ids in two chats are two messages.
    pub(super) fn next_id(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    pub(super) fn admits(&self) -> Result<(), Refusal> {
        match self.gone {
            None => Ok(()),
            Some(Gone::Blocked) => Err(Refusal::forbidden("bot was blocked by the user")),
            Some(Gone::Kicked) if self.face["type"] == "group" => {
                Err(Refusal::forbidden("bot was kicked from the group chat"))
            }
            Some(Gone::Kicked) => Err(Refusal::forbidden("bot was kicked from the supergroup chat")),
            Some(Gone::Migrated(to)) => Err(Refusal::migrated(to)),
        }
    }

    /// The topic that a call names. The general topic has no id that can be sent to, as in Telegram.
    pub(super) fn thread(&self, params: &Params) -> Result<Option<i64>, Refusal> {
        let Some(id) = params.int("message_thread_id").filter(|id| *id != 0) else { return Ok(None) };
        match self.topics.get(&id) {
            Some(topic) if !topic.deleted => Ok(Some(id)),
            _ => Err(Refusal::bad("message thread not found")),
        }
    }
}
