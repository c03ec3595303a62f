//! Forum topics: the operators' side of conversations.

use serde_json::json;

use super::FakeTelegram;
use super::answer::{Answer, Refusal};
use super::chats::{Chat, Message};
use super::params::Params;
use super::state::{State, bot, date};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    pub id: i64,
    pub name: String,
    pub closed: bool,
    pub deleted: bool,
}

/// The colour of topics that name none.
const ICON_COLOR: i64 = 0x006F_B9F0;

impl State {
    pub(super) fn create_topic(&mut self, params: &Params) -> Answer {
        let chat = self.forum(params)?;
        let name = name(params)?.ok_or_else(|| Refusal::bad("topic name is empty"))?;
        let color = params.int("icon_color").unwrap_or(ICON_COLOR);
        let id = chat.open_topic(&name, color);
        Ok(json!({ "message_thread_id": id, "name": name, "icon_color": color }))
    }

    pub(super) fn close_topic(&mut self, params: &Params, closed: bool) -> Answer {
        let topic = self.topic(params)?;
        if topic.closed == closed {
            return Err(Refusal::bad("TOPIC_NOT_MODIFIED"));
        }
        topic.closed = closed;
        Ok(true.into())
    }

    pub(super) fn rename_topic(&mut self, params: &Params) -> Answer {
        let name = name(params)?;
        let topic = self.topic(params)?;
        let Some(name) = name.filter(|name| *name != topic.name) else {
            return Err(Refusal::bad("TOPIC_NOT_MODIFIED"));
        };
        topic.name = name;
        Ok(true.into())
    }

    pub(super) fn remove_topic(&mut self, params: &Params) -> Answer {
        self.topic(params)?.deleted = true;
        Ok(true.into())
    }

    /// The chat of a call that is about topics.
    fn forum(&mut self, params: &Params) -> Result<&mut Chat, Refusal> {
        let chat = self.chat(params)?;
        if !chat.forum {
            return Err(Refusal::bad("the chat is not a forum"));
        }
        if !chat.may_manage_topics {
            return Err(Refusal::bad("not enough rights to manage topics"));
        }
        Ok(chat)
    }

    fn topic(&mut self, params: &Params) -> Result<&mut Topic, Refusal> {
        let id = params.int("message_thread_id").ok_or_else(|| Refusal::bad("TOPIC_ID_INVALID"))?;
        let topic = self.forum(params)?.topics.get_mut(&id).filter(|topic| !topic.deleted);
        topic.ok_or_else(|| Refusal::bad("TOPIC_ID_INVALID"))
    }
}

/// At most 128 characters.
fn name(params: &Params) -> Result<Option<String>, Refusal> {
    let Some(name) = params.text("name").map(str::trim).filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    if name.chars().count() > 128 {
        return Err(Refusal::bad("TOPIC_TITLE_INVALID"));
    }
    Ok(Some(name.to_owned()))
}

impl Chat {
    /// A topic's id is the id of the service message that it begins with.
    fn open_topic(&mut self, name: &str, color: i64) -> i64 {
        let id = self.next_id();
        let value = json!({
            "message_id": id,
            "message_thread_id": id,
            "is_topic_message": true,
            "from": bot(),
            "chat": self.face,
            "date": date(),
            "forum_topic_created": { "name": name, "icon_color": color },
        });
        self.messages.insert(id, Message { value, topic: Some(id), screen: None });
        self.topics.insert(id, Topic { id, name: name.to_owned(), closed: false, deleted: false });
        id
    }
}

impl FakeTelegram {
    /// All that ever were, oldest first.
    pub fn topics(&self, group: i64) -> Vec<Topic> {
        self.lock().chats.get(&group).map(|chat| chat.topics.values().cloned().collect()).unwrap_or_default()
    }

    /// People create a topic: returns its id. Nothing is delivered.
    ///
    /// # Panics
    /// When there is no such group.
    pub fn create_topic(&self, group: i64, name: &str) -> i64 {
        let mut state = self.lock();
        state.chats.get_mut(&group).expect("the group is known").open_topic(name, ICON_COLOR)
    }

    /// People delete a topic. Telegram tells nobody: the bot finds out by its next message there.
    pub fn delete_topic(&self, group: i64, id: i64) {
        let mut state = self.lock();
        if let Some(topic) = state.chats.get_mut(&group).and_then(|chat| chat.topics.get_mut(&id)) {
            topic.deleted = true;
        }
    }

    /// Gives or takes the bot's right to manage topics.
    pub fn allow_topics(&self, group: i64, allowed: bool) {
        if let Some(chat) = self.lock().chats.get_mut(&group) {
            chat.may_manage_topics = allowed;
        }
    }
}
