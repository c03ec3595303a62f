//! The people's side: what they do becomes updates.

use serde_json::{Map, Value, json};

use super::chats::{Chat, Gone, Message};
use super::post::without_reply;
use super::say::found;
use super::state::{State, bot, date};
use super::{FakeTelegram, Say};

/// The account behind which administrators hide: the same in all groups.
const ANONYMOUS: i64 = 1_087_968_824;

impl FakeTelegram {
    /// A person who has started the bot. An empty language is an app that does not tell it.
    pub fn person(&self, id: i64, first_name: &str, language: &str) {
        let mut person = json!({ "id": id, "is_bot": false, "first_name": first_name });
        if !language.is_empty() {
            person["language_code"] = language.into();
        }
        let mut state = self.lock();
        state.people.insert(id, person);
        state.chats.entry(id).or_insert_with(|| Chat::private(id, first_name));
    }

    /// A group with the bot as administrator; with `forum` it has topics. The id is negative.
    pub fn group(&self, id: i64, title: &str, forum: bool) {
        self.lock().chats.entry(id).or_insert_with(|| Chat::group(id, title, forum));
    }

    /// Says it to the bot alone: returns the number of the update.
    pub fn say(&self, user: i64, text: &str) -> i64 {
        self.say_with(Say::by(user).text(text))
    }

    /// # Panics
    /// When the person or the chat is not known.
    pub fn say_with(&self, say: Say) -> i64 {
        let id = self.lock().said(say);
        self.wake();
        id
    }

    /// The person changes the message that this update brought.
    ///
    /// # Panics
    /// When that update brought none.
    pub fn edit(&self, update_id: i64, text: &str) -> i64 {
        let message_id = self.message_of(update_id);
        let id = self.lock().changed(update_id, message_id, text);
        self.wake();
        id
    }

    /// A button under a message of the bot, pressed: even one that is not there any more.
    ///
    /// # Panics
    /// When the person or the chat is not known.
    pub fn press(&self, user: i64, chat: i64, message_id: i64, callback_data: &str) -> i64 {
        let id = self.lock().pressed(user, chat, message_id, callback_data);
        self.wake();
        id
    }

    pub fn block(&self, user: i64) {
        self.membership(user, user, Some(Gone::Blocked), ["member", "kicked"]);
    }

    pub fn unblock(&self, user: i64) {
        self.membership(user, user, None, ["kicked", "member"]);
    }

    /// Throws the bot out of a group.
    pub fn kick(&self, group: i64) {
        self.membership(group, ANONYMOUS, Some(Gone::Kicked), ["administrator", "kicked"]);
    }

    fn membership(&self, chat: i64, by: i64, gone: Option<Gone>, [before, after]: [&str; 2]) {
        let mut state = self.lock();
        let from = state.people.get(&by).cloned().unwrap_or_else(anonymous);
        let chat = state.chats.get_mut(&chat).unwrap_or_else(|| panic!("chat {chat} is not known"));
        chat.gone = gone;
        let change = json!({
            "chat": chat.face,
            "from": from,
            "date": date(),
            "old_chat_member": { "user": bot(), "status": before },
            "new_chat_member": { "user": bot(), "status": after, "until_date": 0 },
        });
        state.updates.emit("my_chat_member", &change);
        drop(state);
        self.wake();
    }

    /// The group becomes a supergroup under a new id, with nothing of its history: returns that id.
    ///
    /// # Panics
    /// When the group is not known.
    pub fn migrate(&self, group: i64) -> i64 {
        let to = self.lock().migrated(group);
        self.wake();
        to
    }
}

impl State {
    fn said(&mut self, say: Say) -> i64 {
        for file in &say.files {
            self.files.mention(file);
        }
        let from = if say.anonymous { anonymous() } else { self.one(say.from) };
        let chat = self.chats.get_mut(&say.chat).unwrap_or_else(|| panic!("chat {} is not known", say.chat));
        let id = chat.next_id();
        let mut value = json!({ "message_id": id, "from": from, "chat": chat.face, "date": date() });
        if say.anonymous {
            value["sender_chat"] = chat.face.clone();
        }
        if let Some(topic) = say.topic {
            value["message_thread_id"] = topic.into();
            value["is_topic_message"] = true.into();
        }
        // In a topic, what replies to nothing replies to the topic's beginning: bots trip over that.
        if let Some(replied) = say.reply_to.or(say.topic).and_then(|id| chat.messages.get(&id)) {
            value["reply_to_message"] = without_reply(&replied.value);
        }
        let Value::Object(fields) = &mut value else { unreachable!("a message is an object") };
        put_text(fields, &say.text, say.entities, say.media.is_some());
        fields.extend(say.media);
        fields.extend(say.more);
        chat.messages.insert(id, Message { value: value.clone(), topic: say.topic, screen: None });
        self.updates.emit("message", &value)
    }

    fn changed(&mut self, update_id: i64, message_id: i64, text: &str) -> i64 {
        let update = self.updates.logged(update_id).cloned().unwrap_or_default();
        let chat = ["message", "edited_message"].iter().find_map(|kind| update[kind]["chat"]["id"].as_i64());
        let message = chat
            .and_then(|chat| self.chats.get_mut(&chat))
            .and_then(|chat| chat.messages.get_mut(&message_id))
            .unwrap_or_else(|| panic!("update {update_id} brought no message of a person"));
        let Value::Object(fields) = &mut message.value else { unreachable!("a message is an object") };
        let captioned = !fields.contains_key("text");
        fields.insert("edit_date".to_owned(), date().into());
        put_text(fields, text, Vec::new(), captioned);
        self.updates.emit("edited_message", &message.value)
    }

    fn pressed(&mut self, user: i64, chat: i64, message_id: i64, data: &str) -> i64 {
        let from = self.one(user);
        let place = self.chats.get(&chat).unwrap_or_else(|| panic!("chat {chat} is not known"));
        // A message that is gone is told by its date of 0.
        let gone = || json!({ "chat": place.face, "message_id": message_id, "date": 0 });
        let message = place.messages.get(&message_id).map_or_else(gone, |message| message.value.clone());
        let query_id = format!("{}", 9_000_000 + self.queries.len());
        self.queries.insert(query_id.clone());
        let query = json!({
            "id": query_id,
            "from": from,
            "message": message,
            "chat_instance": format!("instance-{chat}"),
            "data": data,
        });
        self.updates.emit("callback_query", &query)
    }

    fn migrated(&mut self, group: i64) -> i64 {
        // Supergroups begin with -100; what is one already gets the next number.
        let to = if group < -1_000_000_000_000 { group - 1 } else { group - 1_000_000_000_000 };
        let old = self.chats.get_mut(&group).unwrap_or_else(|| panic!("group {group} is not known"));
        old.gone = Some(Gone::Migrated(to));
        let mut new = Chat::group(to, old.face["title"].as_str().unwrap_or_default(), old.forum);
        new.topics = old.topics.clone();
        let service = |chat: &mut Chat, name: &str, other: i64| {
            let mut value = json!({ "message_id": chat.next_id(), "from": anonymous(),
                "sender_chat": chat.face, "chat": chat.face, "date": date() });
            value[name] = other.into();
            value
        };
        let leaving = service(old, "migrate_to_chat_id", to);
        let arriving = service(&mut new, "migrate_from_chat_id", group);
        self.chats.insert(to, new);
        self.updates.emit("message", &leaving);
        self.updates.emit("message", &arriving);
        to
    }

    fn one(&self, id: i64) -> Value {
        self.people.get(&id).cloned().unwrap_or_else(|| panic!("person {id} is not known"))
    }
}

fn put_text(fields: &mut Map<String, Value>, text: &str, given: Vec<Value>, caption: bool) {
    let (name, entities_name) = if caption { ("caption", "caption_entities") } else { ("text", "entities") };
    fields.remove(entities_name);
    if text.is_empty() {
        fields.remove(name);
        return;
    }
    fields.insert(name.to_owned(), text.into());
    let entities: Vec<Value> = found(text).into_iter().chain(given).collect();
    if !entities.is_empty() {
        fields.insert(entities_name.to_owned(), entities.into());
    }
}

fn anonymous() -> Value {
    json!({ "id": ANONYMOUS, "is_bot": true, "first_name": "Group", "username": "GroupAnonymousBot" })
}
