//! The `[workers]` section. Tests shorten the times together.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use store::limiter::Rate;

/// How work is claimed, protected, repeated and given up.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long a claim holds without being renewed. A killed worker's row is free again after it.
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    /// Between two renewals; a third of the lease survives two that fail.
    #[serde(with = "humantime_serde")]
    pub renew: Duration,
    /// Between two progress acknowledgements of a running handler; a third of `nats.ack_wait`.
    #[serde(with = "humantime_serde")]
    pub progress: Duration,
    /// Failed attempts after which an item is given up.
    pub attempts: i32,
    /// Claims at one stage after which an item counts as one that kills its workers.
    pub claims: i32,
    /// Wait after the first failed attempt; each further one waits four times as long, at most 60 s.
    #[serde(with = "humantime_serde")]
    pub retry: Duration,
    /// First wait of a breaker after a dependency failed; doubled up to `breaker_max`.
    #[serde(with = "humantime_serde")]
    pub breaker: Duration,
    /// Longest wait of a breaker: how late a dependency that is back is noticed.
    #[serde(with = "humantime_serde")]
    pub breaker_max: Duration,
    /// How long a running item may go on after SIGTERM.
    #[serde(with = "humantime_serde")]
    pub drain: Duration,
    /// Items a process works on at once, by stage; `default` for those not named.
    pub concurrency: BTreeMap<String, usize>,
    /// How long a handler may run, by stage; `default` for those not named.
    pub hard_limit: BTreeMap<String, Limit>,
    /// Messages to one chat.
    pub chat_rate: Rate,
    /// Messages to one group, with all its topics. Telegram allows 20 a minute; edits count.
    pub group_rate: Rate,
    /// Messages of one bot to all chats. Broadcasts are limited to about 30 a second, answers are not: the default
    /// stays below what Telegram was seen to take, and its `retry_after` has the last word.
    pub bot_rate: Rate,
    /// Questions of one person.
    pub contact_rate: Rate,
    /// How long a plain send of which nobody knows whether it arrived waits before it is repeated once.
    #[serde(with = "humantime_serde")]
    pub second_thoughts: Duration,
    /// How long after a delivery changed hands its final edit is repeated once; longer than a call lasts.
    #[serde(with = "humantime_serde")]
    pub repeat_after: Duration,
    /// Where the loopback channel's messenger listens, for tests: `http://127.0.0.1:…`.
    pub loopback_url: Option<String>,
}

/// A duration inside a map: humantime needs a type of its own there.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub struct Limit(#[serde(with = "humantime_serde")] pub Duration);

/// A value that cannot work. Shown as `workers.<key>: <problem>`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("workers.{key}: {problem}")]
pub struct SettingsError {
    pub key: &'static str,
    pub problem: String,
}

impl Settings {
    /// Checks what can be checked without a server; `ack_wait` is that of NATS.
    ///
    /// # Errors
    /// The first key whose value cannot work.
    pub fn validate(&self, ack_wait: Duration) -> Result<(), SettingsError> {
        let wrong = |key, problem: &str| Err(SettingsError { key, problem: problem.to_owned() });
        if self.renew.is_zero() || self.renew * 2 > self.lease {
            return wrong(
                "renew",
                "at least two renewals must fit into workers.lease; a third of it is right",
            );
        }
        if self.progress.is_zero() || self.progress >= ack_wait {
            return wrong("progress", "it must be shorter than nats.ack_wait; a third of it is right");
        }
        if self.attempts < 1 {
            return wrong("attempts", "use at least 1");
        }
        if self.claims < 2 {
            return wrong("claims", "use at least 2: a worker may be killed through no fault of the item");
        }
        if self.breaker.is_zero() || self.breaker > self.breaker_max {
            return wrong("breaker", "it must be above 0 and at most workers.breaker_max");
        }
        let known =
            |name: &str| name == "default" || crate::stages::ALL.iter().any(|stage| stage.name == name);
        let named = self.concurrency.keys().map(|name| ("concurrency", name));
        for (key, name) in named.chain(self.hard_limit.keys().map(|name| ("hard_limit", name))) {
            if !known(name) {
                let stages: Vec<&str> = crate::stages::ALL.iter().map(|stage| stage.name).collect();
                let problem = format!("there is no stage of this name; use default, {}", stages.join(", "));
                return Err(SettingsError { key, problem });
            }
        }
        Ok(())
    }

    pub fn concurrency_of(&self, stage: &str) -> usize {
        let named = self.concurrency.get(stage).or_else(|| self.concurrency.get("default"));
        named.copied().unwrap_or(64).max(1)
    }

    pub fn hard_limit_of(&self, stage: &str) -> Duration {
        let named = self.hard_limit.get(stage).or_else(|| self.hard_limit.get("default"));
        named.map_or(Duration::from_mins(2), |limit| limit.0)
    }

    /// Wait before the attempt after `attempts` failed ones: 1, 4, 16, 60 s by default.
    pub fn retry_delay(&self, attempts: i32) -> Duration {
        store::work::retry_delay(self.retry, attempts, store::work::LONGEST_RETRY)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(25),
            renew: Duration::from_secs(8),
            progress: Duration::from_secs(10),
            attempts: 5,
            claims: 20,
            retry: Duration::from_secs(1),
            breaker: Duration::from_millis(250),
            breaker_max: Duration::from_secs(2),
            drain: Duration::from_secs(20),
            concurrency: BTreeMap::new(),
            hard_limit: BTreeMap::new(),
            chat_rate: Rate { interval: Duration::from_secs(1), burst: 3 },
            group_rate: Rate { interval: Duration::from_millis(3400), burst: 3 },
            bot_rate: Rate { interval: Duration::from_millis(4), burst: 30 },
            contact_rate: Rate { interval: Duration::from_secs(6), burst: 10 },
            second_thoughts: Duration::from_secs(30),
            repeat_after: Duration::from_secs(15),
            loopback_url: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_fourfold_and_end_at_a_minute() {
        let settings = Settings::default();
        let waits: Vec<u64> = (0..6).map(|n| settings.retry_delay(n).as_secs()).collect();
        assert_eq!(waits, [1, 4, 16, 60, 60, 60]);
    }

    #[test]
    fn a_renewal_may_fail_twice_before_the_lease_runs_out() {
        let settings = Settings::default();
        assert!(settings.renew * 3 <= settings.lease);
    }
}
