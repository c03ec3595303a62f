//! `GET /v1/ingestions/{id}/events`: an ingestion as it goes on, as server-sent events.
//!
//! It reads the ledger about four times a second and sends a frame, `event: progress` with the whole progress, when
//! something has changed; the first at once. The stream ends after the final frame. Nothing is subscribed to: many
//! files change in every quarter of a second anyway, and so it works without NATS.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State as Extract;
use axum::response::Response;
use axum::response::sse::Event;
use contract::IngestionId;
use futures_util::stream;
use store::ingestions::Progress;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};
use web::{Caller, Problem, RawId, parse_id, scope};

use crate::events;
use crate::http::State;
use crate::ingestions::read;

/// Between two readings.
const LOOK: Duration = Duration::from_millis(250);
/// A reading counts all files of the ingestion. One that takes long may not become most of what the ledger does: the
/// wait is at least so many times what the last reading took.
const SHARE: u32 = 10;
/// A hundred thousand files take some minutes. Whoever still wants to know after that asks again.
const LONGEST: Duration = Duration::from_hours(1);

pub(crate) async fn follow(
    Extract(state): Extract<State>,
    caller: Caller,
    id: RawId,
) -> Result<Response, Problem> {
    caller.require(scope::KNOWLEDGE_READ, scope::KNOWLEDGE_WRITE)?;
    let id = parse_id(id, "ingestion")?;
    let permit = events::permit(&state)?;
    let began = Instant::now();
    let found = read(&state, &caller, id).await?;
    let follower = Follower {
        state,
        caller,
        id,
        look_at: after(began),
        until: began + LONGEST,
        over: false,
        last: None,
        _permit: permit,
    };
    let frames = stream::unfold((follower, Some(found)), |(mut follower, mut first)| async move {
        let progress = match first.take() {
            Some(first) => first,
            None => follower.next().await?,
        };
        let frame = follower.show(progress);
        Some((Ok::<_, Infallible>(frame), (follower, None)))
    });
    Ok(events::respond(frames))
}

struct Follower {
    state: State,
    caller: Caller,
    id: IngestionId,
    look_at: Instant,
    until: Instant,
    over: bool,
    last: Option<Progress>,
    _permit: OwnedSemaphorePermit,
}

impl Follower {
    /// The next progress that differs from the last one shown; `None`: the stream ends.
    async fn next(&mut self) -> Option<Progress> {
        let soft = self.state.0.lifecycle.soft.clone();
        while !self.over {
            tokio::select! {
                biased;
                () = soft.cancelled() => return None,
                () = sleep_until(self.until) => return None,
                () = sleep_until(self.look_at) => {}
            }
            let began = Instant::now();
            // An error of the ledger is no end: the next reading may succeed.
            match self.state.0.keys.still_live(&self.caller).await {
                Ok(true) => match read(&self.state, &self.caller, self.id).await {
                    Ok(found) if self.last.as_ref() != Some(&found) => {
                        self.look_at = after(began);
                        return Some(found);
                    }
                    Err(problem) if problem.status().is_client_error() => return None,
                    _ => {}
                },
                Ok(false) => return None,
                Err(_) => {}
            }
            self.look_at = after(began);
        }
        None
    }

    fn show(&mut self, progress: Progress) -> Event {
        let data = serde_json::to_string(&progress).expect("progress is plain data: it always serialises");
        self.over = progress.is_final();
        self.last = Some(progress);
        Event::default().event("progress").data(data)
    }
}

/// When to look again after a reading that began then and has ended now.
fn after(began: Instant) -> Instant {
    let now = Instant::now();
    now + LOOK.max((now - began) * SHARE)
}
