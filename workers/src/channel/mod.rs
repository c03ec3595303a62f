//! Channels that deliver: where a message is sent or edited.

mod loopback;
mod telegram;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use contract::{Content, TurnId};
pub use loopback::Loopback;
pub use telegram::Telegram;

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, ChannelError>> + Send + 'a>>;

/// A messenger that can send and edit.
pub trait Channel: Debug + Send + Sync {
    /// Sends a new message and returns its id on the channel. Not idempotent: never repeat an unknown one
    /// without a policy.
    fn send<'a>(&'a self, address: &'a str, content: &'a Content) -> Answer<'a, String>;

    /// Gives a message another content. Idempotent: "not modified" is success.
    fn edit<'a>(&'a self, address: &'a str, target: &'a str, content: &'a Content) -> Answer<'a, ()>;

    /// Makes a topic for a desk in the group `home`. Not idempotent: an empty one may remain.
    fn open<'a>(&'a self, home: &'a str, name: &'a str) -> Answer<'a, i64> {
        let _ = (home, name);
        Box::pin(async { Err(ChannelError::Rejected("this channel has no topics".to_owned())) })
    }

    /// Closes the topic of a desk, or opens it again. Idempotent.
    fn close<'a>(&'a self, address: &'a str, closed: bool) -> Answer<'a, ()> {
        let _ = (address, closed);
        Box::pin(async { Ok(()) })
    }

    /// Shows that somebody is at it. Fades by itself; a late call shows it once more.
    fn typing<'a>(&'a self, address: &'a str) -> Answer<'a, ()> {
        let _ = address;
        Box::pin(async { Ok(()) })
    }

    /// Whether an answer may be shown while it grows.
    fn shows_drafts(&self, address: &str) -> bool {
        let _ = address;
        false
    }

    /// Shows what there is of an answer; empty at first. It fades by itself and ends with the real message; a late
    /// call shows it once more, and changes no message.
    fn draft<'a>(&'a self, address: &'a str, turn: TurnId, text: &'a str) -> Answer<'a, ()> {
        let _ = (address, turn, text);
        Box::pin(async { Ok(()) })
    }

    /// Tells who pressed a button that it was taken. Harmless to repeat, and of no use when it is late.
    fn acknowledge<'a>(&'a self, press: &'a str, words: Option<&'a str>) -> Answer<'a, ()> {
        let _ = (press, words);
        Box::pin(async { Ok(()) })
    }
}

/// How a call to a channel failed. Texts never hold what was sent.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// Nothing was sent: the channel cannot be reached.
    #[error("the channel cannot be reached: {0}")]
    Away(String),
    /// Bytes were sent and no answer came: it may have arrived.
    #[error("no answer came: {0}")]
    Unknown(String),
    /// Nothing was sent: not before this long.
    #[error("the channel is limiting: not before {0:?}")]
    Limited(Duration),
    /// The person blocked us or is gone.
    #[error("the person is gone")]
    Gone,
    /// Nothing was sent: the chat has this address now.
    #[error("the chat has moved")]
    Moved(String),
    /// Nothing was sent: the topic was deleted.
    #[error("the topic is gone")]
    TopicGone,
    /// The message that was to be edited was deleted.
    #[error("the message is gone")]
    TargetGone,
    /// Nothing was sent; the channel had a fault of its own.
    #[error("the channel failed: {0}")]
    Failed(String),
    /// Nothing was sent; this message never will be.
    #[error("the channel refused the message: {0}")]
    Rejected(String),
}

/// The channels this process can reach.
#[derive(Debug, Default)]
pub struct Channels {
    loopback: Option<Arc<dyn Channel>>,
    telegram: Option<Arc<dyn Channel>>,
}

impl Channels {
    /// The loopback channel at `url`, if there is one, and the bot's chats.
    pub fn new(loopback_url: Option<&str>, bot: Option<::telegram::Bot>) -> Self {
        Self {
            loopback: loopback_url.map(|url| Arc::new(Loopback::new(url)) as Arc<dyn Channel>),
            telegram: bot.map(|bot| Arc::new(Telegram::new(bot)) as Arc<dyn Channel>),
        }
    }

    /// `None`: REST, which is fetched, or a channel that is not configured.
    pub fn of(&self, channel: contract::Channel) -> Option<&Arc<dyn Channel>> {
        match channel {
            contract::Channel::Rest => None,
            contract::Channel::Loopback => self.loopback.as_ref(),
            contract::Channel::Telegram => self.telegram.as_ref(),
        }
    }
}
