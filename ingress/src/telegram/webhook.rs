//! `POST /telegram/webhook`.
//!
//! What Telegram hears decides whether it sends an update again: 2xx ends it, anything else is retried, and a
//! `Retry-After` of ours is honoured (for up to an hour).

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use subtle::ConstantTimeEq;
use web::Problem;

use super::Door;

/// Where Telegram brings updates, below the public address.
pub const ROUTE: &str = "/telegram/webhook";

/// Telegram repeats the webhook's secret here.
const SECRET: &str = "x-telegram-bot-api-secret-token";

/// Seconds after which Telegram tries again while the ledger is away.
const LEDGER_AWAY: u32 = 1;

/// The route. It is Telegram's and not a part of the interface for clients.
pub fn router(door: Door) -> Router {
    Router::new().route(ROUTE, post(receive)).with_state(door)
}

async fn receive(
    Extract(door): Extract<Door>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let secret = door.0.settings.secret().unwrap_or_default();
    let shown = headers.get(SECRET).map_or(&b""[..], |value| value.as_bytes());
    if secret.is_empty() || !bool::from(shown.ct_eq(secret.as_bytes())) {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "webhook-secret",
            "This is not Telegram",
            "the header X-Telegram-Bot-Api-Secret-Token is missing or wrong: run `vectora telegram webhook set`",
        ));
    }
    door.0.admission.check()?;
    let unreadable = || {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "no-update",
            "This is no update",
            "the body must be a JSON object with an update_id",
        )
    };
    let raw: Value = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    let update = door.update(raw).ok_or_else(unreadable)?;
    runtime::fault::point("webhook.received").await;
    let received = door.0.receiver.receive(update).await.map_err(|error| {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "an update was not taken: Telegram repeats it"
        );
        Problem::unavailable("not-taken", "the update could not be stored: send it again", LEDGER_AWAY)
    })?;
    runtime::fault::point("webhook.committed").await;
    if let Some((_, Some(ticket))) = received {
        door.publish(ticket);
    }
    Ok(StatusCode::OK)
}
