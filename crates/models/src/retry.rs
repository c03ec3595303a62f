//! The one place where a call is repeated.
//!
//! Repeated are 429, 5xx and connections that were not made, at most [`REPEATS`] times, and only while nobody has
//! heard anything of the answer. What a provider says in `Retry-After` holds for every call of it: when the wait fits
//! into the time that is left it is waited for, else the call fails, and the breaker takes the provider out until
//! then.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::ModelError;
use crate::limits::Deadline;

/// More rarely help within the time that a person waits.
const REPEATS: u32 = 2;
/// Waits without a `Retry-After`: 250 ms, then 1 s, each up to a quarter more.
const FIRST: Duration = Duration::from_millis(250);

/// Repeats the calls of one provider.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    /// The provider wants no calls until then.
    quiet: Mutex<Option<Instant>>,
}

impl Retry {
    /// # Errors
    /// The last attempt's, or [`ModelError::Late`].
    pub(crate) async fn run<T, F: Future<Output = Result<T, ModelError>>>(
        &self,
        deadline: Deadline,
        may_repeat: impl Fn() -> bool,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, ModelError> {
        deadline
            .hold(async {
                let mut repeats = 0;
                loop {
                    self.be_quiet(deadline).await?;
                    let error = match attempt().await {
                        Ok(done) => return Ok(done),
                        Err(error) => error,
                    };
                    self.note(error.retry_after());
                    if repeats == REPEATS || !error.is_passing() || !may_repeat() {
                        return Err(error);
                    }
                    let wait = error.retry_after().unwrap_or_else(|| spread(FIRST * 4_u32.pow(repeats)));
                    if !deadline.has_room_for(wait) {
                        return Err(error);
                    }
                    sleep(wait).await;
                    repeats += 1;
                }
            })
            .await
    }

    /// Waits as long as the provider asked somebody to.
    async fn be_quiet(&self, deadline: Deadline) -> Result<(), ModelError> {
        let until = *self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        if wait.is_zero() {
            return Ok(());
        }
        if !deadline.has_room_for(wait) {
            return Err(ModelError::Limited { retry_after: Some(wait) });
        }
        sleep(wait).await;
        Ok(())
    }

    fn note(&self, retry_after: Option<Duration>) {
        let Some(until) = retry_after.and_then(|wait| Instant::now().checked_add(wait)) else { return };
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        *quiet = Some(quiet.map_or(until, |before| before.max(until)));
    }
}

/// Up to a quarter longer, so that what failed together is not repeated together.
fn spread(wait: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 256;
    wait + wait / 4 * u32::try_from(random).unwrap_or_default() / 256
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Attempts until this many failed, and how long it took.
    async fn attempts(
        error: ModelError,
        failures: u32,
        total: Duration,
        heard: bool,
    ) -> (u32, Duration, bool) {
        let (made, started) = (AtomicU32::new(0), Instant::now());
        let attempt = || {
            let made = made.fetch_add(1, Ordering::Relaxed);
            std::future::ready(if made < failures { Err(error.clone()) } else { Ok(()) })
        };
        let done = Retry::default().run(Deadline::after(total), || !heard, attempt).await;
        (made.into_inner(), started.elapsed(), done.is_ok())
    }

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn what_passes_is_repeated_twice_at_the_most() {
        let away = ModelError::Unavailable { cause: String::new(), passing: true, retry_after: None };
        let (made, took, done) = attempts(away.clone(), 2, MINUTE, false).await;
        assert!(made == 3 && done && took >= Duration::from_millis(1250), "{made} in {took:?}");
        let (made, _, done) = attempts(away.clone(), 9, MINUTE, false).await;
        assert!(made == 3 && !done);
        assert_eq!(attempts(away, 9, MINUTE, true).await.0, 1, "somebody has heard something");
        for lasting in
            [ModelError::unavailable("key"), ModelError::TooLong, ModelError::Failed(String::new())]
        {
            assert_eq!(attempts(lasting, 9, MINUTE, false).await.0, 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_asked_for_is_kept_when_it_fits() {
        let limited = ModelError::Limited { retry_after: Some(Duration::from_secs(7)) };
        let (made, took, done) = attempts(limited.clone(), 1, MINUTE, false).await;
        assert!(made == 2 && done && took.as_secs() == 7, "{made} in {took:?}");
        let (made, took, _) = attempts(limited, 1, Duration::from_secs(5), false).await;
        assert!(made == 1 && took.is_zero(), "{made} in {took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_holds_for_every_call_of_the_provider() {
        let retry = Retry::default();
        retry.note(Some(Duration::from_secs(10)));
        let call = |total| retry.run(Deadline::after(total), || true, || std::future::ready(Ok(())));
        let error = call(Duration::from_secs(1)).await.expect_err("it has no time to wait");
        assert_eq!(error, ModelError::Limited { retry_after: Some(Duration::from_secs(10)) });
        let started = Instant::now();
        assert_eq!(call(MINUTE).await, Ok(()));
        assert_eq!(started.elapsed().as_secs(), 10);
    }
}
