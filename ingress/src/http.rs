//! The asynchronous half of the REST interface: its routes, and what their handlers need.

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::post;
use contract::Stage;
use nats::Nats;
use runtime::lifecycle::Lifecycle;
use store::accept::Acceptor;
use web::{Endpoint, Keys};

use crate::admission::Admission;
use crate::questions;

/// What the handlers need; clones share it.
#[derive(Debug, Clone)]
pub struct State(pub(crate) Arc<Parts>);

/// The parts of [`State`].
#[derive(Debug)]
pub struct Parts {
    pub keys: Keys,
    pub acceptor: Acceptor,
    pub admission: Admission,
    pub nats: Nats,
    pub lifecycle: Lifecycle,
    /// The stage that takes what is accepted here: tickets are published on its subject.
    pub intake: Stage,
}

impl From<Parts> for State {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl FromRef<State> for Keys {
    fn from_ref(state: &State) -> Self {
        state.0.keys.clone()
    }
}

/// The routes, as a list: the router is built from it, and `openapi.json` is compared with it.
pub fn endpoints() -> Vec<Endpoint<State>> {
    vec![Endpoint { method: "post", path: questions::ROUTE, handler: post(questions::ask) }]
}

/// The routes of this crate. The binary merges it with `api`'s and puts [`web::app`] around both.
pub fn router(state: State) -> Router {
    web::router(endpoints(), state)
}
