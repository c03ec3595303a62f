//! The trait every chat model has.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

/// What a model said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub text: String,
}

/// Why a model said nothing. Texts name the cause; they never hold what a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The provider is away: nothing about this question is wrong.
    #[error("the model {0} is unavailable")]
    Unavailable(&'static str),
    /// This call failed; the next one may not.
    #[error("the model failed: {0}")]
    Failed(String),
    /// The provider will never answer this question.
    #[error("the model refused the request: {0}")]
    Rejected(String),
}

/// Hears what there is of a reply.
pub type Grow<'a> = dyn Fn(&str) + Send + Sync + 'a;

/// Writes the answer to a question.
///
/// The ledger cannot fence a provider: a killed worker's question is asked again, and paid twice; a late
/// reply of a worker that lost its claim is thrown away when it settles.
pub trait ChatModel: Debug + Send + Sync {
    /// The name recorded in every answer.
    fn name(&self) -> &'static str;

    /// `grow` is told what there is of the reply so far, whole each time, as often as there is more.
    ///
    /// # Errors
    /// [`ModelError`].
    fn reply<'a>(
        &'a self,
        question: &'a str,
        grow: &'a Grow<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, ModelError>> + Send + 'a>>;
}
