//! `GET /v1/documents`, `GET` and `DELETE /v1/documents/{id}`: what the knowledge base is made of.
//!
//! A key with `knowledge:read` sees all documents: it is an operator's. What a key may *search* is its audience's
//! business. A deleted document is invisible to search at the commit that deletes it, before the answer is sent.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use contract::DocumentId;
use serde::{Deserialize, Serialize};
use store::documents::Listed;
use uuid::Uuid;
use web::{Caller, Problem, QueryParams, RawId, parse_id, scope};

use crate::http::State;

/// Documents of a page, unless another number is asked for.
const USUAL: i64 = 50;
/// And at the most: about 100 KB.
const MOST: i64 = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    source: Option<String>,
    cursor: Option<String>,
    limit: Option<i64>,
}

/// A page of documents, in the order in which they came first.
#[derive(Serialize)]
pub(crate) struct Page {
    documents: Vec<Listed>,
    /// Where the next page begins; `None`: this is the last one.
    next: Option<String>,
}

pub(crate) async fn list(
    Extract(state): Extract<State>,
    caller: Caller,
    QueryParams(asked): QueryParams<Asked>,
) -> Result<Json<Page>, Problem> {
    caller.demand(scope::KNOWLEDGE_READ)?;
    let limit = asked.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        let detail = format!("limit is {limit}: use 1 to {MOST}");
        return Err(Problem::bad_request("invalid-query", detail));
    }
    let after = asked.cursor.as_deref().map(begin).transpose()?;
    let ledger = &state.0.ledger;
    // One more than is shown tells whether there is a next page.
    let listing = store::documents::list(ledger, asked.source.as_deref(), after, limit + 1);
    let mut documents = ledger.within(listing).await.map_err(Problem::ledger)?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = documents.len() > shown;
    documents.truncate(shown);
    let next = documents.last().filter(|_| more).map(|last| cursor(last.id));
    Ok(Json(Page { documents, next }))
}

pub(crate) async fn show(
    Extract(state): Extract<State>,
    caller: Caller,
    id: RawId,
) -> Result<Json<Listed>, Problem> {
    caller.demand(scope::KNOWLEDGE_READ)?;
    let ledger = &state.0.ledger;
    let found = ledger.within(store::documents::get(ledger, parse_id(id, "document")?)).await;
    found.map_err(Problem::ledger)?.map(Json).ok_or_else(|| Problem::not_found("document"))
}

pub(crate) async fn delete(
    Extract(state): Extract<State>,
    caller: Caller,
    id: RawId,
) -> Result<StatusCode, Problem> {
    caller.demand(scope::KNOWLEDGE_WRITE)?;
    let ledger = &state.0.ledger;
    let deleted = ledger.within(store::documents::delete(ledger, parse_id(id, "document")?)).await;
    if deleted.map_err(Problem::ledger)? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("document"))
    }
}

/// Of the cursors of this form. Another order of pages would be another letter, and old cursors would be refused.
const FORM: &str = "a";

/// Opaque to clients: they hand back what they were given.
fn cursor(last: DocumentId) -> String {
    format!("{FORM}{}", last.0.simple())
}

fn begin(cursor: &str) -> Result<DocumentId, Problem> {
    cursor
        .strip_prefix(FORM)
        .filter(|id| id.len() == 32)
        .and_then(|id| Uuid::try_parse(id).ok())
        .map(DocumentId)
        .ok_or_else(|| {
            let detail = "the cursor is none that was given out here: begin without one";
            Problem::bad_request("invalid-cursor", detail)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_anything_else_is_refused() {
        let id = DocumentId::new();
        assert_eq!(begin(&cursor(id)).expect("a cursor"), id);
        for wrong in ["", "a", "b00000000000000000000000000000000", &id.to_string(), &cursor(id)[..20]] {
            assert_eq!(begin(wrong).expect_err(wrong).slug(), "invalid-cursor");
        }
    }
}
