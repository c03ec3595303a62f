//! What the parts of Vectora agree on: identifiers, tickets, stages, and the words of a question.
//!
//! Pure data. **Invariant:** no I/O, no tokio, and no dependency on another crate of the workspace.

pub mod action;
pub mod channel;
pub mod chat;
pub mod content;
pub mod document;
pub mod event;
pub mod id;
pub mod phrase;
pub mod question;
pub mod stage;
pub mod text;
pub mod ticket;

pub use action::Action;
pub use channel::Channel;
pub use chat::Chat;
pub use content::{Button, Content, CopyOf, Span, Style};
pub use document::{Block, Document};
pub use event::QuestionEvent;
pub use id::{
    ApiKeyId, ChunkId, ContactId, ConversationId, DocumentId, EscalationId, GenerationId, IngestionId,
    IntakeKeyId, MessageId, OutboundId, RevisionId, SourceId, TurnId,
};
pub use phrase::{Language, Phrase};
pub use question::{Answer, AnswerKind, Citation, Question, QuestionStatus};
pub use stage::{Kind, Stage, Stream};
pub use text::{QuestionText, TextError};
pub use ticket::{Ticket, TicketError};
