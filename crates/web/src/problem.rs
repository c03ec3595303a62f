//! Errors as people and programs read them: `application/problem+json` (RFC 9457).
//!
//! The detail is public and names the thing, the limit and the remedy. The cause is private: it is logged
//! once, where the response leaves ([`crate::app`]), and never sent.

use std::borrow::{Borrow, Cow};
use std::error::Error;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Seconds a client is asked to wait when the ledger is away. A restart of the server takes one to five
/// seconds, and clients that come back all at once are worse than late ones: the middle of that.
const LEDGER_AWAY: u32 = 3;

/// One error of one route.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    /// The last part of `type`: stable, for programs.
    slug: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    /// Seconds.
    retry_after: Option<u32>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A problem of type `urn:vectora:problem:<slug>`.
    pub fn new(
        status: StatusCode,
        slug: &'static str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, slug, title, detail: detail.into(), retry_after: None, cause: None }
    }

    /// 400: the request breaks a rule that `detail` names.
    pub fn bad_request(slug: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, slug, "The request is not valid", detail)
    }

    /// 401, with `WWW-Authenticate: Bearer`.
    pub fn unauthorized(slug: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, slug, "A valid API key is needed", detail)
    }

    /// 404: `noun` is missing, or is not the caller's; which of the two is not told.
    pub fn not_found(noun: &'static str) -> Self {
        let detail = format!("there is no such {noun}, or this key may not see it: check the id and the key");
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// What a failed call of the ledger becomes: 503 with `Retry-After` when waiting may help, else 500.
    pub fn ledger<E: Error + Borrow<store::Error> + Send + Sync + 'static>(error: E) -> Self {
        if error.borrow().is_unavailable() {
            Self::ledger_unavailable().because(error)
        } else {
            Self::internal().because(error)
        }
    }

    /// 503 with `Retry-After`: the ledger cannot be asked now.
    pub fn ledger_unavailable() -> Self {
        Self::unavailable(
            "ledger-unavailable",
            "the ledger (PostgreSQL) is not available, so nothing can be promised: send the request again, a POST \
             with the same Idempotency-Key",
            LEDGER_AWAY,
        )
    }

    /// 503 with `Retry-After` in seconds.
    pub fn unavailable(slug: &'static str, detail: impl Into<Cow<'static, str>>, retry_after: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, slug, "Not now", detail).retry_after(retry_after)
    }

    /// 500: a fault of ours. It says nothing of what went wrong; the log does, under the request's id.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal error",
            "something went wrong on our side: the log has it under the request_id given here",
        )
    }

    /// An error response made by someone else (axum, a layer): what its status alone says.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found("thing"),
            StatusCode::METHOD_NOT_ALLOWED => Self::method_not_allowed(),
            _ if status.is_server_error() => Self { status, ..Self::internal() },
            _ => Self::new(
                status,
                "bad-request",
                "The request is not valid",
                status.canonical_reason().unwrap_or("the request is not valid"),
            ),
        }
    }

    pub(crate) fn no_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no-route",
            "Not found",
            "nothing is served at this path: see /openapi.json for what is",
        )
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Method not allowed",
            "this path is served, but not with this method: the Allow header names the ones it has",
        )
    }

    /// Adds `Retry-After`, in seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Keeps the private cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    pub const fn status(&self) -> StatusCode {
        self.status
    }

    pub const fn slug(&self) -> &'static str {
        self.slug
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The cause and what caused it, for the log.
    pub(crate) fn chain(&self) -> Option<String> {
        let mut error: &dyn Error = self.cause.as_deref()?;
        let mut chain = error.to_string();
        while let Some(source) = error.source() {
            chain.push_str(": ");
            chain.push_str(&source.to_string());
            error = source;
        }
        Some(chain)
    }

    pub(crate) fn body(&self, request_id: Option<&str>) -> Body {
        #[derive(Serialize)]
        struct Wire<'a> {
            r#type: String,
            title: &'a str,
            status: u16,
            detail: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            request_id: Option<&'a str>,
        }
        let wire = Wire {
            r#type: format!("urn:vectora:problem:{}", self.slug),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            request_id,
        };
        Body::from(
            serde_json::to_vec(&wire).expect("a problem is strings and a number: it always serialises"),
        )
    }

    /// Writes this problem into a response that exists, keeping its other headers (`Allow`).
    pub(crate) fn write(&self, response: &mut Response, request_id: &str) {
        *response.status_mut() = self.status;
        *response.body_mut() = self.body(Some(request_id));
        response.headers_mut().remove(CONTENT_LENGTH);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.body(None));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // The outermost layer writes it again with the request's id, and logs its cause.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_that_is_away_is_503_with_a_wait_and_anything_else_of_it_is_500_without_details() {
        let unreadable = || store::Error::Row {
            table: "turns",
            column: "state",
            row: "7".to_owned(),
            problem: "unknown state".to_owned(),
        };
        let problem = Problem::ledger(Arc::new(unreadable()));
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!problem.detail().contains("turns"));
        assert!(problem.chain().unwrap().contains("turns.state"));
        let response = Problem::ledger_unavailable().into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "3");
    }

    #[test]
    fn a_401_says_how_to_come_in() {
        let response = Problem::unauthorized("no-key", "x").into_response();
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
    }
}
