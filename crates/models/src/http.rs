//! One HTTP call to a provider, and what its failures mean.
//!
//! Bodies are read in pieces and never whole without a bound; what a body says goes into no error, beside the few
//! codes that are known here.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use crate::ModelError;

/// An idle connection is kept this long: providers close theirs after a minute or more.
const KEPT: Duration = Duration::from_secs(30);
/// Of an answer that is an error, this much is read: enough for its code.
const ERROR_BODY: usize = 64 * 1024;
/// What the end of a body may take after everything was said: it lets the connection be used again.
const ENDING: Duration = Duration::from_millis(20);

/// Calls one address. Holds the key, and shows it to nobody.
pub(crate) struct Http {
    client: reqwest::Client,
    /// Without a slash at the end.
    base: String,
    headers: HeaderMap,
    connect: Duration,
}

/// Why there is no client for a provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("the key holds a character that no HTTP header may hold")]
    Key,
    #[error("there is no HTTP client; does the system have certificates?")]
    Client,
}

impl Http {
    /// `base`: an `http` or `https` address; `connect`: how long a new connection may take.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) fn new(
        base: &str,
        key: Option<&SecretString>,
        connect: Duration,
    ) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(connect)
            .pool_idle_timeout(KEPT)
            // Small frames, each of which somebody waits for.
            .tcp_nodelay(true)
            // A redirect would carry the question to another server.
            .redirect(redirect::Policy::none());
        if !base.starts_with("https:") {
            // A server of one's own: a machine without a CA bundle is no obstacle.
            builder = builder.tls_certs_only([]);
        }
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            let value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()));
            let mut value = value.map_err(|_| ClientError::Key)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = builder.build().map_err(|_| ClientError::Client)?;
        Ok(Self { client, base: base.trim_end_matches('/').to_owned(), headers, connect })
    }

    /// Posts JSON; an answer is one of 2xx.
    ///
    /// # Errors
    /// [`ModelError`], by status and code.
    pub(crate) async fn post(&self, path: &str, json: Vec<u8>) -> Result<Body, ModelError> {
        let request = self.client.post(format!("{}{path}", self.base)).headers(self.headers.clone());
        let sent = request.header(CONTENT_TYPE, "application/json").body(json).send().await;
        let response = sent.map_err(|error| {
            if error.is_connect() && error.is_timeout() {
                ModelError::Late { limit: "connect", after: self.connect }
            } else if error.is_connect() {
                let cause = "no connection".to_owned();
                ModelError::Unavailable { cause, passing: true, retry_after: None }
            } else {
                // Closed while it waited; the cause in the chain would name the address.
                let cause = "the connection broke before an answer".to_owned();
                ModelError::Unavailable { cause, passing: true, retry_after: None }
            }
        })?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers(), now());
        let streams = !content_type(&response).starts_with("application/json");
        let body = Body { stream: Box::pin(response.bytes_stream()), streams };
        if (200..300).contains(&status) {
            return Ok(body);
        }
        // A body that breaks off or is too long says nothing: the status does.
        let text = body.whole(ERROR_BODY).await.unwrap_or_default();
        Err(refusal(status, retry_after, &serde_json::from_slice(&text).unwrap_or_default()))
    }
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("base", &self.base).finish_non_exhaustive()
    }
}

/// What a provider answers, in the pieces in which it comes.
pub(crate) struct Body {
    stream: std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, reqwest::Error>> + Send>>,
    /// It does not say of itself that it is one JSON document.
    pub(crate) streams: bool,
}

impl Body {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// The connection was cut.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ModelError> {
        let piece = self.stream.next().await.transpose();
        piece.map_err(|_| ModelError::Failed("the connection was cut in the middle".to_owned()))
    }

    /// All of it.
    ///
    /// # Errors
    /// It was cut, or is longer than `limit` bytes.
    pub(crate) async fn whole(mut self, limit: usize) -> Result<Vec<u8>, ModelError> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            if whole.len() + piece.len() > limit {
                return Err(ModelError::Failed(format!("more than {limit} bytes came")));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }

    /// Everything was said: what still comes is not waited for long.
    pub(crate) async fn finish(mut self) {
        drop(tokio::time::timeout(ENDING, self.stream.next()).await);
    }
}

/// What stands in the errors of the `OpenAI` API and of Ollama, as far as it is of use.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refusal {
    error: Value,
}

/// What a status and the body beside it mean; also for an error inside a stream, which has the status of its code.
pub(crate) fn refusal(status: u16, retry_after: Option<Duration>, body: &Value) -> ModelError {
    let error = Refusal::deserialize(body).unwrap_or_default().error;
    let text_of = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let (code, kind) = (text_of("code"), text_of("type"));
    let message = error.as_str().unwrap_or_else(|| text_of("message")).to_ascii_lowercase();
    let says =
        |words: &[&str]| words.iter().any(|word| code == *word || kind == *word || message.contains(word));
    if says(&CONTEXT) || status == 413 {
        return ModelError::TooLong;
    }
    let cause = |known: &str| format!("status {status}: {known}");
    let passing = |cause| ModelError::Unavailable { cause, passing: true, retry_after };
    match status {
        429 if says(&QUOTA) => ModelError::unavailable(cause("the account's quota is used up")),
        429 => ModelError::Limited { retry_after },
        401 | 403 => ModelError::unavailable(cause("the key is refused")),
        402 => ModelError::unavailable(cause("the account's quota is used up")),
        404 => ModelError::unavailable(cause("no such model or address")),
        300..=399 => ModelError::unavailable(cause("a redirect, which is not followed")),
        408 | 425 => passing(cause("the provider gave up waiting")),
        500.. => passing(format!("status {status}")),
        _ => ModelError::Rejected(format!("status {status}")),
    }
}

/// How servers say that a text does not fit: `OpenAI`, vLLM, llama.cpp, Ollama.
const CONTEXT: [&str; 5] = [
    "context_length_exceeded",
    "exceed_context_size_error",
    "context length",
    "context size",
    "context window",
];
const QUOTA: [&str; 2] = ["insufficient_quota", "billing_hard_limit_reached"];

/// An error that came where an answer was expected, within a stream or with status 200.
pub(crate) fn refusal_inside(error: &Value) -> ModelError {
    let body = serde_json::json!({ "error": error });
    let code = error.get("code").or_else(|| error.get("status")).and_then(Value::as_u64);
    let status = code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
    match (status, refusal(status.unwrap_or(400), None, &body)) {
        (Some(_), refused) | (None, refused @ ModelError::TooLong) => refused,
        (None, _) => ModelError::Failed("the provider reported an error inside its answer".to_owned()),
    }
}

fn content_type(response: &reqwest::Response) -> &str {
    response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a date in a header is compared with the wall clock, nothing else is"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// `Retry-After` in both of its forms: seconds, also with a fraction, and an HTTP date (RFC 9110, 10.2.3). A date
/// that is over is no wait.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some(date.signed_duration_since(now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
        retry_after(&headers, DateTime::parse_from_rfc3339("1994-11-06T08:49:30Z").expect("a date").to_utc())
    }

    #[test]
    fn a_wait_is_read_as_seconds_and_as_a_date() {
        assert_eq!(header("12"), Some(Duration::from_secs(12)));
        assert_eq!(header("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(header("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(header("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        for nothing in ["soon", "-3", "NaN", "inf", ""] {
            assert_eq!(header(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn what_a_provider_says_is_in_no_error() {
        for status in [400, 401, 402, 404, 413, 422, 429, 500, 503] {
            let said =
                serde_json::json!({"error": {"message": "hunter2", "code": "hunter2", "type": "hunter2"}});
            let error = refusal(status, None, &said);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
        let inside = refusal_inside(&serde_json::json!({"message": "hunter2"}));
        assert!(!format!("{inside} {inside:?}").contains("hunter2"), "{inside:?}");
    }

    #[test]
    fn a_text_that_does_not_fit_is_told_apart_from_a_refusal() {
        let of = |text: &str| serde_json::from_str(text).expect("JSON");
        let openai = of(r#"{"error":{"message":"…","code":"context_length_exceeded"}}"#);
        let vllm = of(r#"{"error":{"message":"This model's maximum context length is 4096 tokens"}}"#);
        let ollama = of(r#"{"error":"the input length exceeds the context length"}"#);
        for body in [openai, vllm, ollama] {
            assert_eq!(refusal(400, None, &body), ModelError::TooLong);
        }
        assert!(matches!(refusal(400, None, &of("{}")), ModelError::Rejected(_)));
        assert!(matches!(
            refusal_inside(&of(r#"{"code":503}"#)),
            ModelError::Unavailable { passing: true, .. }
        ));
    }
}
