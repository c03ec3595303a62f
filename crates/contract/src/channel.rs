//! Where a conversation takes place.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The channels there are. A conversation belongs to one for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Questions over HTTP: the ledger and the event stream are their delivery; no outbound rows.
    Rest,
    /// A Telegram bot's chats: an address is a [`crate::Chat`].
    Telegram,
    /// The testkit's messenger, which can send and edit and misbehaves on demand.
    Loopback,
}

impl Channel {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Telegram => "telegram",
            Self::Loopback => "loopback",
        }
    }

    /// Whether answers are sent to the person (outbound rows) or fetched by the client.
    pub const fn delivers(self) -> bool {
        !matches!(self, Self::Rest)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A channel this process does not know.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown channel {0:?}")]
pub struct UnknownChannel(pub String);

impl FromStr for Channel {
    type Err = UnknownChannel;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "rest" => Ok(Self::Rest),
            "telegram" => Ok(Self::Telegram),
            "loopback" => Ok(Self::Loopback),
            other => Err(UnknownChannel(other.to_owned())),
        }
    }
}
