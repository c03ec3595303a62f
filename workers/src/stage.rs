//! What a stage is: how its input is loaded, what it does, and how its result is settled.
//!
//! Loading and settling take many items, because under load claims and settles go in batches; handling
//! takes one. A stage never sees its ticket, its lease or its retries: those are the runner's.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;

use contract::MessageId;
use store::work::{Claim, Outcome, Verdict};

/// A claimed row, what it was worked on with, and what is to become of it.
pub type Settling<I, O> = (Claim, I, Verdict<O>);

/// Work of one kind. The file of a stage opens with what it reads, writes and deliberately does not do.
pub trait Stage: Send + Sync + 'static {
    const STAGE: contract::Stage;
    /// What is loaded for a claimed row.
    type Input: Clone + Send + Sync + 'static;
    /// What handling leads to.
    type Output: Clone + Send + Sync + 'static;

    /// The inputs of claimed rows, in their order. `None`: the row has nothing to work on.
    fn load(
        &self,
        claims: &[Claim],
    ) -> impl Future<Output = Result<Vec<Option<Self::Input>>, store::Error>> + Send;

    /// The work on one row. It may be cancelled at any await, and done again elsewhere.
    fn handle(
        &self,
        claim: &Claim,
        input: &Self::Input,
    ) -> impl Future<Output = Result<Self::Output, StageError>> + Send;

    /// Writes the verdicts in one transaction, each row fenced on its own.
    fn settle(
        &self,
        batch: &[Settling<Self::Input, Self::Output>],
    ) -> impl Future<Output = Result<Vec<Outcome>, store::Error>> + Send;

    /// Whether a result shows that the stage's dependencies are there, which closes its breaker. Not so when
    /// none was called.
    fn proves_dependencies(_output: &Self::Output) -> bool {
        true
    }

    /// The questions that are told "this stage has begun".
    fn questions(_input: &Self::Input) -> &[MessageId] {
        &[]
    }
}

/// Why the work on a row did not lead to a result: a decision, and its source. There is no blanket `From`,
/// so every `?` says which.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A dependency is away: nothing about this item is wrong. The claim is taken back and nothing counted.
    #[error("{dependency} is unavailable")]
    Unavailable { dependency: &'static str, source: Box<dyn Error + Send + Sync> },
    /// This item waits for something of its own, which other items do not need: a generation without a collection,
    /// a channel this process does not serve. The claim is taken back, nothing is counted, and **the others go on**:
    /// an open breaker would let the oldest such item be the probe for ever.
    #[error("the item waits")]
    Waits { source: Box<dyn Error + Send + Sync> },
    /// This item failed, and may succeed later: one attempt used.
    #[error("the attempt failed")]
    Retry { source: Box<dyn Error + Send + Sync> },
    /// This item will never succeed.
    #[error("the item was rejected")]
    Reject { source: Box<dyn Error + Send + Sync> },
}

impl StageError {
    /// Tells a ledger that is away from one that refuses.
    pub fn ledger(error: impl Into<Arc<store::Error>>) -> Self {
        let error = error.into();
        if error.is_unavailable() {
            Self::Unavailable { dependency: crate::runner::LEDGER, source: error.into() }
        } else {
            Self::Retry { source: error.into() }
        }
    }
}

/// An error with its causes, for the ledger's `last_error`: "a: b: c". Without NUL, which PostgreSQL stores in
/// no text.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text.replace('\0', "")
}
