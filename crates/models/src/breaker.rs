//! Takes a provider that fails out of use, and looks whether it is back with one call at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::time::Instant;

use crate::ModelError;

/// Failures in a row that open it: one is chance.
const FAILURES: u32 = 3;
/// The longest that a provider's own `Retry-After` keeps it open: a mistake there must not cost a day.
const LONGEST_WISH: Duration = Duration::from_hours(1);

/// How long a breaker stays open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    /// After it opened; doubled with each probe that fails.
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Calls pass; so many failed in a row.
    Closed { failures: u32 },
    /// None pass until then, then one.
    Open { until: Instant, wait: Duration },
    /// One is under way, and decides.
    Probing,
}

/// Of one provider.
#[derive(Debug)]
pub(crate) struct Breaker {
    waits: Waits,
    state: Mutex<State>,
    /// 1 while it is not closed.
    gauge: Gauge,
}

/// Leave to call. Dropped without a verdict it decides nothing.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    breaker: &'a Breaker,
    /// For the probe: what its wait was.
    probe: Option<Duration>,
}

impl Breaker {
    pub(crate) fn new(waits: Waits, gauge: Gauge) -> Self {
        gauge.set(0);
        Self { waits, state: Mutex::new(State::Closed { failures: 0 }), gauge }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody would pass now. Takes no probe.
    pub(crate) fn is_open(&self) -> bool {
        match *self.state() {
            State::Closed { .. } => false,
            State::Open { until, .. } => Instant::now() < until,
            State::Probing => true,
        }
    }

    /// Leave to call; `None` while it is open, and while the probe is under way.
    pub(crate) fn admit(&self) -> Option<Pass<'_>> {
        let mut state = self.state();
        let probe = match *state {
            State::Closed { .. } => None,
            State::Open { until, wait } if Instant::now() >= until => {
                *state = State::Probing;
                Some(wait)
            }
            State::Open { .. } | State::Probing => return None,
        };
        Some(Pass { breaker: self, probe })
    }
}

impl Pass<'_> {
    /// How the call ended. A question that the provider refuses shows that it is there.
    pub(crate) fn settle(mut self, error: Option<&ModelError>) {
        let probe = self.probe.take();
        let Breaker { waits, gauge, .. } = self.breaker;
        let mut state = self.breaker.state();
        let failures = match (*state, probe) {
            (State::Closed { failures }, None) => failures,
            (_, Some(_)) => FAILURES,
            // Began before it opened: the probe decides.
            (State::Open { .. } | State::Probing, None) => return,
        };
        let Some(error) = error.filter(|error| !error.is_about_the_question()) else {
            *state = State::Closed { failures: 0 };
            gauge.set(0);
            return;
        };
        let lasts = matches!(error, ModelError::Unavailable { passing: false, .. });
        let wish = error.retry_after().map(|wish| wish.min(LONGEST_WISH));
        if failures + 1 < FAILURES && !lasts && wish.is_none() {
            *state = State::Closed { failures: failures + 1 };
            return;
        }
        let wait = probe.map_or(waits.first, |wait| (wait * 2).min(waits.longest));
        let until = Instant::now() + wait.max(wish.unwrap_or_default());
        *state = State::Open { until, wait };
        gauge.set(1);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if let Some(wait) = self.probe {
            // The probe was given up: the next call is one.
            *self.breaker.state() = State::Open { until: Instant::now(), wait };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker() -> Breaker {
        Breaker::new(Waits { first: SECOND, longest: SECOND * 3 }, Gauge::default())
    }

    fn fail(breaker: &Breaker) {
        breaker.admit().expect("it lets calls pass").settle(Some(&ModelError::Failed(String::new())));
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_asks_with_one_probe() {
        let breaker = breaker();
        fail(&breaker);
        fail(&breaker);
        breaker.admit().expect("closed").settle(None);
        for _ in 0..FAILURES {
            fail(&breaker);
        }
        assert!(breaker.is_open() && breaker.admit().is_none() && breaker.gauge.get() == 1);
        tokio::time::advance(SECOND).await;
        let probe = breaker.admit().expect("it is time to look");
        assert!(breaker.admit().is_none() && breaker.is_open(), "one probe only");
        probe.settle(None);
        assert!(!breaker.is_open() && breaker.gauge.get() == 0);
        assert!(breaker.admit().is_some() && breaker.admit().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn waits_double_up_to_the_longest() {
        let breaker = breaker();
        for _ in 0..FAILURES {
            fail(&breaker);
        }
        for wait in [1_u32, 2, 3, 3] {
            tokio::time::advance(SECOND * wait.saturating_sub(1) + Duration::from_millis(999)).await;
            assert!(breaker.admit().is_none(), "{wait}s");
            tokio::time::advance(Duration::from_millis(1)).await;
            fail(&breaker);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_given_up_makes_room_for_the_next() {
        let breaker = breaker();
        for _ in 0..FAILURES {
            fail(&breaker);
        }
        tokio::time::advance(SECOND).await;
        drop(breaker.admit().expect("it is time to look"));
        assert!(!breaker.is_open());
        breaker.admit().expect("the next one looks").settle(None);
        assert!(breaker.admit().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_at_once_for_a_wrong_key_and_for_as_long_as_the_provider_wishes() {
        let breaker_of_key = breaker();
        let wrong = ModelError::unavailable("status 401");
        breaker_of_key.admit().expect("closed").settle(Some(&wrong));
        assert!(breaker_of_key.is_open());
        let breaker = breaker();
        let limited = ModelError::Limited { retry_after: Some(SECOND * 30) };
        breaker.admit().expect("closed").settle(Some(&limited));
        tokio::time::advance(SECOND * 29).await;
        assert!(breaker.is_open());
        tokio::time::advance(SECOND).await;
        assert!(!breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_is_refused_says_nothing_about_the_provider() {
        let breaker = breaker();
        for _ in 0..9 {
            breaker.admit().expect("closed").settle(Some(&ModelError::TooLong));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_from_before_it_opened_change_nothing() {
        let breaker = breaker();
        let (early, late) = (breaker.admit().expect("closed"), breaker.admit().expect("closed"));
        for _ in 0..FAILURES {
            fail(&breaker);
        }
        early.settle(None);
        late.settle(Some(&ModelError::Failed(String::new())));
        assert!(breaker.is_open());
        tokio::time::advance(SECOND).await;
        assert!(breaker.admit().is_some());
    }
}
