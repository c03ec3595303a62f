//! Who answers.

use std::sync::Arc;

use models::ChatModel;

use crate::writer::Writer;

/// Who answers questions.
#[derive(Debug, Clone)]
pub enum Author {
    /// Nobody: sentences of the knowledge base are quoted.
    Quotes,
    /// A model, from the passages that were found.
    Writer(Box<Writer>),
    /// The scripted model, for tests and for measuring the mechanism alone.
    Scripted(Arc<dyn ChatModel>),
}
