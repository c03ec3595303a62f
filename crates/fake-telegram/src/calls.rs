//! Every call that came with the right token, whatever became of it.

use std::time::Instant;

use super::FakeTelegram;

#[derive(Debug, Default)]
pub(super) struct Calls(Vec<(String, Instant)>);

impl Calls {
    pub(super) fn record(&mut self, method: &str, at: Instant) {
        self.0.push((method.to_owned(), at));
    }
}

impl FakeTelegram {
    pub fn calls(&self, method: &str) -> usize {
        self.lock().calls.0.iter().filter(|(called, _)| called == method).count()
    }

    /// When each call came, of all methods together, `getUpdates` too.
    pub fn call_times(&self) -> Vec<Instant> {
        self.lock().calls.0.iter().map(|(_, at)| *at).collect()
    }

    pub fn call_times_of(&self, method: &str) -> Vec<Instant> {
        self.lock().calls.0.iter().filter(|(called, _)| called == method).map(|(_, at)| *at).collect()
    }

    /// How many calls were answered 429.
    pub fn limited(&self) -> u64 {
        self.lock().governor.limited
    }

    /// How many calls came before the `retry_after` that was answered to their chat had passed.
    pub fn violations(&self) -> u64 {
        self.lock().governor.violations
    }
}
