//! `GET /v1/questions/{id}/events`: a question as it goes on, as server-sent events.
//!
//! Subscribe, read the ledger, follow: in this order nothing falls between the reading and the first
//! event. Events are hints and may be lost, so the ledger is read about once a second as well; while NATS
//! is away the stream goes on by that alone, and while the ledger is away it waits. Every frame is
//! `event: status` with the question, `event: stage` with `{"stage": …}`, or `event: text` with `{"text": …}`, what
//! there is of the answer from its beginning; the stream begins with a status and ends after the frame with a final one.
//!
//! The key comes in the `Authorization` header only, which `fetch` can send and a browser's `EventSource`
//! cannot. It is looked at again with every reading: a revoked key ends the stream.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State as Extract;
use axum::http::HeaderValue;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use contract::{MessageId, QuestionEvent};
use futures_util::{Stream, StreamExt, stream};
use nats::QuestionEvents;
use store::questions::Owned;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;
use web::{Caller, Problem, RawId, parse_id, scope};

use crate::http::State;
use crate::progress::Progress;
use crate::questions::read;

/// Proxies close a connection on which nothing is said, nginx after 60 s.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A turn is given up after 15 minutes; twice that, and whoever still wants to know asks again.
const LONGEST: Duration = Duration::from_mins(30);
/// Subscribing waits for one answer of NATS; if that takes longer, the stream begins without.
const SUBSCRIBE: Duration = Duration::from_millis(200);

pub(crate) async fn follow(
    Extract(state): Extract<State>,
    caller: Caller,
    id: RawId,
) -> Result<Response, Problem> {
    caller.require(scope::READ, scope::READ_ANY)?;
    let id = parse_id(id, "question")?;
    let permit = permit(&state)?;
    let events = subscribe(&state, id).await;
    let found = read(&state, &caller, id).await?;

    let mut follower = Follower {
        state,
        caller,
        id,
        events,
        progress: Progress::default(),
        ready: VecDeque::new(),
        read_at: next_reading(),
        until: Instant::now() + LONGEST,
        over: false,
        _permit: permit,
    };
    follower.show(found);
    let frames = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    Ok(respond(frames))
}

/// The right to one more stream.
pub(crate) fn permit(state: &State) -> Result<OwnedSemaphorePermit, Problem> {
    state.0.streams.clone().try_acquire_owned().map_err(|_| {
        Problem::unavailable(
            "too-many-streams",
            format!(
                "this process has {} event streams open, its limit: try again, or read the thing itself",
                crate::http::MAX_STREAMS
            ),
            5,
        )
    })
}

pub(crate) fn respond(frames: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    let mut response = Sse::new(frames).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    // nginx would collect the frames until its buffer is full.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

struct Follower {
    state: State,
    caller: Caller,
    id: MessageId,
    /// `None`: NATS could not be asked, or the subscription has ended.
    events: Option<QuestionEvents>,
    progress: Progress,
    ready: VecDeque<Event>,
    read_at: Instant,
    until: Instant,
    over: bool,
    _permit: OwnedSemaphorePermit,
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        let (soft, until) = (self.state.0.lifecycle.soft.clone(), self.until);
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            let step = async {
                tokio::select! {
                    event = heard(&mut self.events) => match event {
                        Some(event) => self.hear(&event).await,
                        None => self.events = None,
                    },
                    () = sleep_until(self.read_at) => self.look().await,
                }
            };
            tokio::select! {
                biased;
                () = soft.cancelled() => return None,
                () = sleep_until(until) => return None,
                () = step => {}
            }
        }
    }

    async fn hear(&mut self, event: &QuestionEvent) {
        if self.progress.asks_for_reading(event) {
            self.look().await;
        }
        let frame = self.progress.heard(event);
        self.ready.extend(frame.map(|frame| frame.event()));
    }

    /// Reads the ledger, and the key. An error of the ledger is no end: the next reading may succeed.
    async fn look(&mut self) {
        self.read_at = next_reading();
        if self.events.is_none() {
            self.events = subscribe(&self.state, self.id).await;
        }
        match self.state.0.keys.still_live(&self.caller).await {
            Ok(true) => {}
            Ok(false) => return self.over = true,
            Err(_) => return,
        }
        match read(&self.state, &self.caller, self.id).await {
            Ok(found) => self.show(found),
            // Gone, by an erasure.
            Err(problem) if problem.status().is_client_error() => self.over = true,
            Err(_) => {}
        }
    }

    fn show(&mut self, found: Owned) {
        let frame = self.progress.read(found.question, found.epoch);
        self.ready.extend(frame.map(|frame| frame.event()));
        self.over = self.progress.is_final();
    }
}

/// `None` while NATS is away; a reading later it is asked again.
async fn subscribe(state: &State, id: MessageId) -> Option<QuestionEvents> {
    timeout(SUBSCRIBE, state.0.nats.follow(id)).await.ok()?.ok()
}

async fn heard(events: &mut Option<QuestionEvents>) -> Option<QuestionEvent> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}

/// A second from now, up to a quarter sooner or later, so that streams opened together do not read together.
fn next_reading() -> Instant {
    // The low bits of a UUIDv7 are random.
    let jitter = u64::from(Uuid::now_v7().as_bytes()[15]) * 500 / 255;
    Instant::now() + Duration::from_millis(750 + jitter)
}
