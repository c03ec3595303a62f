//! `getUpdates`: one poller at a time, and what it confirms is gone.

use std::pin::pin;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::FakeTelegram;
use super::answer::{Answer, Refusal};
use super::params::Params;
use super::webhook::allowed;

impl FakeTelegram {
    pub(super) async fn get_updates(&self, params: &Params) -> Answer {
        let limit = usize::try_from(params.int("limit").unwrap_or(100)).unwrap_or(100).clamp(1, 100);
        let seconds = u64::try_from(params.int("timeout").unwrap_or_default()).unwrap_or_default();
        let deadline = Instant::now() + Duration::from_secs(seconds.min(50));
        let mine = self.begin_poll(params)?;
        // Whoever polled before hears that it is not alone.
        self.inner.polls.notify_waiters();
        loop {
            let mut woken = pin!(self.inner.polls.notified());
            // From here on no wake-up is missed, although the state is looked at first.
            woken.as_mut().enable();
            if let Some(answer) = self.poll(mine, limit, Instant::now() >= deadline) {
                return answer;
            }
            // Which of the two it was shows when the state is looked at again.
            drop(tokio::time::timeout_at(deadline, woken).await);
        }
    }

    fn begin_poll(&self, params: &Params) -> Result<u64, Refusal> {
        let mut state = self.lock();
        let updates = &mut state.updates;
        if updates.webhook.is_some() {
            return Err(Refusal::conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the \
                 webhook first",
            ));
        }
        if let Some(allowed) = allowed(params)? {
            updates.allowed = allowed;
        }
        updates.confirm(params.int("offset").unwrap_or_default());
        updates.polls += 1;
        Ok(updates.polls)
    }

    fn poll(&self, mine: u64, limit: usize, over: bool) -> Option<Answer> {
        let mut state = self.lock();
        let updates = &mut state.updates;
        if updates.webhook.is_some() {
            return Some(Err(Refusal::conflict("terminated by setWebhook request")));
        }
        if updates.polls != mine {
            return Some(Err(Refusal::conflict(
                "terminated by other getUpdates request; make sure that only one bot instance is running",
            )));
        }
        let batch = updates.batch(limit);
        (over || !batch.is_empty()).then_some(Ok(Value::from(batch)))
    }
}
