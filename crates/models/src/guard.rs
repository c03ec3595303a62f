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

    /// # Errors
    /// Calls would not pass now: the breaker is open.
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        if self.breaker.is_open() {
            self.metrics.skipped(&self.provider);
            return Err(out_of_use());
        }
        Ok(())
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
        self.check()?;
        let flight = self.metrics.flight(&self.provider);
        let deadline = Deadline::after(self.total);
        let result = match self.slots.take(deadline).await {
            Err(error) => Err(error),
            // It may have opened while the call waited.
            Ok(_slot) => match self.breaker.admit() {
                None => Err(out_of_use()),
                Some(pass) => {
                    let waited = deadline.elapsed();
                    let result = self.retry.run(deadline, may_repeat, attempt).await;
                    // Who waited long for a slot had no whole time left: that is no fault of the provider.
                    let short = waited > self.total / 4;
                    if short && matches!(result, Err(ModelError::Late { limit: "total", .. })) {
                        drop(pass);
                    } else {
                        pass.settle(result.as_ref().err());
                    }
                    result
                }
            },
        };
        flight.end(result.as_ref().map_or_else(ModelError::outcome, |_| "answered"));
        result
    }
}

fn out_of_use() -> ModelError {
    ModelError::unavailable("out of use after failures")
}
