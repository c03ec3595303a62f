//! The asynchronous half of the REST interface: its routes, and what their handlers need.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::routing::{MethodRouter, post};
use contract::Stage;
use nats::Nats;
use runtime::lifecycle::Lifecycle;
use store::Ledger;
use store::accept::Acceptor;
use web::{Endpoint, Keys};

use crate::admission::Admission;
use crate::ingestions::Uploads;
use crate::{ingestions, questions};

/// What the handlers need; clones share it.
#[derive(Debug, Clone)]
pub struct State(pub(crate) Arc<Parts>);

/// The parts of [`State`].
#[derive(Debug)]
pub struct Parts {
    pub keys: Keys,
    /// Where files go.
    pub ledger: Ledger,
    pub acceptor: Acceptor,
    pub uploads: Uploads,
    pub admission: Admission,
    pub nats: Nats,
    pub lifecycle: Lifecycle,
    /// Those that may take what is accepted here: a ticket is published on the subject of its stage.
    pub stages: &'static [Stage],
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
    // The limits of a form are kept while it is read, by bytes that have come: axum's own would be a second rule.
    let form = |handler: MethodRouter<State>| handler.layer(DefaultBodyLimit::disable());
    vec![
        Endpoint { method: "post", path: questions::ROUTE, handler: post(questions::ask) },
        Endpoint { method: "post", path: ingestions::ROUTE, handler: form(post(ingestions::open)) },
        Endpoint { method: "post", path: ingestions::FILES, handler: form(post(ingestions::files)) },
    ]
}

/// The routes of this crate. The binary merges it with `api`'s and puts [`web::app`] around both.
pub fn router(state: State) -> Router {
    web::router(endpoints(), state)
}
