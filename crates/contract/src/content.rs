//! What is shown to a person, in terms any channel can show.

use serde::{Deserialize, Serialize};

/// A message that goes out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// How parts of the text look. A channel without formatting shows the text alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// Rows of buttons under the message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Vec<Button>>,
    /// The message of the same chat that this one answers, by its id on the channel. It may be gone by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// A message of another chat on the same channel that is shown instead of the text, whatever it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<CopyOf>,
}

impl Content {
    /// Text alone.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// A part of a text that looks different. Spans may nest; they never cross.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First UTF-16 unit of the text it covers, from 0.
    pub start: u32,
    /// UTF-16 units it covers, at least 1.
    pub length: u32,
    #[serde(flatten)]
    pub style: Style,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "style", rename_all = "snake_case")]
pub enum Style {
    Bold,
    Italic,
    Underline,
    Strikethrough,
    Spoiler,
    Quote,
    /// Within a line.
    Code,
    /// Lines of their own.
    Pre {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
    },
    Link {
        url: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    pub label: String,
    /// What comes back when it is pressed: at most 64 bytes (Telegram's `callback_data`).
    pub action: String,
}

/// A message of another chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyOf {
    /// The chat, as its conversation's address.
    pub address: String,
    /// Its id in that chat.
    pub message: String,
}
