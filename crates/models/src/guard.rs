//! What stands around every call of a provider, of chat and of embedding alike: its slots, its breaker, repeats
//! and the total time, in this order.

use std::time::Duration;

use crate::breaker::{Breaker, Waits};
use crate::limits::{Deadline, Slots};
use crate::retry::Retry;
use crate::{Metrics, ModelError};

/// Around one provider.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) provider: String,
    slots: Slots,
    breaker: Breaker,
    retry: Retry,
    /// Of a call, waiting and repeats included.
    total: Duration,
    metrics: Metrics,
}

impl Guard {
    /// `concurrency`: calls at once.
    pub(crate) fn new(
        provider: &str,
        concurrency: usize,
        total: Duration,
        waits: Waits,
        metrics: Metrics,
    ) -> Self {
        let breaker = Breaker::new(waits, metrics.breaker(provider));
        let (slots, retry) = (Slots::new(concurrency), Retry::default());
        Self { provider: provider.to_owned(), slots, breaker, retry, total, metrics }
    }

    /// Calls, again where that may help and `may_repeat` still allows it.
    ///
    /// # Errors
    /// The last attempt's; [`ModelError::Unavailable`] when none was made.
    pub(crate) async fn call<T, F: Future<Output = Result<T, ModelError>>>(
        &self,
        may_repeat: impl Fn() -> bool,
        attempt: impl FnMut() -> F,
    ) -> Result<T, ModelError> {
        let open = || {
            self.metrics.skipped(&self.provider);
            ModelError::unavailable("out of use after failures")
        };
        if self.breaker.is_open() {
            return Err(open());
        }
        let flight = self.metrics.flight(&self.provider);
        let deadline = Deadline::after(self.total);
        let result = match self.slots.take(deadline).await {
            Err(error) => Err(error),
            // It may have opened while the call waited.
            Ok(_slot) => match self.breaker.admit() {
                None => Err(ModelError::unavailable("out of use after failures")),
                Some(pass) => {
                    let result = self.retry.run(deadline, may_repeat, attempt).await;
                    pass.settle(result.as_ref().err());
                    result
                }
            },
        };
        flight.end(result.as_ref().map_or_else(ModelError::outcome, |_| "answered"));
        result
    }
}
