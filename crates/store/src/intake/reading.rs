//! What an update turned out to be, in terms of any channel.

use contract::{Action, Content, Language, Phrase};
use serde_json::Value;

use super::Read;
use crate::contacts::Sender;

#[derive(Debug, Clone)]
pub enum Reading {
    /// Something to be answered.
    Question(Said),
    /// Something no machine reads here: kept for an operator.
    Kept(Said, Kept),
    /// Another text for what was said before.
    Edited(Said),
    Command(Said, Command),
    /// A button. The press itself was acknowledged when it was read.
    Pressed {
        sender: Sender,
        action: Action,
    },
    /// Something in the operators' group.
    Desk(DeskWord),
    /// They blocked the bot, or removed it from their group.
    Left,
    /// They came back.
    Joined,
    /// The chat has another address now.
    Moved(String),
    /// Of a kind that is stored and passed over.
    Passed,
    /// Not said to us: nothing of it is kept.
    Overheard,
}

/// Something a person said.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// To be answered: without the mention of the bot, and without the command.
    pub text: String,
    /// `None` on channels where a chat is a person.
    pub sender: Option<Sender>,
    /// Its id on the channel.
    pub external_id: Option<String>,
    /// As it was said, for operators.
    pub original: Content,
    /// What came with the text, for people who look at the row.
    pub attachment: Option<Value>,
    /// Pictures sent as one message come one by one, under the same name.
    pub album: Option<String>,
}

/// What it is that nobody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Voice,
    Media,
    Other,
}

impl Kept {
    pub(super) const fn notice(self) -> Phrase<'static> {
        match self {
            Self::Voice => Phrase::VoiceUnread,
            Self::Media => Phrase::MediaUnread,
            Self::Other => Phrase::OtherUnread,
        }
    }
}

/// What a person asks of the product rather than of the knowledge base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// With what the link said they came by.
    Start(Option<String>),
    Help,
    /// Without a question.
    Ask,
    /// `None`: which ones there are.
    Language(Option<Language>),
    Clear,
    Human,
}

/// Something in the operators' group.
#[derive(Debug, Clone)]
pub struct DeskWord {
    /// Telegram's id and the name of who wrote it; `None`: an anonymous administrator, or a channel.
    pub operator: Option<(i64, String)>,
    /// The configuration lists them; the ledger may, too.
    pub listed: bool,
    pub act: DeskAct,
    pub external_id: String,
    /// The message of the topic it answers.
    pub reply_to: Option<String>,
}

#[derive(Debug, Clone)]
pub enum DeskAct {
    /// To the person.
    Say(Content),
    /// Another text for what was said to the person.
    Edited(Content),
    Take,
    Return,
    Close,
    /// For operators only.
    Note(String),
    Block,
    Unblock,
    /// A command there is none of.
    Unknown,
}

impl Reading {
    pub(super) const fn is_passed(&self) -> bool {
        matches!(self, Self::Passed | Self::Overheard)
    }

    pub(super) fn sender(&self) -> Option<&Sender> {
        match self {
            Self::Question(said) | Self::Kept(said, _) | Self::Edited(said) | Self::Command(said, _) => {
                said.sender.as_ref()
            }
            Self::Pressed { sender, .. } => Some(sender),
            _ => None,
        }
    }
}

impl Read {
    /// Whether anything of it was said to us.
    pub(super) fn has_words(&self) -> bool {
        self.readings.iter().any(|reading| !reading.is_passed())
    }
}
