//! The one layer around all routes.
//!
//! In this order: a request id; the host; the handler, with a limit on its time and its panics caught;
//! errors written as problem+json with the id, whoever made them; headers, counters and one log record.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tracing::Instrument;
use uuid::Uuid;

use crate::json::BodyLimit;
use crate::settings::Host;
use crate::{Metrics, Problem, Settings, cors};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over from a proxy.
const MAX_REQUEST_ID: usize = 128;
/// A load balancer or kubelet asks for it by address, so its host is not looked at. It tells nothing.
const HEALTH: &str = "/healthz";
/// The label of everything that no route matches: paths are made up by callers, labels must not be.
const UNMATCHED: &str = "unmatched";

struct Frame {
    allowed_hosts: Vec<Host>,
    body_limit: usize,
    request_timeout: Duration,
    upload_timeout: Duration,
    metrics: Metrics,
    unavailable: Throttle,
}

/// Puts what all routes share around the merged routers of a process. Call it once, last.
pub fn app(routes: Router, settings: &Settings, metrics: Metrics) -> Router {
    let frame = Arc::new(Frame {
        allowed_hosts: settings.allowed_hosts.clone(),
        body_limit: settings.body_limit,
        request_timeout: settings.request_timeout,
        upload_timeout: settings.upload_timeout,
        metrics,
        unavailable: Throttle::default(),
    });
    let app = routes
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .fallback(|| async { Problem::no_route() })
        .layer(from_fn_with_state(frame, around));
    match cors::layer(&settings.cors_origins) {
        Some(cors) => app.layer(cors),
        None => app,
    }
}

async fn around(State(frame): State<Arc<Frame>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(request.headers());
    let method = method_name(request.method());
    let route: Arc<str> = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| Arc::from(UNMATCHED), |matched| Arc::from(matched.as_str()));

    let mut response = if let Err(problem) = frame.check_host(&request) {
        problem.into_response()
    } else {
        request.extensions_mut().insert(BodyLimit(frame.body_limit));
        let span = tracing::debug_span!("request", request.id = &*id, route = &*route);
        frame.handle(request, next).instrument(span).await
    };

    frame.finish_error(&mut response, &id, &route);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    // What a key may see is nobody else's to keep.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let status = response.status().as_u16();
    let took = began.elapsed();
    frame.metrics.observe(&route, method, status, took);
    tracing::debug!(
        request.id = &*id,
        route = &*route,
        method,
        status,
        duration_ms = took.as_secs_f64() * 1000.0,
        "request answered"
    );
    response
}

impl Frame {
    async fn handle(&self, request: Request, next: Next) -> Response {
        let limit =
            if crate::is_multipart(request.headers()) { self.upload_timeout } else { self.request_timeout };
        let answer = AssertUnwindSafe(tokio::time::timeout(limit, next.run(request))).catch_unwind();
        match answer.await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => Problem::unavailable(
                "timeout",
                format!(
                    "the request was not done within {} s: whether it took effect is not known, so send it \
                     again with the same Idempotency-Key",
                    limit.as_secs_f64()
                ),
                1,
            )
            .into_response(),
            // The panic's message may hold anything; the panic hook has printed it with its place.
            Err(_) => Problem::internal().because(Panicked).into_response(),
        }
    }

    fn check_host(&self, request: &Request) -> Result<(), Problem> {
        if self.allowed_hosts.is_empty() || request.uri().path() == HEALTH {
            return Ok(());
        }
        let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let authority = header.and_then(|host| host.parse::<Authority>().ok());
        let host = request.uri().host().or_else(|| authority.as_ref().map(Authority::host));
        if host.is_some_and(|host| self.allowed_hosts.iter().any(|allowed| allowed.matches(host))) {
            return Ok(());
        }
        Err(Problem::bad_request(
            "host-not-allowed",
            "the Host header names no host that is served here: the operator sets them with \
             http.allowed_hosts (ALLOWED_HOSTS)",
        ))
    }

    /// Gives an error its request id, whoever made it, and logs its cause once.
    fn finish_error(&self, response: &mut Response, id: &str, route: &str) {
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return;
        }
        let problem =
            response.extensions_mut().remove::<Problem>().unwrap_or_else(|| Problem::of_status(status));
        problem.write(response, id);
        let cause = problem.chain();
        let cause = cause.as_deref().unwrap_or("none");
        if status == StatusCode::SERVICE_UNAVAILABLE {
            // While a server is away every request fails the same way: one line a second says it.
            if let Some(unreported) = self.unavailable.pass() {
                tracing::warn!(request.id = id, route, slug = problem.slug(), cause, unreported, "not now");
            }
        } else if status.is_server_error() {
            tracing::error!(request.id = id, route, slug = problem.slug(), cause, "request failed");
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the handler panicked")]
struct Panicked;

/// Lets one event a second through and counts the others.
struct Throttle {
    start: Instant,
    /// Milliseconds from `start` before which nothing passes.
    until: AtomicU64,
    held: AtomicU64,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { start: Instant::now(), until: AtomicU64::new(0), held: AtomicU64::new(0) }
    }
}

impl Throttle {
    /// How many were held back since the last one that passed, if this one passes.
    fn pass(&self) -> Option<u64> {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let until = self.until.load(Ordering::Relaxed);
        let next = now.saturating_add(1000);
        let passes = now >= until
            && self.until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if passes {
            return Some(self.held.swap(0, Ordering::Relaxed));
        }
        self.held.fetch_add(1, Ordering::Relaxed);
        None
    }
}

/// A proxy's id is kept, so that its log and ours can be read together, unless it could forge a log line.
fn request_id(headers: &HeaderMap) -> Arc<str> {
    let given = headers.get(&REQUEST_ID).map(HeaderValue::as_bytes).unwrap_or_default();
    let fits = (1..=MAX_REQUEST_ID).contains(&given.len())
        && given.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    match std::str::from_utf8(given) {
        Ok(given) if fits => Arc::from(given),
        _ => Arc::from(Uuid::now_v7().hyphenated().encode_lower(&mut Uuid::encode_buffer()) as &str),
    }
}

/// A label: methods are made up by callers too.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
