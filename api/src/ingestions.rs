//! `GET /v1/ingestions/{id}` and its events: how far an ingestion is; `POST …/pause`, `…/resume`, `…/cancel`.
//!
//! An ingestion belongs to the key that opened it; a key with `knowledge:read` sees everybody's. Another key's looks
//! like one that does not exist.

pub(crate) mod follow;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use contract::IngestionId;
use store::ingestions::Progress;
use web::{Caller, Problem, RawId, parse_id, scope};

use crate::http::State;

pub(crate) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    id: RawId,
) -> Result<Json<Progress>, Problem> {
    caller.require(scope::KNOWLEDGE_READ, scope::KNOWLEDGE_WRITE)?;
    read(&state, &caller, parse_id(id, "ingestion")?).await.map(Json)
}

/// The ingestion, if there is one and the caller may see it.
pub(crate) async fn read(state: &State, caller: &Caller, id: IngestionId) -> Result<Progress, Problem> {
    let found = find(state, id).await?;
    let may_see = caller.has(scope::KNOWLEDGE_READ) || found.created_by == Some(caller.id());
    if may_see { Ok(found) } else { Err(Problem::not_found("ingestion")) }
}

async fn find(state: &State, id: IngestionId) -> Result<Progress, Problem> {
    let ledger = &state.0.ledger;
    let found = ledger.within(store::ingestions::progress(ledger, id)).await.map_err(Problem::ledger)?;
    found.ok_or_else(|| Problem::not_found("ingestion"))
}

pub(crate) async fn pause(
    state: Extract<State>,
    caller: Caller,
    id: RawId,
) -> Result<Json<Progress>, Problem> {
    set(state, caller, id, "paused").await
}

pub(crate) async fn resume(
    state: Extract<State>,
    caller: Caller,
    id: RawId,
) -> Result<Json<Progress>, Problem> {
    set(state, caller, id, "open").await
}

/// What is live already stays; what is on its way is given up.
pub(crate) async fn cancel(
    state: Extract<State>,
    caller: Caller,
    id: RawId,
) -> Result<Json<Progress>, Problem> {
    set(state, caller, id, "cancelled").await
}

/// Doing it again changes nothing and succeeds; what is over cannot be changed.
async fn set(
    Extract(state): Extract<State>,
    caller: Caller,
    id: RawId,
    to: &'static str,
) -> Result<Json<Progress>, Problem> {
    caller.demand(scope::KNOWLEDGE_WRITE)?;
    let id: IngestionId = parse_id(id, "ingestion")?;
    let found = find(&state, id).await?;
    if found.created_by != Some(caller.id()) {
        return Err(Problem::not_found("ingestion"));
    }
    if found.is_final() && found.state != to {
        let detail = format!("the ingestion is over ({}): open another one", found.state);
        return Err(Problem::new(StatusCode::CONFLICT, "ingestion-over", "The ingestion is over", detail));
    }
    let ledger = &state.0.ledger;
    // `false` is a cancellation that came in between: the reading below shows it.
    ledger.within(store::ingestions::set_state(ledger, id, to)).await.map_err(Problem::ledger)?;
    find(&state, id).await.map(Json)
}
