//! The topics of a forum: one for each conversation that operators see.

use contract::Chat;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Bot;
use super::messages::unless;
use crate::error::CallError;

/// Characters of a topic's name.
const NAME: usize = 128;

#[derive(Deserialize)]
struct Topic {
    message_thread_id: i64,
}

impl Bot {
    /// Makes a topic in a forum and gives its id. Of a name, 128 characters are used.
    ///
    /// # Errors
    /// [`CallError`]; after [`CallError::Unknown`] the topic may be there, without a way to find its id.
    pub async fn create_topic(&self, chat: Chat, name: &str) -> Result<i64, CallError> {
        let name: String = name.trim().chars().take(NAME).collect();
        let body = json!({ "chat_id": chat.chat, "name": name });
        let topic: Topic = self.caller.call("createForumTopic", &body).await?;
        Ok(topic.message_thread_id)
    }

    /// Closes the topic that `chat` names; one that is closed already is a success.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::TopicMissing`] when it was deleted, or `chat` names none.
    pub async fn close_topic(&self, chat: Chat) -> Result<(), CallError> {
        self.turn_topic(chat, "closeForumTopic").await
    }

    /// Opens the topic that `chat` names again; one that is open already is a success.
    ///
    /// # Errors
    /// As [`Self::close_topic`].
    pub async fn reopen_topic(&self, chat: Chat) -> Result<(), CallError> {
        self.turn_topic(chat, "reopenForumTopic").await
    }

    async fn turn_topic(&self, chat: Chat, method: &str) -> Result<(), CallError> {
        let topic = chat.topic.ok_or(CallError::TopicMissing)?;
        let body = json!({ "chat_id": chat.chat, "message_thread_id": topic });
        let turned: Result<Value, CallError> = self.caller.call(method, &body).await;
        unless(turned, "topic_not_modified")
    }
}
