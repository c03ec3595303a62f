//! `POST /v1/questions`: a question becomes rows of the ledger, and only then the client hears 202.
//!
//! The order is the point: scope, admission, the body, the commit, the answer; the ticket goes out beside
//! the answer, at most once and without anybody waiting for it. If the process dies after the commit, or
//! the publish fails, the dispatcher issues the ticket. A repetition under the same `Idempotency-Key`
//! changes nothing and gets the first answer again, with `Idempotency-Replayed: true`.

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request, State as Extract};
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use contract::{ConversationId, MessageId, Question, QuestionStatus, QuestionText, TextError, Ticket};
use serde::{Deserialize, Serialize};
use store::accept::{AcceptError, Accepted, Idempotency, Submission};
use web::{Caller, IdempotencyKey, JsonBody, Problem, scope};

use crate::http::State;

pub(crate) const ROUTE: &str = "/v1/questions";

/// Seconds after which a request may be sent again whose twin, or whose process, is about to end: a commit
/// takes milliseconds, and the ledger's own limits end a stuck one.
const TWIN_IN_PROGRESS: u32 = 1;

/// What is asked. No `Debug`: what people write is personal.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    text: String,
    /// Absent: a new conversation.
    #[serde(default)]
    conversation_id: Option<ConversationId>,
}

/// The handler. The body is read last, so that who may not ask, or cannot be served now, costs little.
pub(crate) async fn ask(
    Extract(state): Extract<State>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(scope::WRITE, scope::WRITE_ANY)?;
    state.0.admission.check()?;
    let (mut parts, body) = request.into_parts();
    let IdempotencyKey(key) = IdempotencyKey::from_request_parts(&mut parts, &()).await?;
    let JsonBody(ask) = JsonBody::<Ask>::from_request(Request::from_parts(parts, body), &()).await?;

    let idempotency = key.map(|key| Idempotency { key, fingerprint: web::fingerprint("POST", ROUTE, &ask) });
    let submission = Submission {
        key: caller.id(),
        any: caller.has(scope::WRITE_ANY),
        conversation: ask.conversation_id,
        text: QuestionText::new(ask.text).map_err(|error| unusable(&error))?,
        idempotency,
    };
    let named = submission.idempotency.is_some();
    runtime::fault::point("accept.received").await;
    let accepted = state.0.acceptor.accept(submission).await.map_err(|error| refused(error, named))?;
    runtime::fault::point("accept.committed").await;
    if let Some(ticket) = accepted.ticket.clone() {
        publish(&state, ticket);
    }
    Ok(answer(&accepted))
}

/// Sends the ticket on its way without waiting. A drain waits for it; a failure is ignored, because the
/// dispatcher issues a ticket for every row that has none.
fn publish(state: &State, ticket: Ticket) {
    let Some(stage) = state.0.stages.iter().find(|stage| stage.name == ticket.stage) else { return };
    let nats = state.0.nats.clone();
    state.0.lifecycle.spawn("publish ticket", async move {
        if let Err(error) = nats.publish(stage, &ticket).await {
            tracing::debug!(%error, "the ticket was not published: the dispatcher will");
        }
        runtime::fault::point("accept.published").await;
    });
}

fn answer(accepted: &Accepted) -> Response {
    let question = Question {
        id: accepted.question,
        conversation_id: accepted.conversation,
        status: QuestionStatus::Accepted,
        answer: None,
        citations: Vec::new(),
        error: None,
    };
    let mut response = (StatusCode::ACCEPTED, Json(question)).into_response();
    response.headers_mut().insert(LOCATION, location(accepted.question));
    if accepted.replayed {
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    response
}

fn location(id: MessageId) -> HeaderValue {
    HeaderValue::from_str(&format!("{ROUTE}/{id}")).expect("a path and a UUID are visible ASCII")
}

fn unusable(error: &TextError) -> Problem {
    let slug = match error {
        TextError::Blank => "text-blank",
        TextError::TooLong(_) => "text-too-long",
        TextError::Nul => "text-nul",
    };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, slug, "The text cannot be a question", error.to_string())
}

/// `named`: the request has an `Idempotency-Key`.
fn refused(error: AcceptError, named: bool) -> Problem {
    match error {
        AcceptError::UnknownConversation => Problem::not_found("conversation"),
        AcceptError::IdempotencyMismatch => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-mismatch",
            "The Idempotency-Key was used for another request",
            "this Idempotency-Key was used for another body on this route within 24 hours: send a new one",
        ),
        // Without a key there is no twin: the process is going down and its outcome is not known.
        AcceptError::InProgress if !named => Problem::unavailable(
            "outcome-unknown",
            "the process is going down and cannot tell whether this was accepted: send it again, with an \
             Idempotency-Key if it must not be asked twice",
            TWIN_IN_PROGRESS,
        ),
        AcceptError::InProgress => Problem::new(
            StatusCode::CONFLICT,
            "idempotency-in-progress",
            "The same request is still being processed",
            "a request with this Idempotency-Key is still being processed: send it again in a moment",
        )
        .retry_after(TWIN_IN_PROGRESS),
        AcceptError::Ledger(error) => Problem::ledger(error),
    }
}
