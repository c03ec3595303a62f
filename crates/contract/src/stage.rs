//! Stages, and the tables of work they move.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a ticket moves: one variant for every table that has the work columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    IntakeKey,
    Turn,
    Escalation,
    Outbound,
    Revision,
    EmbedBatch,
}

impl Kind {
    pub const ALL: [Self; 6] =
        [Self::IntakeKey, Self::Turn, Self::Escalation, Self::Outbound, Self::Revision, Self::EmbedBatch];

    /// The word used in tickets and `Nats-Msg-Id`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IntakeKey => "intake_key",
            Self::Turn => "turn",
            Self::Escalation => "escalation",
            Self::Outbound => "outbound",
            Self::Revision => "revision",
            Self::EmbedBatch => "embed_batch",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The `JetStream` stream that carries a stage's tickets. Questions never wait behind batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// What people wait for.
    Turns,
    /// Knowledge on its way into the index. Only the dispatcher publishes here, a window at a time.
    Documents,
}

impl Stream {
    pub const ALL: [Self; 2] = [Self::Turns, Self::Documents];

    /// Lower case: the middle word of a subject. The stream's name is `<PREFIX>_<NAME>` in upper case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Turns => "turns",
            Self::Documents => "documents",
        }
    }
}

/// One step of work: a verb, the kind of row it takes, and the stream that carries its tickets.
///
/// Declared as a constant in the stage's own file; `workers::stages` is the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stage {
    /// A verb in lower case: subject token, consumer name, value of the `stage` column.
    pub name: &'static str,
    pub kind: Kind,
    pub stream: Stream,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
