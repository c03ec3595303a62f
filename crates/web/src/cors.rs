//! Which pages may call from a browser.

use std::time::Duration;

use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderName, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::Origin;

/// Chromium remembers a preflight for at most two hours, Firefox for a day; ten minutes keeps a changed
/// list of origins from living on for long.
const REMEMBERED: Duration = Duration::from_mins(10);

/// `None` when no origin is configured: browsers then refuse by themselves, and requests pay nothing.
///
/// Credentials (cookies) are never allowed: a key in `Authorization` is what lets a caller in.
pub(crate) fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let allowed = if origins.iter().any(Origin::is_any) {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().map(|origin| origin.0.clone()))
    };
    let request_id = HeaderName::from_static("x-request-id");
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            ACCEPT,
            AUTHORIZATION,
            CONTENT_TYPE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            request_id.clone(),
        ])
        .expose_headers([LOCATION, RETRY_AFTER, request_id])
        .max_age(REMEMBERED);
    Some(layer)
}
