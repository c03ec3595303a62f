//! What a chat model is asked, what it says, and the trait every one of them has.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use crate::ModelError;

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    User,
    Assistant,
}

/// One message of the conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    pub role: Role,
    pub text: String,
}

/// What a model is asked.
#[derive(Clone, PartialEq)]
pub struct Request {
    /// What holds for the whole conversation. Empty: none is sent.
    pub system: String,
    /// The conversation, oldest first; the last one is what is to be answered.
    pub said: Vec<Said>,
    /// The longest answer, in tokens; a provider's own limit may be lower.
    pub max_tokens: u32,
    /// 0 to 2; 0 is the likeliest answer.
    pub temperature: f32,
}

/// Tokens of one reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub prompt: u32,
    pub completion: u32,
    /// The provider did not tell: [`crate::tokens::estimate`] did.
    pub estimated: bool,
}

/// Why a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// It was all said.
    Stop,
    /// A limit on tokens or bytes cut it, between two characters.
    Length,
    /// The provider held something back, or declined.
    Filtered,
}

/// What a model said.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// Whole; the last text that was heard while it grew.
    pub text: String,
    /// Provider and model, such as `openai/gpt-4o-mini`.
    pub model: String,
    pub usage: Usage,
    pub finish: Finish,
}

/// Hears what there is of a reply: whole each time. The same text again is a sign of life of a model that
/// thinks; a shorter one means that another provider took over and begins anew.
pub type Grow<'a> = dyn Fn(&str) + Send + Sync + 'a;

/// A reply under way.
pub type Replying<'a> = Pin<Box<dyn Future<Output = Result<Reply, ModelError>> + Send + 'a>>;

/// Writes the answer to a question.
///
/// The ledger cannot fence a provider: a killed worker's question is asked again, and paid twice; a late
/// reply of a worker that lost its claim is thrown away when it settles.
pub trait ChatModel: Debug + Send + Sync {
    /// Provider and model, such as `openai/gpt-4o-mini`.
    fn name(&self) -> &str;

    /// Tokens of prompt and answer together, at the most.
    fn window(&self) -> u32;

    /// `grow` is told what there is of the reply so far, as often as there is more. Dropping the future ends
    /// the call at the provider too.
    ///
    /// # Errors
    /// [`ModelError`].
    fn reply<'a>(&'a self, request: &'a Request, grow: &'a Grow<'a>) -> Replying<'a>;
}

impl Request {
    /// The last thing a person said; empty when nobody said anything.
    pub fn question(&self) -> &str {
        self.said.iter().rev().find(|said| said.role == Role::User).map_or("", |said| &said.text)
    }
}

// What people write must not reach a log through a `{:?}`.

impl Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} ({} bytes)", self.role, self.text.len())
    }
}

impl Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("said", &self.said)
            .field("max_tokens", &self.max_tokens)
            .field("temperature", &self.temperature)
            .finish_non_exhaustive()
    }
}

impl Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply")
            .field("bytes", &self.text.len())
            .field("model", &self.model)
            .field("usage", &self.usage)
            .field("finish", &self.finish)
            .finish_non_exhaustive()
    }
}
