//! A question as the person who asked it sees it.

use serde::{Deserialize, Serialize};

use crate::{ConversationId, MessageId};

/// `GET /v1/questions/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    pub status: QuestionStatus,
    /// The text of the answer or of the refusal.
    pub answer: Option<String>,
    pub citations: Vec<Citation>,
    /// Why there is no answer, fit to be shown: set when the status is `failed`.
    pub error: Option<String>,
}

/// How far a question has come. The last five are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionStatus {
    /// In the ledger; nobody works on it yet.
    Accepted,
    /// Its turn was begun.
    Working,
    Answered,
    /// The knowledge base does not support an answer.
    Refused,
    /// A human has it.
    Escalated,
    /// Given up; `error` says why.
    Failed,
    /// Overtaken by a takeover, `/clear` or an edit.
    Superseded,
}

impl QuestionStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Working => "working",
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Escalated => "escalated",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
        }
    }

    /// Whether nothing more will happen.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Accepted | Self::Working)
    }
}

/// What the `answer` stage decided and wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub kind: AnswerKind,
    pub text: String,
    pub citations: Vec<Citation>,
    /// Which model wrote it, or `none`.
    pub model: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerKind {
    Answered,
    Refused,
    Escalated,
}

impl AnswerKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Escalated => "escalated",
        }
    }
}

/// A source of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The number used in the text, from 1.
    pub number: u32,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub quote: String,
}
