//! The synchronous half of the REST interface: its routes, and what their handlers need.

use std::sync::Arc;

use axum::extract::FromRef;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use nats::Nats;
use retrieval::Retriever;
use runtime::lifecycle::Lifecycle;
use serde_json::{Value, json};
use store::Ledger;
use tokio::sync::Semaphore;
use web::{Endpoint, Keys};

use crate::{documents, events, ingestions, openapi, questions, search};

/// Event streams one process keeps open: each costs a subscription, about 20 KB, and a read a second.
pub(crate) const MAX_STREAMS: usize = 1_000;

/// What the handlers need; clones share it.
#[derive(Debug, Clone)]
pub struct State(pub(crate) Arc<Parts>);

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) ledger: Ledger,
    pub(crate) keys: Keys,
    pub(crate) nats: Nats,
    pub(crate) retriever: Retriever,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) streams: Arc<Semaphore>,
}

impl State {
    pub fn new(ledger: Ledger, keys: Keys, nats: Nats, retriever: Retriever, lifecycle: Lifecycle) -> Self {
        let streams = Arc::new(Semaphore::new(MAX_STREAMS));
        Self(Arc::new(Parts { ledger, keys, nats, retriever, lifecycle, streams }))
    }
}

impl FromRef<State> for Keys {
    fn from_ref(state: &State) -> Self {
        state.0.keys.clone()
    }
}

/// The routes, as a list: the router is built from it, and `openapi.json` is compared with it.
pub fn endpoints() -> Vec<Endpoint<State>> {
    let endpoint = |method, path, handler| Endpoint { method, path, handler };
    vec![
        endpoint("get", "/v1/questions/{id}", get(questions::show)),
        endpoint("get", "/v1/questions/{id}/events", get(events::follow)),
        endpoint("get", "/v1/search", get(search::search)),
        endpoint("get", "/v1/ingestions/{id}", get(ingestions::show)),
        endpoint("get", "/v1/ingestions/{id}/events", get(ingestions::follow::follow)),
        endpoint("post", "/v1/ingestions/{id}/pause", post(ingestions::pause)),
        endpoint("post", "/v1/ingestions/{id}/resume", post(ingestions::resume)),
        endpoint("post", "/v1/ingestions/{id}/cancel", post(ingestions::cancel)),
        endpoint("get", "/v1/documents", get(documents::list)),
        endpoint("get", "/v1/documents/{id}", get(documents::show)),
        endpoint("delete", "/v1/documents/{id}", delete(documents::delete)),
        endpoint("get", "/healthz", get(healthz)),
        endpoint("get", "/openapi.json", get(openapi::show)),
    ]
}

/// The routes of this crate. The binary merges it with `ingress`'s and puts [`web::app`] around both.
pub fn router(state: State) -> Router {
    web::router(endpoints(), state)
}

/// The process answers; whether its servers do is told by `/readyz` on the internal listener only.
async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}
