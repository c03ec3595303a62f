//! What can go wrong with the index, told apart by what the caller does about it.

use qdrant_client::QdrantError;
use tonic::Code;

/// Characters of the server's own words that are kept: they name collections and limits, and none is longer
/// that helps. Texts never reach the index, so they cannot come back from it.
const MESSAGE: usize = 200;

/// A call to the index that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The dependency is unavailable: the same call may succeed later, and says nothing about this item.
    #[error("the index is away: {0}")]
    Away(Cause),
    /// The collection is not there: its generation was retired, or the index was emptied.
    #[error("the index has no collection {0}")]
    Missing(String),
    /// The index understood and declined; the same call will not succeed.
    #[error("the index refused: {0}")]
    Refused(String),
}

/// Why the index counts as away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    #[error("no connection")]
    Connection,
    #[error("no answer within the time limit")]
    TimeLimit,
    #[error("it asks for patience")]
    Busy,
}

impl IndexError {
    /// Whether waiting is the remedy.
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Away(_))
    }

    pub(super) fn of(error: &QdrantError, collection: &str) -> Self {
        match error {
            QdrantError::ResponseError { status } => Self::of_status(status, collection),
            QdrantError::ResourceExhaustedError { .. } => Self::Away(Cause::Busy),
            QdrantError::Io(_) => Self::Away(Cause::Connection),
            other => Self::Refused(shortened(&other.to_string())),
        }
    }

    fn of_status(status: &tonic::Status, collection: &str) -> Self {
        match status.code() {
            Code::Unavailable => Self::Away(Cause::Connection),
            // The client's own limit ends a call as `Cancelled`.
            Code::DeadlineExceeded | Code::Cancelled => Self::Away(Cause::TimeLimit),
            // A connection that cannot be made, and one that breaks under a call.
            Code::Internal | Code::Unknown if is_transport(status) => Self::Away(Cause::Connection),
            Code::NotFound => Self::Missing(collection.to_owned()),
            Code::Unauthenticated | Code::PermissionDenied => {
                Self::Refused("the key is not accepted; check index.api_key".to_owned())
            }
            code => Self::Refused(format!("{code:?}: {}", shortened(status.message()))),
        }
    }
}

/// qdrant-client wraps a failed connection into `Internal` with these words and no source; tonic names its
/// own transport errors, and h2's, in the message.
fn is_transport(status: &tonic::Status) -> bool {
    let message = status.message();
    message.starts_with("Failed to connect to")
        || message.contains("transport error")
        || message.contains("h2 protocol error")
        || message.contains("operation was canceled")
        || message.contains("connection error")
        || std::error::Error::source(status)
            .is_some_and(<dyn std::error::Error + 'static>::is::<tonic::transport::Error>)
}

fn shortened(message: &str) -> String {
    message.chars().take(MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: Code, message: &str) -> IndexError {
        IndexError::of(&QdrantError::ResponseError { status: tonic::Status::new(code, message) }, "g1")
    }

    #[test]
    fn a_failed_connection_that_calls_itself_internal_is_away() {
        let message = "Failed to connect to http://10.0.0.7:6334/: transport error";
        let error = of(Code::Internal, message);
        assert_eq!(error, IndexError::Away(Cause::Connection));
        assert!(!error.to_string().contains("10.0.0.7"));
    }

    #[test]
    fn an_internal_error_of_the_server_is_refused_so_that_attempts_are_counted() {
        assert!(matches!(of(Code::Internal, "Service internal error: disk"), IndexError::Refused(_)));
    }

    #[test]
    fn a_missing_collection_is_named() {
        let error = of(Code::NotFound, "Not found: Collection `g1` doesn't exist!");
        assert_eq!(error, IndexError::Missing("g1".to_owned()));
    }

    #[test]
    fn a_call_cut_by_a_time_limit_is_away() {
        assert_eq!(of(Code::Cancelled, "Timeout expired"), IndexError::Away(Cause::TimeLimit));
        assert_eq!(of(Code::DeadlineExceeded, ""), IndexError::Away(Cause::TimeLimit));
    }

    #[test]
    fn a_wrong_key_names_the_setting() {
        assert!(of(Code::Unauthenticated, "Invalid API key").to_string().contains("index.api_key"));
    }

    #[test]
    fn what_the_server_says_is_cut() {
        let IndexError::Refused(message) = of(Code::InvalidArgument, &"x".repeat(5000)) else {
            panic!("refused")
        };
        assert!(message.len() < 300);
    }
}
