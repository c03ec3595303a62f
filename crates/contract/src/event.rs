//! What is told over core NATS while a question is worked on: a hint to look, never the truth.

use serde::{Deserialize, Serialize};

/// One frame on `<prefix>.events.question.<id>`. A reader ignores frames of a lower epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionEvent {
    /// The epoch of the claim that speaks; 0 when the sender holds none.
    pub epoch: i64,
    /// The stage that has begun, or `None` when the question's row has changed: read the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
}
