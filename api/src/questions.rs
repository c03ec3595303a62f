//! `GET /v1/questions/{id}`: a question as the ledger has it now.
//!
//! A key sees what it asked, and what others asked in its conversations. What belongs to another key, or came in over another channel, looks exactly
//! like what does not exist, unless the key has `questions:read:any`.

use axum::Json;
use axum::extract::State as Extract;
use contract::{MessageId, Question};
use store::questions::Owned;
use web::{Caller, Problem, RawId, parse_id, scope};

use crate::http::State;

pub(crate) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    id: RawId,
) -> Result<Json<Question>, Problem> {
    caller.require(scope::READ, scope::READ_ANY)?;
    read(&state, &caller, parse_id(id, "question")?).await.map(|found| Json(found.question))
}

/// The question, if there is one and the caller may see it.
pub(crate) async fn read(state: &State, caller: &Caller, id: MessageId) -> Result<Owned, Problem> {
    let found = store::questions::get(&state.0.ledger, id).await.map_err(Problem::ledger)?;
    found
        .filter(|found| {
            [found.owner, found.asker].contains(&Some(caller.id())) || caller.has(scope::READ_ANY)
        })
        .ok_or_else(|| Problem::not_found("question"))
}
