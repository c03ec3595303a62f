//! A JSON body, with errors that say which member is wrong and why.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, BodyDataStream};
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use crate::Problem;

/// Bytes that are read beyond the limit in order to be thrown away: a photograph sent by mistake.
const DISCARDED: usize = 16 * 1024 * 1024;
/// And for how long.
const DISCARDING: Duration = Duration::from_secs(5);

/// Bytes a body may have. [`crate::app`] puts the configured limit into each request; a handler that takes more (a
/// listing of a hundred thousand files) puts in its own before it reads.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimit(pub usize);

/// The body as a `T`.
///
/// Taken are `application/json` and `application/*+json`, with parameters or without; also a missing
/// content type and `application/x-www-form-urlencoded`, **if the body parses as a JSON object**: that
/// is what `curl -d '{"text":"…"}'` sends without `-H`. Anything else is 415. (A page of another origin
/// can send that content type without a preflight, but no `Authorization` header, and nothing here is
/// let in by a cookie.)
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Declared {
    Json,
    /// JSON only if it looks like it: no content type, or the one curl sends.
    Perhaps,
    Other,
}

impl<T, S> FromRequest<S> for JsonBody<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let declared = declared(request.headers());
        if declared == Declared::Other {
            return Err(unsupported("is not JSON"));
        }
        let BodyLimit(limit) = request.extensions().get().copied().unwrap_or(BodyLimit(64 * 1024));
        let bytes = read(request.into_body(), limit).await?;
        parse(&bytes, declared).map(Self)
    }
}

fn declared(headers: &HeaderMap) -> Declared {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Declared::Perhaps };
    let Ok(value) = value.to_str() else { return Declared::Other };
    let essence = value.split(';').next().unwrap_or(value).trim().to_ascii_lowercase();
    match essence.strip_prefix("application/") {
        Some("json") => Declared::Json,
        Some("x-www-form-urlencoded") => Declared::Perhaps,
        Some(other) if other.len() > "+json".len() && other.ends_with("+json") => Declared::Json,
        _ => Declared::Other,
    }
}

/// Whether a body is a form with files. Only a route that takes files reads it as one; the others refuse it unread.
pub fn is_multipart(headers: &HeaderMap) -> bool {
    const FORM: &str = "multipart/form-data";
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.get(..FORM.len()).is_some_and(|start| start.eq_ignore_ascii_case(FORM))
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let mut chunks = body.into_data_stream();
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            Problem::bad_request("body-broken-off", "the body ended before it was complete: send it again")
        })?;
        if first.len() + whole.len() + chunk.len() > limit {
            discard(chunks).await;
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "The body is too large",
                format!("the body has more than {limit} bytes, the limit here: send less"),
            ));
        }
        // A question nearly always comes in one piece, which is then not copied.
        if first.is_empty() && whole.is_empty() {
            first = chunk;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&chunk);
        }
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// A client that writes all before it reads would find its connection broken instead of the answer: so what
/// it still sends is read and thrown away, within bounds.
async fn discard(mut chunks: BodyDataStream) {
    let reading = async {
        let mut left = DISCARDED;
        while let Some(Ok(chunk)) = chunks.next().await {
            let Some(rest) = left.checked_sub(chunk.len()) else { return };
            left = rest;
        }
    };
    // Whoever is slower than this does not get to read.
    tokio::time::timeout(DISCARDING, reading).await.unwrap_or_default();
}

fn parse<T: DeserializeOwned>(bytes: &[u8], declared: Declared) -> Result<T, Problem> {
    // Without this a list would do as well: serde reads a struct from its members in order.
    let object = bytes.trim_ascii_start().first() == Some(&b'{');
    let parsed = Json::<T>::from_bytes(bytes);
    match parsed {
        Ok(Json(value)) if object => Ok(value),
        Err(JsonRejection::JsonSyntaxError(error)) if declared == Declared::Json => {
            Err(malformed("malformed-json", &named(&error)))
        }
        Err(JsonRejection::JsonDataError(error)) if object => {
            // The structure breaks a rule before the end was read: what follows need not be JSON.
            if declared == Declared::Perhaps
                && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_err()
            {
                return Err(unsupported("is missing or a form's, and the body is not a JSON object"));
            }
            Err(malformed("invalid-body", &named(&error)))
        }
        _ if declared == Declared::Json => {
            Err(malformed("invalid-body", "it is not a JSON object: send {…}"))
        }
        _ => Err(unsupported("is missing or a form's, and the body is not a JSON object")),
    }
}

/// The text of serde's own error: the member, what is wrong, line and column. It is the source of axum's
/// rejection, whose own text says "failed to …" first.
fn named(rejection: &dyn std::error::Error) -> String {
    rejection.source().map_or_else(|| rejection.to_string(), ToString::to_string)
}

fn malformed(slug: &'static str, problem: &str) -> Problem {
    let detail = match slug {
        "malformed-json" => format!("the body is not valid JSON: {problem}"),
        _ => format!("the body is not what this route takes: {problem}"),
    };
    Problem::bad_request(slug, detail)
}

fn unsupported(problem: &str) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "Unsupported media type",
        format!("the Content-Type {problem}: send JSON with Content-Type: application/json"),
    )
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Ask {
        text: String,
        conversation_id: Option<contract::ConversationId>,
    }

    async fn ask(content_type: Option<&str>, body: impl Into<Body>) -> Result<Ask, (u16, String)> {
        let mut request = axum::http::Request::post("/");
        if let Some(value) = content_type {
            request = request.header(CONTENT_TYPE, value);
        }
        match JsonBody::<Ask>::from_request(request.body(body.into()).unwrap(), &()).await {
            Ok(JsonBody(ask)) => Ok(ask),
            Err(problem) => Err((problem.status().as_u16(), problem.detail().to_owned())),
        }
    }

    const JSON: Option<&str> = Some("application/json");
    const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

    #[tokio::test]
    async fn json_is_taken_under_its_own_names_and_from_a_bare_curl() {
        let types = [
            JSON,
            Some("application/json; charset=utf-8"),
            Some("Application/JSON"),
            Some("application/vnd.x+json"),
            FORM,
            None,
        ];
        for content_type in types {
            let ask = ask(content_type, " {\"text\":\"hi\"}\n").await.expect("JSON");
            assert_eq!((ask.text.as_str(), ask.conversation_id), ("hi", None));
        }
    }

    #[tokio::test]
    async fn another_content_type_is_415_and_so_is_a_form() {
        for content_type in ["text/plain", "multipart/form-data; boundary=x", "application/+json", "json", ""]
        {
            assert_eq!(
                ask(Some(content_type), "{\"text\":\"hi\"}").await.unwrap_err().0,
                415,
                "{content_type}"
            );
        }
        for body in ["text=hi", "", "[\"hi\",null]", "{\"text\":", "{\"unknown\": 1, x"] {
            assert_eq!(ask(FORM, body).await.unwrap_err().0, 415, "{body}");
            assert_eq!(ask(None, body).await.unwrap_err().0, 415, "{body}");
        }
    }

    #[tokio::test]
    async fn what_is_wrong_with_the_body_is_named() {
        let cases = [
            ("{\"text\":", "EOF while parsing a value at line 1 column 8"),
            ("", "EOF while parsing a value at line 1 column 0"),
            ("{\"text\":\"a\"} x", "trailing characters at line 1 column 14"),
            ("{}", "missing field `text`"),
            ("{\"text\":\"a\",\"colour\":1}", "unknown field `colour`, expected `text` or `conversation_id`"),
            ("{\"text\":5}", "text: invalid type: integer `5`, expected a string"),
            ("{\"text\":\"a\",\"text\":\"b\"}", "duplicate field `text`"),
            ("{\"text\":\"a\",\"conversation_id\":\"x\"}", "conversation_id: UUID parsing failed"),
            ("[\"a\",null]", "not a JSON object"),
            ("\"a\"", "not a JSON object"),
            ("{\"text\":\"\\ud800\"}", "hex escape"),
        ];
        for (body, named) in cases {
            let (status, detail) = ask(JSON, body).await.unwrap_err();
            assert_eq!(status, 400, "{body}");
            assert!(detail.contains(named), "{body}: {detail}");
        }
    }

    #[tokio::test]
    async fn bytes_that_are_not_utf8_are_400() {
        assert_eq!(ask(JSON, b"{\"text\":\"\xff\"}".to_vec()).await.unwrap_err().0, 400);
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_413_and_names_the_limit_whether_or_not_it_comes_in_pieces() {
        let body = format!("{{\"text\":\"{}\"}}", "x".repeat(64 * 1024));
        let (status, detail) = ask(JSON, body.clone()).await.unwrap_err();
        assert_eq!(status, 413);
        assert!(detail.contains("65536 bytes"), "{detail}");
        let pieces: Vec<_> =
            body.as_bytes().chunks(1000).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
        let (status, _) = ask(JSON, Body::from_stream(futures_util::stream::iter(pieces))).await.unwrap_err();
        assert_eq!(status, 413);
    }

    #[tokio::test]
    async fn a_body_in_pieces_is_put_together() {
        let pieces = ["{\"te", "xt\":", "\"hi\"}"].map(Ok::<_, std::io::Error>);
        let ask = ask(JSON, Body::from_stream(futures_util::stream::iter(pieces))).await.expect("JSON");
        assert_eq!(ask.text, "hi");
    }
}
