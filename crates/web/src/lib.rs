//! What every HTTP route of Vectora shares: who may come in, and what an error looks like.
//!
//! The routers of `ingress` and `api` hold handlers only. The binary merges them and puts [`app`] around
//! the result once: one layer that gives request ids, checks the host, limits time, catches panics, counts
//! and logs, and writes every error as problem+json (RFC 9457). One layer and not seven, because each
//! layer of a router is an allocation or two per request, and a shared core takes 600 POSTs a second.
//!
//! **Invariants:** no body, query, key or header value of a request is ever logged; a key travels in the
//! `Authorization` header and nowhere else; an error's public detail and its private cause are apart.

mod auth;
mod cache;
mod cors;
mod frame;
#[cfg(test)]
mod frame_tests;
mod id;
mod idempotency;
mod json;
mod metrics;
mod problem;
mod query;
mod settings;

/// The binary merges routers without knowing axum.
pub use axum::Router;

pub use auth::{Caller, Key, Keys, scope};
pub use frame::app;
pub use id::{RawId, parse_id};
pub use idempotency::{IdempotencyKey, fingerprint};
pub use json::{BodyLimit, JsonBody, is_multipart};
pub use metrics::Metrics;
pub use problem::Problem;
pub use query::QueryParams;
pub use settings::{Host, Origin, Settings, SettingsError};

/// One route of a router, as data: the router is built from the list, and `openapi.json` is
/// compared with it.
#[derive(Debug)]
pub struct Endpoint<S> {
    /// In lower case, as in `openapi.json`.
    pub method: &'static str,
    /// In axum's syntax, which is that of `openapi.json` too: `/v1/questions/{id}`.
    pub path: &'static str,
    pub handler: axum::routing::MethodRouter<S>,
}

/// Builds a router from its endpoints.
pub fn router<S: Clone + Send + Sync + 'static>(endpoints: Vec<Endpoint<S>>, state: S) -> Router {
    endpoints
        .into_iter()
        .fold(Router::new(), |router, endpoint| router.route(endpoint.path, endpoint.handler))
        .with_state(state)
}
