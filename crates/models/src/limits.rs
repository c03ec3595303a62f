//! How long a call may take, and how many there may be at once.
//!
//! A new connection has its own limit, where connections are made ([`crate::http`]).

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::chat::Replying;
use crate::{ChatModel, Grow, ModelError, Request};

/// When a whole call ends, waiting and repeats included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    total: Duration,
    end: Instant,
}

impl Deadline {
    pub(crate) fn after(total: Duration) -> Self {
        Self { total, end: Instant::now() + total }
    }

    /// Since it was set.
    pub(crate) fn elapsed(&self) -> Duration {
        self.total.saturating_sub(self.end.saturating_duration_since(Instant::now()))
    }

    /// A wait of this length would end in time.
    pub(crate) fn has_room_for(&self, wait: Duration) -> bool {
        Instant::now() + wait < self.end
    }

    /// # Errors
    /// [`ModelError::Late`] when the time is over; the work is dropped then.
    pub(crate) async fn hold<T>(
        &self,
        work: impl Future<Output = Result<T, ModelError>>,
    ) -> Result<T, ModelError> {
        let late = ModelError::Late { limit: "total", after: self.total };
        timeout_at(self.end, work).await.unwrap_or(Err(late))
    }
}

/// Calls of one provider at once.
#[derive(Debug)]
pub(crate) struct Slots {
    slots: Semaphore,
    count: usize,
}

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Self { slots: Semaphore::new(count), count }
    }

    /// Waits for a free one.
    ///
    /// # Errors
    /// None came free in time. It says nothing about the provider.
    pub(crate) async fn take(&self, deadline: Deadline) -> Result<SemaphorePermit<'_>, ModelError> {
        // The semaphore is never closed.
        let slot = timeout_at(deadline.end, self.slots.acquire()).await.ok().and_then(Result::ok);
        // One that comes free with the last moment is of no use.
        slot.filter(|_| deadline.has_room_for(Duration::ZERO)).ok_or_else(|| {
            let (count, total) = (self.count, deadline.total);
            ModelError::unavailable(format!("its {count} slots were taken for {total:?}"))
        })
    }
}

/// A model whose tokens must come in time. A thought of the model counts: it is alive.
#[derive(Debug)]
pub(crate) struct Timed<M> {
    pub(crate) model: M,
    /// From the request to the first token.
    pub(crate) first_token: Duration,
    /// Between two tokens.
    pub(crate) idle: Duration,
}

impl<M: ChatModel> ChatModel for Timed<M> {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn window(&self) -> u32 {
        self.model.window()
    }

    fn reply<'a>(&'a self, request: &'a Request, grow: &'a Grow<'a>) -> Replying<'a> {
        Box::pin(async move {
            let started = Instant::now();
            let heard: Mutex<Option<Instant>> = Mutex::new(None);
            let listen = |text: &str| {
                *heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                grow(text);
            };
            let waits = || match *heard.lock().unwrap_or_else(PoisonError::into_inner) {
                None => ("first token", self.first_token, started + self.first_token),
                Some(last) => ("idle", self.idle, last + self.idle),
            };
            let mut reply = self.model.reply(request, &listen);
            let mut timer = pin!(sleep_until(started + self.first_token));
            poll_fn(|cx| {
                if let Poll::Ready(reply) = reply.as_mut().poll(cx) {
                    return Poll::Ready(reply);
                }
                // A token may have come: the limit is another one then, and may end earlier.
                let (limit, after, until) = waits();
                if timer.deadline() != until {
                    timer.as_mut().reset(until);
                }
                timer.as_mut().poll(cx).map(|()| Err(ModelError::Late { limit, after }))
            })
            .await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::Scripted;
    use crate::tests::asking;

    async fn timed(question: &str) -> Result<crate::Reply, ModelError> {
        let (first_token, idle) = (Duration::from_millis(100), Duration::from_millis(30));
        let model = Timed { model: Scripted::new(Duration::ZERO), first_token, idle };
        model.reply(&asking(question), &|_| ()).await
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_that_ended_a_call_is_named() {
        let late = |limit, millis| Err(ModelError::Late { limit, after: Duration::from_millis(millis) });
        assert_eq!(timed("#wait=101ms").await, late("first token", 100));
        let started = Instant::now();
        assert_eq!(timed("one two #stream=31ms").await, late("idle", 30));
        assert_eq!(started.elapsed(), Duration::from_millis(30), "the first token's limit is over with it");
        assert!(timed("#wait=99ms one two three four five #stream=29ms").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_a_slot_ends_with_the_deadline() {
        let slots = Slots::new(1);
        let deadline = Deadline::after(Duration::from_secs(1));
        let held = slots.take(deadline).await.expect("it is free");
        let error = slots.take(deadline).await.expect_err("it is taken").to_string();
        assert!(error.contains("1 slots") && error.contains("1s"), "{error}");
        drop(held);
        assert!(slots.take(Deadline::after(Duration::from_secs(1))).await.is_ok());
    }
}
