//! How a call ended, as far as it can be known.
//!
//! The Bot API has no idempotency keys, so the one question that decides whether a call may be repeated is whether
//! Telegram may have done it. [`CallError::Unknown`] is the only answer that leaves it open.

use std::time::Duration;

use serde::Deserialize;

/// Why a call has no result. The texts are Telegram's own descriptions or the transport's, never what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Nothing was sent: there was no connection.
    #[error("Telegram cannot be reached: {0}")]
    Away(String),
    /// Bytes left and no whole answer came: it may have been done.
    #[error("it is not known whether Telegram did it: {0}")]
    Unknown(String),
    /// Too many messages; nothing was done. Not before this time has passed.
    #[error("Telegram asks to wait for {0:?}")]
    Limited(Duration),
    /// The person blocked the bot, the group threw it out, or there is no such chat.
    #[error("the chat is gone: {0}")]
    Gone(String),
    /// The group is a supergroup now, with this id.
    #[error("the group became the supergroup {0}")]
    Migrated(i64),
    /// The topic was deleted. A topic that is merely closed is [`CallError::Refused`]: the bot may open it again.
    #[error("the topic does not exist any more")]
    TopicMissing,
    /// The message that was to be edited or copied does not exist.
    #[error("the message does not exist any more")]
    MessageMissing,
    /// Telegram could not read the formatting.
    #[error("Telegram cannot read the formatting")]
    Unparsable,
    /// Somebody else polls with this token, or a webhook is set.
    #[error("another receiver has the bot's updates: {0}")]
    Conflict(String),
    /// The token is wrong or was withdrawn.
    #[error("Telegram does not know the bot's token")]
    Unauthorized,
    /// Telegram will not do it, however often it is asked.
    #[error("Telegram refuses: {0}")]
    Refused(String),
    /// Telegram's own fault; nothing was done.
    #[error("Telegram failed: {0}")]
    Failed(String),
}

impl CallError {
    /// Whether the same call can be made again without any risk that a person sees it twice.
    pub const fn nothing_was_done(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }

    /// Telegram's words for an edit, or a topic's state, that is already as it was asked to be.
    pub(crate) fn says(&self, words: &str) -> bool {
        matches!(self, Self::Refused(description) if description.to_lowercase().contains(words))
    }
}

/// What Telegram sends instead of a result.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default)]
    pub(crate) error_code: Option<u16>,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) parameters: Parameters,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Parameters {
    /// Seconds.
    #[serde(default)]
    pub(crate) retry_after: Option<u64>,
    #[serde(default)]
    pub(crate) migrate_to_chat_id: Option<i64>,
}

/// Descriptions of a chat that cannot be written to, lower-case. Telegram sends them as 400; 403 needs no words.
const GONE: &[&str] = &[
    "chat not found",
    "user is deactivated",
    "peer_id_invalid",
    "user not found",
    "bot was blocked",
    "bot was kicked",
    "group chat was deactivated",
];
const TOPIC: &[&str] = &["message thread not found", "topic_deleted", "topic_id_invalid"];
const MESSAGE: &[&str] = &["message to edit not found", "message to copy not found", "message_id_invalid"];
/// `entity_bounds_invalid` and its like come without "can't parse entities".
const ENTITIES: &[&str] = &["can't parse entities", "entity_"];

/// What a refusal means. `retry_after`: the header, for a gateway that limits without Telegram's JSON.
pub(crate) fn classify(status: u16, refusal: Refusal, retry_after: Option<Duration>) -> CallError {
    let Refusal { error_code, description, parameters } = refusal;
    if let Some(chat) = parameters.migrate_to_chat_id {
        return CallError::Migrated(chat);
    }
    let code = error_code.unwrap_or(status);
    let said = description.to_lowercase();
    let says = |any: &[&str]| any.iter().any(|words| said.contains(words));
    match code {
        429 => {
            let seconds = parameters.retry_after.map(Duration::from_secs);
            CallError::Limited(seconds.or(retry_after).unwrap_or(Duration::from_secs(1)))
        }
        401 | 404 => CallError::Unauthorized,
        403 => CallError::Gone(description),
        409 => CallError::Conflict(description),
        400 if says(TOPIC) => CallError::TopicMissing,
        400 if says(MESSAGE) => CallError::MessageMissing,
        400 if says(ENTITIES) => CallError::Unparsable,
        400 if says(GONE) => CallError::Gone(description),
        500.. => CallError::Failed(description),
        _ => CallError::Refused(description),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad_request(description: &str) -> CallError {
        let refusal = Refusal { description: description.to_owned(), ..Refusal::default() };
        classify(400, refusal, None)
    }

    #[test]
    fn telegrams_words_decide_what_a_bad_request_is() {
        assert!(matches!(bad_request("Bad Request: chat not found"), CallError::Gone(_)));
        assert!(matches!(bad_request("Forbidden: user is deactivated"), CallError::Gone(_)));
        assert_eq!(bad_request("Bad Request: message thread not found"), CallError::TopicMissing);
        assert_eq!(bad_request("Bad Request: TOPIC_DELETED"), CallError::TopicMissing);
        assert!(matches!(bad_request("Bad Request: TOPIC_CLOSED"), CallError::Refused(_)));
        assert_eq!(bad_request("Bad Request: message to edit not found"), CallError::MessageMissing);
        assert_eq!(bad_request("Bad Request: MESSAGE_ID_INVALID"), CallError::MessageMissing);
        assert_eq!(bad_request("Bad Request: can't parse entities: …"), CallError::Unparsable);
        assert!(matches!(bad_request("Bad Request: message is too long"), CallError::Refused(_)));
    }

    #[test]
    fn only_what_may_have_been_done_is_unsafe_to_repeat() {
        assert!(!CallError::Unknown("cut".to_owned()).nothing_was_done());
        assert!(CallError::Away("refused".to_owned()).nothing_was_done());
    }
}
