//! Listening: the internal listener every process has, and how a listener starts and ends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prometheus_client::registry::Registry;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::connection::Connections;
use crate::health::Health;
use crate::lifecycle::Lifecycle;

/// How long open connections may finish after the soft shutdown. Event streams end by themselves then; a
/// client that keeps an idle connection open must not hold the drain.
const LINGER: Duration = Duration::from_secs(2);

/// Why nobody can listen there.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(
        "the address {0} is in use: stop what listens there, or choose another with --listen or http.listen"
    )]
    InUse(SocketAddr),
    #[error(
        "the address {0} may not be used by this user: choose a port above 1023, or run with the right to it"
    )]
    Forbidden(SocketAddr),
    #[error("the address {address} cannot be used: choose another with --listen or http.listen")]
    Other { address: SocketAddr, source: io::Error },
}

/// # Errors
/// [`BindError`].
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse(address),
        io::ErrorKind::PermissionDenied => BindError::Forbidden(address),
        _ => BindError::Other { address, source },
    })
}

/// Serves until the soft shutdown, and lets open requests finish; what is open [`LINGER`] later, or at the
/// hard shutdown, is cut.
pub fn serve(listener: TcpListener, router: Router, lifecycle: &Lifecycle) {
    let task = run(listener, router, lifecycle.soft.clone(), lifecycle.hard.clone());
    lifecycle.spawn("listener", task);
}

/// Serves until the hard shutdown, and no drain waits for it: `/readyz` that says `draining` and the metrics of
/// a drain can be read only from a listener that outlives its begin.
pub fn serve_internal(listener: TcpListener, router: Router, lifecycle: &Lifecycle) {
    let hard = lifecycle.hard.clone();
    Lifecycle::spawn_untracked(run(listener, router, hard.clone(), hard));
}

async fn run(listener: TcpListener, router: Router, soft: CancellationToken, hard: CancellationToken) {
    let cut = hard.child_token();
    let (stop, at_once) = (soft.clone(), hard);
    let served = axum::serve(Connections { listener, cut: cut.clone() }, router)
        .with_graceful_shutdown(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = at_once.cancelled() => {}
            }
        })
        .into_future();
    let cutting = async {
        soft.cancelled().await;
        tokio::time::sleep(LINGER).await;
        cut.cancel();
        // The server ends when its last connection has.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        result = served => if let Err(error) = result {
            tracing::error!(%error, "the listener ended");
        },
        () = cutting => {}
    }
}

#[derive(Debug, Clone)]
struct Internal {
    health: Health,
    registry: Arc<Registry>,
}

/// `/metrics`, `/readyz`, `/healthz`: for probes and Prometheus, never behind the proxy.
pub fn internal_router(health: Health, registry: Arc<Registry>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/readyz", get(readyz))
        .route("/healthz", get(|| async { "ok\n" }))
        .with_state(Internal { health, registry })
}

async fn metrics(State(internal): State<Internal>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &internal.registry) {
        Ok(()) => ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn readyz(State(internal): State<Internal>) -> Response {
    let state = internal.health.snapshot();
    let status = if state.ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body =
        json!({ "ready": state.ready(), "draining": state.draining, "dependencies": state.dependencies });
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::{StreamExt, stream};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::Notify;
    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_said_with_its_remedy() {
        let taken = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let error = bind(taken.local_addr().unwrap()).await.unwrap_err().to_string();
        assert!(error.contains("in use") && error.contains("--listen"), "{error}");
    }

    #[tokio::test]
    async fn the_internal_listener_names_what_is_down() {
        let (health, life) = (Health::default(), Lifecycle::default());
        health.dependency("nats").down("not connected");
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        serve(listener, internal_router(health, Arc::new(Registry::default())), &life);
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("not connected"), "{answer}");
        assert!(life.drain(Duration::from_secs(5)).await.clean);
    }

    const DEADLINE: Duration = Duration::from_secs(10);

    async fn local() -> (TcpListener, SocketAddr) {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// Sends a request and reads until `end` has come.
    async fn ask(address: SocketAddr, path: &str, end: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains(end) {
            let read = timeout(DEADLINE, stream.read_buf(&mut seen)).await.unwrap().unwrap();
            assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&seen));
        }
        stream
    }

    /// What comes until the server closes; a reset is an end too.
    async fn rest(mut stream: TcpStream) -> String {
        let mut rest = Vec::new();
        drop(timeout(DEADLINE, stream.read_to_end(&mut rest)).await.expect("the server closes"));
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// `/events` never ends, `/slow` ends when it is told to.
    fn router(go: Arc<Notify>) -> Router {
        let events = || async {
            let first = stream::iter([Ok::<_, io::Error>("data: 1\n\n")]);
            Body::from_stream(first.chain(stream::pending()))
        };
        let slow = async move || {
            go.notified().await;
            "finished"
        };
        Router::new()
            .route("/", get(|| async { "hello" }))
            .route("/events", get(events))
            .route("/slow", get(slow))
    }

    #[tokio::test]
    async fn idle_connections_and_event_streams_do_not_hold_a_drain() {
        let (listener, address) = local().await;
        let life = Lifecycle::default();
        serve(listener, router(Arc::default()), &life);
        let idle = ask(address, "/", "hello").await;
        let events = ask(address, "/events", "data: 1").await;
        let silent = TcpStream::connect(address).await.unwrap();
        assert!(timeout(DEADLINE, life.drain(DEADLINE)).await.unwrap().clean, "the listener ended by itself");
        for stream in [idle, events, silent] {
            rest(stream).await;
        }
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    }

    #[tokio::test]
    async fn a_running_request_is_finished_after_the_soft_shutdown() {
        let (listener, address) = local().await;
        let (life, go) = (Lifecycle::default(), Arc::new(Notify::new()));
        serve(listener, router(go.clone()), &life);
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        // Connected later and answered: so the first has been accepted.
        ask(address, "/", "hello").await;
        life.soft.cancel();
        go.notify_one();
        assert!(rest(slow).await.contains("finished"));
        assert!(timeout(DEADLINE, life.drain(DEADLINE)).await.unwrap().clean);
    }

    #[tokio::test]
    async fn the_hard_shutdown_cuts_connections_at_once() {
        let (listener, address) = local().await;
        let life = Lifecycle::default();
        serve(listener, router(Arc::default()), &life);
        let events = ask(address, "/events", "data: 1").await;
        let started = Instant::now();
        life.hard.cancel();
        rest(events).await;
        timeout(DEADLINE, life.drain(DEADLINE)).await.unwrap();
        assert!(started.elapsed() < LINGER, "it did not linger");
    }

    #[tokio::test]
    async fn the_internal_listener_answers_while_the_process_drains() {
        let (listener, address) = local().await;
        let (life, health) = (Lifecycle::default(), Health::default());
        serve_internal(listener, internal_router(health.clone(), Arc::new(Registry::default())), &life);
        ask(address, "/readyz", "200 OK").await;
        life.soft.cancel();
        health.draining();
        ask(address, "/readyz", "\"draining\":true").await;
        let idle = ask(address, "/metrics", "# EOF").await;
        assert!(life.drain(DEADLINE).await.clean, "no drain waits for it");
        rest(idle).await;
    }
}
