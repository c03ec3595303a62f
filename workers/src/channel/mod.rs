//! Channels that deliver: where a message is sent or edited.

mod loopback;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use loopback::Loopback;

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, ChannelError>> + Send + 'a>>;

/// A messenger that can send and edit.
pub trait Channel: Debug + Send + Sync {
    /// Sends a new message and returns its id on the channel. Not idempotent: never repeat an unknown one
    /// without a policy.
    fn send<'a>(&'a self, address: &'a str, text: &'a str) -> Answer<'a, String>;

    /// Gives a message another text. Idempotent: "not modified" is success.
    fn edit<'a>(&'a self, address: &'a str, target: &'a str, text: &'a str) -> Answer<'a, ()>;
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
}

impl Channels {
    /// The loopback channel at `url`, if there is one.
    pub fn new(loopback_url: Option<&str>) -> Self {
        Self { loopback: loopback_url.map(|url| Arc::new(Loopback::new(url)) as Arc<dyn Channel>) }
    }

    /// `None`: REST, which is fetched, or a channel that is not configured.
    pub fn of(&self, channel: contract::Channel) -> Option<&dyn Channel> {
        match channel {
            contract::Channel::Rest => None,
            contract::Channel::Loopback => self.loopback.as_deref(),
        }
    }
}
