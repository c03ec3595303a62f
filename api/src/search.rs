//! `GET /v1/search`: what the knowledge base says about a question, without an answer made of it.
//!
//! The passages are those the `retrieve` stage would hand on, in the same order, with the same coverage; the key's
//! audience decides what it can find.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use contract::{DocumentId, QuestionText};
use retrieval::{Found, Passage, RetrievalError};
use serde::{Deserialize, Serialize};
use web::{Caller, Problem, QueryParams, scope};

use crate::http::State;

/// Passages, unless another number is asked for.
const USUAL: usize = 10;
/// And at the most: the index is asked for several times as many, before what is hidden is dropped.
const MOST: usize = 50;
/// Seconds after which to try again when the index is away; it restarts as fast as the ledger does.
const INDEX_AWAY: u32 = 3;
/// The same when somebody has to build it anew.
const INDEX_LOST: u32 = 30;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    q: String,
    limit: Option<usize>,
}

/// What was found. No `Debug`: the words looked for are what somebody wrote.
#[derive(Serialize)]
pub(crate) struct Answer {
    passages: Vec<Shown>,
    /// How well the best passages cover the question: to be compared with the threshold.
    coverage: f32,
    /// Below this coverage questions are refused.
    threshold: f32,
    covered: bool,
    /// The words that were looked for, the most telling first.
    looked_for: Vec<String>,
}

#[derive(Serialize)]
struct Shown {
    title: String,
    /// The headings above the passage.
    section: Option<String>,
    url: Option<String>,
    text: String,
    score: f32,
    source: String,
    path: String,
    document: DocumentId,
}

impl From<Passage> for Shown {
    fn from(passage: Passage) -> Self {
        Self {
            title: passage.title,
            section: (!passage.heading.is_empty()).then(|| passage.heading.join(" › ")),
            url: passage.url,
            text: passage.text,
            score: passage.score,
            source: passage.source,
            path: passage.path,
            document: passage.document,
        }
    }
}

impl From<Found> for Answer {
    fn from(found: Found) -> Self {
        Self {
            covered: found.covered(),
            coverage: found.coverage,
            threshold: found.threshold,
            passages: found.passages.into_iter().map(Shown::from).collect(),
            looked_for: found.looked_for,
        }
    }
}

pub(crate) async fn search(
    Extract(state): Extract<State>,
    caller: Caller,
    QueryParams(asked): QueryParams<Asked>,
) -> Result<Json<Answer>, Problem> {
    caller.demand(scope::SEARCH)?;
    let limit = asked.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        let detail = format!("limit is {limit}: use 1 to {MOST}");
        return Err(Problem::bad_request("invalid-query", detail));
    }
    // The limits of a question: what can be searched for can be asked.
    let text = QuestionText::new(asked.q).map_err(|error| {
        let detail = format!("q: {error}");
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid-text",
            "The text cannot be searched for",
            detail,
        )
    })?;
    let searching = Box::pin(state.0.retriever.search(text.as_str(), caller.audience(), limit));
    Ok(Json(searching.await.map_err(not_searched)?.into()))
}

fn not_searched(error: RetrievalError) -> Problem {
    match error {
        RetrievalError::Ledger(error) => Problem::ledger(error),
        error @ (RetrievalError::Lost { .. } | RetrievalError::Analyser { .. }) => {
            Problem::unavailable("index-unusable", error.to_string(), INDEX_LOST).because(error)
        }
        error if error.is_unavailable() => {
            let detail = "the index (Qdrant) is not available: send the request again";
            Problem::unavailable("index-unavailable", detail, INDEX_AWAY).because(error)
        }
        error => Problem::internal().because(error),
    }
}
