//! Identifiers: one type a noun, so that a turn's id never lands where a message's is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new `UUIDv7`: it sorts by the time it was made, which keeps indexes dense.
            #[expect(clippy::new_without_default, reason = "two calls differ, so it is no default")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

ids! {
    /// A REST key.
    ApiKeyId,
    /// A person on one channel.
    ContactId,
    /// A part of a document's text, and its point in the index. Never used again: a text that returns gets a
    /// new one.
    ChunkId,
    /// What is answered in order.
    ConversationId,
    /// A file of a source, through all its revisions.
    DocumentId,
    /// A hand-over to a human.
    EscalationId,
    /// One state of the index: an analyser, a chunker, a collection.
    GenerationId,
    /// One loading of files.
    IngestionId,
    /// The queue of one chat or conversation: its inbox rows are taken in order.
    IntakeKeyId,
    /// A question, from the moment ingress accepts it.
    MessageId,
    /// Something to be sent.
    OutboundId,
    /// One version of a document.
    RevisionId,
    /// A named set of documents: a folder.
    SourceId,
    /// The answering of one or more messages.
    TurnId,
}
