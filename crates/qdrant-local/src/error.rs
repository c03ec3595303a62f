//! What goes wrong: at the start ([`Error`]), and in a call ([`Refusal`], with Qdrant's words and codes).

use std::{io, path::PathBuf};

use qdrant_edge::OperationError;
use tonic::Status;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory could not be made, read or tidied.
    #[error("the index directory {} cannot be used", path.display())]
    Directory {
        /// The directory, or what lies in it.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Another process writes there; two would destroy it.
    #[error("the index directory {} is in use by another process", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The port is taken, or the address is not this machine's.
    #[error("the index cannot listen on {address}")]
    Listen {
        /// What was asked for.
        address: std::net::SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
}

/// Why a call is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("Not found: Collection `{0}` doesn't exist!")]
    Missing(String),
    #[error("Wrong input: Collection `{0}` already exists!")]
    Exists(String),
    #[error("Wrong input: {0}")]
    Invalid(String),
    /// What Qdrant checks before it looks at the collection.
    #[error("Validation error in body: [{field}: {reason}]")]
    Field { field: &'static str, reason: String },
    #[error("{0} is not implemented by the embedded index; use a Qdrant server")]
    Unsupported(&'static str),
    /// Its directory did not open; the reason was logged at the start.
    #[error("Service internal error: Collection `{name}` is damaged: {reason}")]
    Damaged { name: String, reason: String },
    #[error("Service internal error: {0}")]
    Failed(String),
    /// Its thread has ended: the server stops, or the engine failed.
    #[error("the collection is closed")]
    Closed,
}

impl Refusal {
    pub(crate) fn field(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Field { field, reason: reason.into() }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::Missing(_) => Self::not_found(message),
            Refusal::Exists(_) => Self::already_exists(message),
            Refusal::Invalid(_) | Refusal::Field { .. } => Self::invalid_argument(message),
            Refusal::Unsupported(_) => Self::unimplemented(message),
            Refusal::Damaged { .. } | Refusal::Failed(_) => Self::internal(message),
            Refusal::Closed => Self::unavailable(message),
        }
    }
}

impl From<OperationError> for Refusal {
    /// The caller's mistakes are named as Qdrant names them; all else is the engine's.
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::WrongVectorDimension { .. }
            | OperationError::VectorNameNotExists { .. }
            | OperationError::ValidationError { .. }
            | OperationError::WrongSparse
            | OperationError::WrongMulti => Self::Invalid(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}
