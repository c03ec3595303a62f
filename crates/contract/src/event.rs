//! What is told over core NATS while a question is worked on: a hint to look, never the truth.

use serde::{Deserialize, Serialize};

/// One frame on `<prefix>.events.question.<id>`. A reader ignores frames of a lower epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionEvent {
    /// The epoch of the claim that speaks; 0 when the sender holds none.
    pub epoch: i64,
    /// The stage that has begun or is at work, or `None` when the question's row has changed: read the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// What there is of the answer by now, checked, from its beginning: who missed a frame has missed nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl QuestionEvent {
    /// A stage has begun.
    pub fn begun(epoch: i64, stage: &str) -> Self {
        Self { epoch, stage: Some(stage.to_owned()), text: None }
    }

    /// The question's row has changed.
    pub const fn changed(epoch: i64) -> Self {
        Self { epoch, stage: None, text: None }
    }

    /// What a stage has of the answer by now.
    pub fn growing(epoch: i64, stage: &str, text: &str) -> Self {
        Self { text: Some(text.to_owned()), ..Self::begun(epoch, stage) }
    }
}
