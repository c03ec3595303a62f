//! A stage's circuit breaker: while a dependency is away the process stops pulling, and probes.
//!
//! Closed: everything passes. Open: nothing is pulled until the wait is over. Half open: one item is pulled;
//! its success closes the breaker, its failure opens it again for twice as long, up to the limit.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// Shared by the pull loop and the items of one stage.
#[derive(Debug)]
pub struct Breaker {
    first: Duration,
    longest: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed,
    Open { dependency: &'static str, until: Instant, wait: Duration },
}

/// What the pull loop may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// Pull as much as there are permits.
    Free,
    /// Pull one item: it is the probe.
    Probe,
    /// Wait until then, because of this dependency.
    Wait { until: Instant, dependency: &'static str },
}

impl Breaker {
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, state: Mutex::new(State::Closed) }
    }

    pub fn passage(&self) -> Passage {
        match *self.lock() {
            State::Closed => Passage::Free,
            State::Open { until, .. } if Instant::now() >= until => Passage::Probe,
            State::Open { until, dependency, .. } => Passage::Wait { until, dependency },
        }
    }

    /// An item found the dependency away. Returns how long the breaker stays open: many items that fail
    /// together open it once.
    pub fn trip(&self, dependency: &'static str) -> Duration {
        let now = Instant::now();
        let mut state = self.lock();
        let wait = match *state {
            State::Open { until, .. } if now < until => return until - now,
            State::Open { wait, .. } => (wait * 2).min(self.longest),
            State::Closed => self.first,
        };
        *state = State::Open { dependency, until: now + wait, wait };
        wait
    }

    /// An item came through.
    pub fn close(&self) {
        *self.lock() = State::Closed;
    }

    /// The dependency it is open for.
    pub fn open_for(&self) -> Option<&'static str> {
        match *self.lock() {
            State::Closed => None,
            State::Open { dependency, .. } => Some(dependency),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_opens_once_for_many_failures_probes_and_closes() {
        let breaker = Breaker::new(Duration::from_millis(100), Duration::from_millis(300));
        assert_eq!(breaker.passage(), Passage::Free);
        assert_eq!(breaker.trip("model"), Duration::from_millis(100));
        assert_eq!(breaker.trip("model"), Duration::from_millis(100));
        assert!(matches!(breaker.passage(), Passage::Wait { dependency: "model", .. }));
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(breaker.passage(), Passage::Probe);
        assert_eq!(breaker.trip("model"), Duration::from_millis(200));
        tokio::time::advance(Duration::from_millis(200)).await;
        assert_eq!(breaker.trip("model"), Duration::from_millis(300));
        tokio::time::advance(Duration::from_millis(300)).await;
        assert_eq!(breaker.trip("model"), Duration::from_millis(300));
        breaker.close();
        assert_eq!(breaker.passage(), Passage::Free);
        assert_eq!(breaker.open_for(), None);
    }
}
