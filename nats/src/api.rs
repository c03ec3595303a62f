//! Questions about streams and consumers: one way to ask, one kind of error.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::consumer::Info;
use async_nats::jetstream::context::{RequestError, RequestErrorKind};
use async_nats::jetstream::response::Response;
use contract::Stage;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Nats;

/// Consumer not found, stream not found: the two "it is not there" of the `JetStream` API.
const MISSING: [u64; 2] = [10014, 10059];

/// Why the server did not do what was asked about streams and consumers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    #[error("not connected to NATS: start the server or check nats.url")]
    Disconnected,
    #[error("NATS did not answer within {0:?} (nats.request_timeout)")]
    Timeout(Duration),
    #[error("JetStream is off or not ready on the NATS server: start it with -js, or wait for the cluster")]
    NoJetStream,
    #[error("NATS refused: {description} (code {code}, error {err_code})")]
    Refused { code: usize, err_code: u64, description: String },
    #[error("NATS sent an answer this process cannot read: {0}")]
    Unreadable(String),
}

impl ApiError {
    /// Whether the stream or the consumer does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { err_code, .. } if MISSING.contains(err_code))
    }
}

impl Nats {
    /// One request below `$JS.API`. Asked only while connected: a request kept for the next
    /// connection would be answered to nobody.
    pub(crate) async fn api<T: DeserializeOwned>(&self, subject: &str, body: &Value) -> Result<T, ApiError> {
        if !self.is_connected() {
            return Err(ApiError::Disconnected);
        }
        let limit = self.settings().request_timeout;
        // The client's own limit does not cover its queue being full.
        let answer = tokio::time::timeout(limit, self.jetstream().request(subject.to_owned(), body)).await;
        let response: Response<T> = match answer {
            Err(_) => return Err(ApiError::Timeout(limit)),
            Ok(Err(error)) => return Err(from_request(&error, limit)),
            Ok(Ok(response)) => response,
        };
        match response {
            Response::Ok(value) => Ok(value),
            Response::Err { error } => Err(from_server(&error)),
        }
    }

    pub(crate) async fn consumer_info(&self, stage: &Stage) -> Result<Info, ApiError> {
        let stream = self.names().stream(stage.stream);
        self.api(&format!("CONSUMER.INFO.{stream}.{}", stage.name), &json!({})).await
    }
}

fn from_request(error: &RequestError, limit: Duration) -> ApiError {
    match error.kind() {
        RequestErrorKind::TimedOut => ApiError::Timeout(limit),
        RequestErrorKind::NoResponders => ApiError::NoJetStream,
        _ => ApiError::Unreadable(error.to_string()),
    }
}

pub(crate) fn from_server(error: &jetstream::Error) -> ApiError {
    // Its Display is "description (code, error code)"; the codes are kept as numbers here.
    let shown = error.to_string();
    let description = shown.split(" (code ").next().unwrap_or_default().to_owned();
    ApiError::Refused { code: error.code(), err_code: error.error_code().0, description }
}
