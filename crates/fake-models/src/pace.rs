//! When each token is due: computed from the start, so that no lateness adds up.

use std::time::Duration;

use tokio::time::Instant;

use super::settings::Settings;

#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    first: Instant,
    /// Seconds between tokens; zero is as fast as it goes.
    interval: f64,
}

impl Pace {
    /// From now.
    pub(super) fn of(settings: &Settings) -> Self {
        let interval = settings.tokens_per_second.map_or(0.0, |tokens| 1.0 / tokens);
        Self { first: Instant::now() + settings.first_token_after, interval }
    }

    /// Of the token with this index.
    pub(super) fn due(&self, token: usize) -> Instant {
        // A day is for ever here, and keeps the sum within what a clock can hold.
        #[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below 2^52")]
        let seconds = (self.interval * token as f64).min(86_400.0);
        self.first + Duration::from_secs_f64(seconds)
    }
}
