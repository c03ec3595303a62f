//! Where a conversation on Telegram takes place.

use std::fmt;
use std::str::FromStr;

/// A chat of a bot, or one topic of it. Written `<bot>:<chat>` or `<bot>:<chat>:<topic>`: the address of a
/// conversation on [`crate::Channel::Telegram`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chat {
    pub bot: i64,
    /// Positive: a person; negative: a group.
    pub chat: i64,
    pub topic: Option<i64>,
}

impl Chat {
    /// Groups have limits of their own, and hear the bot only when they speak to it.
    pub const fn is_group(self) -> bool {
        self.chat < 0
    }

    /// The chat without its topic: what Telegram's limits count by.
    #[must_use]
    pub const fn whole(self) -> Self {
        Self { topic: None, ..self }
    }
}

impl fmt::Display for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.bot, self.chat)?;
        self.topic.map_or(Ok(()), |topic| write!(f, ":{topic}"))
    }
}

/// Not `<bot>:<chat>[:<topic>]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address of a Telegram chat: write <bot>:<chat> or <bot>:<chat>:<topic>, all numbers")]
pub struct NoChat(pub String);

impl FromStr for Chat {
    type Err = NoChat;
    fn from_str(text: &str) -> Result<Self, NoChat> {
        let mut parts = text.split(':').map(|part| part.parse::<i64>().ok());
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Some(bot)), Some(Some(chat)), None, None) => Ok(Self { bot, chat, topic: None }),
            (Some(Some(bot)), Some(Some(chat)), Some(Some(topic)), None) => {
                Ok(Self { bot, chat, topic: Some(topic) })
            }
            _ => Err(NoChat(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_it_is_written() {
        for text in ["12:34", "12:-100200", "12:-100200:7"] {
            assert_eq!(text.parse::<Chat>().map(|chat| chat.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "12", "12:x", "12:34:", "1:2:3:4"] {
            assert_eq!(text.parse::<Chat>(), Err(NoChat(text.to_owned())));
        }
        assert!("1:-2:3".parse::<Chat>().is_ok_and(Chat::is_group));
    }
}
