//! A Telegram bot's chats.
//!
//! What a repeat and a late call do, by kind, is said in `store::outbound::sending` for messages, and at each method of
//! [`Channel`] for signs of presence.

use ::telegram::{Bot, CallError};
use contract::{Chat, Content, TurnId};

use super::{Answer, Channel, ChannelError};

#[derive(Debug)]
pub struct Telegram {
    bot: Bot,
}

impl Telegram {
    pub const fn new(bot: Bot) -> Self {
        Self { bot }
    }
}

impl Channel for Telegram {
    fn send<'a>(&'a self, address: &'a str, content: &'a Content) -> Answer<'a, String> {
        Box::pin(async move {
            let chat = chat(address)?;
            let sent = self.bot.send(chat, content).await;
            sent.map_err(|error| match error {
                // Of a copy: what it copies was deleted.
                CallError::MessageMissing => ChannelError::Rejected(error.to_string()),
                error => outcome(error, chat),
            })
        })
    }

    fn edit<'a>(&'a self, address: &'a str, target: &'a str, content: &'a Content) -> Answer<'a, ()> {
        Box::pin(async move {
            let chat = chat(address)?;
            self.bot.edit(chat, target, content).await.map_err(|error| outcome(error, chat))
        })
    }

    fn open<'a>(&'a self, home: &'a str, name: &'a str) -> Answer<'a, i64> {
        Box::pin(async move {
            let chat = chat(home)?;
            self.bot.create_topic(chat, name).await.map_err(|error| outcome(error, chat))
        })
    }

    fn close<'a>(&'a self, address: &'a str, closed: bool) -> Answer<'a, ()> {
        Box::pin(async move {
            let chat = chat(address)?;
            let done =
                if closed { self.bot.close_topic(chat).await } else { self.bot.reopen_topic(chat).await };
            done.map_err(|error| outcome(error, chat))
        })
    }

    fn typing<'a>(&'a self, address: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let chat = chat(address)?;
            self.bot.typing(chat).await.map_err(|error| outcome(error, chat))
        })
    }

    fn shows_drafts(&self, address: &str) -> bool {
        chat(address).is_ok_and(|chat| !chat.is_group())
    }

    fn draft<'a>(&'a self, address: &'a str, turn: TurnId, text: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let chat = chat(address)?;
            self.bot.draft(chat, draft_id(turn), text).await.map_err(|error| outcome(error, chat))
        })
    }

    fn acknowledge<'a>(&'a self, press: &'a str, words: Option<&'a str>) -> Answer<'a, ()> {
        Box::pin(async move {
            let nowhere = Chat { bot: self.bot.id(), chat: 0, topic: None };
            self.bot.answer_callback(press, words).await.map_err(|error| outcome(error, nowhere))
        })
    }
}

fn chat(address: &str) -> Result<Chat, ChannelError> {
    address.parse().map_err(|error: contract::chat::NoChat| ChannelError::Rejected(error.to_string()))
}

/// The same for every frame of a turn, and never 0. 31 bits of randomness tell the turns of a chat apart.
fn draft_id(turn: TurnId) -> i64 {
    let bits = i64::try_from(turn.0.as_u128() & 0x7fff_ffff).unwrap_or(1);
    bits.max(1)
}

fn outcome(error: CallError, chat: Chat) -> ChannelError {
    match error {
        CallError::Away(why) => ChannelError::Away(why),
        CallError::Unknown(why) => ChannelError::Unknown(why),
        CallError::Limited(wait) => ChannelError::Limited(wait),
        CallError::Gone(_) => ChannelError::Gone,
        CallError::Migrated(group) => ChannelError::Moved(Chat { chat: group, ..chat }.to_string()),
        CallError::TopicMissing => ChannelError::TopicGone,
        CallError::MessageMissing => ChannelError::TargetGone,
        // Nothing is wrong with the message: with another token, or when Telegram is well again, it can be sent.
        error @ (CallError::Unauthorized | CallError::Conflict(_) | CallError::Failed(_)) => {
            ChannelError::Away(error.to_string())
        }
        error @ (CallError::Refused(_) | CallError::Unparsable) => ChannelError::Rejected(error.to_string()),
    }
}
