//! `Idempotency-Key`: the client's name for a request that it may have to send twice.
//!
//! Whether two requests under one name are the same is decided by a fingerprint over what was understood
//! of them, not over their bytes: a client that sends its JSON again with other spaces, another order of
//! members or an escaped letter has sent the same request.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::Problem;

/// Longest key that is stored; a UUID has 36 characters.
const MAX: usize = 255;

/// The value of the header, or `None` when it was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        if values.next().is_some() {
            return Err(wrong("was sent more than once: send one"));
        }
        let bytes = value.as_bytes();
        if bytes.is_empty() {
            return Err(wrong("is empty: send 1 to 255 visible ASCII characters, such as a UUID"));
        }
        if bytes.len() > MAX {
            let count = bytes.len();
            return Err(wrong(&format!("has {count} characters, the limit is {MAX}: shorten it")));
        }
        match value.to_str() {
            Ok(key) if key.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Self(Some(key.to_owned()))),
            _ => Err(wrong("holds something else than visible ASCII characters: send a UUID, for instance")),
        }
    }
}

fn wrong(problem: &str) -> Problem {
    Problem::bad_request("idempotency-key", format!("the header Idempotency-Key {problem}"))
}

/// SHA-256 over method, route (the pattern, not the path) and the parsed body.
///
/// # Panics
/// When `body` cannot be written as JSON, such as a map whose keys are no strings.
pub fn fingerprint<T: Serialize>(method: &str, route: &str, body: &T) -> [u8; 32] {
    let body = serde_json::to_vec(body).expect("a parsed body is plain data: it always serialises");
    let mut hash = Sha256::new();
    // A line feed occurs in neither a method nor a route, so no two requests share their bytes here.
    for part in [method.as_bytes(), b"\n", route.as_bytes(), b"\n", &body] {
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn extract(values: &[&[u8]]) -> Result<Option<String>, u16> {
        let mut request = Request::builder();
        for value in values {
            request = request.header("Idempotency-Key", *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        match IdempotencyKey::from_request_parts(&mut parts, &()).await {
            Ok(IdempotencyKey(key)) => Ok(key),
            Err(problem) => Err(problem.status().as_u16()),
        }
    }

    #[tokio::test]
    async fn a_key_has_1_to_255_visible_ascii_characters() {
        assert_eq!(extract(&[]).await, Ok(None));
        assert_eq!(extract(&[b"a-1"]).await, Ok(Some("a-1".to_owned())));
        assert_eq!(extract(&["x".repeat(255).as_bytes()]).await, Ok(Some("x".repeat(255))));
        let long = "x".repeat(256);
        for wrong in [&[&b""[..]][..], &[b"a b"], &["ключ".as_bytes()], &[long.as_bytes()], &[b"a", b"b"]]
        {
            assert_eq!(extract(wrong).await, Err(400), "{wrong:?}");
        }
    }

    #[test]
    fn a_fingerprint_tells_routes_and_bodies_apart() {
        let one = fingerprint("POST", "/v1/questions", &("text", None::<u8>));
        assert_eq!(one, fingerprint("POST", "/v1/questions", &("text", None::<u8>)));
        assert_ne!(one, fingerprint("POST", "/v1/questions", &("text", Some(1))));
        assert_ne!(one, fingerprint("POST", "/v1/other", &("text", None::<u8>)));
    }
}
