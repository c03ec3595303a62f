//! Admission: whether there is room for another question, decided *before* the commit.
//!
//! A task reads the backlog from the ledger a few times a second; a request looks at the last reading and
//! costs the ledger nothing. Limits are therefore soft by what arrives between two readings. While the
//! backlog cannot be read nobody is turned away on its account: if the ledger is away the accept fails by
//! itself and says so.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runtime::lifecycle::Lifecycle;
use serde::Deserialize;
use store::Ledger;
use store::backlog::{self, Backlog};
use web::{Problem, SettingsError};

/// The `[admission]` section.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Questions that may be open at once. 20,000 at 600 a second are half a minute of work, and the age
    /// limit below notices when they are more.
    pub max_open: i64,
    /// How old the oldest open question may be. A turn is given up after 15 minutes: accepting what would
    /// wait that long would be accepting it in order to fail it.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
    /// Time between two readings.
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_open: 20_000, max_age: Duration::from_mins(5), interval: Duration::from_millis(250) }
    }
}

impl Settings {
    /// # Errors
    /// The first key whose value cannot work.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let wrong = |key, problem, remedy| Err(SettingsError { key, problem, remedy });
        if self.max_open < 1 {
            return wrong("admission.max_open", format!("{} admits nobody", self.max_open), "use at least 1");
        }
        if self.max_age < Duration::from_secs(1) {
            return wrong("admission.max_age", format!("{:?} is too short", self.max_age), "use at least 1s");
        }
        if self.interval < SHORTEST || self.interval > LONGEST {
            return wrong("admission.interval", format!("{:?}", self.interval), "use 10ms to 10s");
        }
        Ok(())
    }
}

/// Shortest and longest wait a client is asked for, in seconds. Longer than half a minute would leave the
/// service idle after a short storm.
const WAIT: std::ops::RangeInclusive<f64> = 1.0..=30.0;

/// Shortest time between two readings: one costs the ledger a count over its unfinished rows.
const SHORTEST: Duration = Duration::from_millis(10);
/// Longest: what arrives in between is not counted.
const LONGEST: Duration = Duration::from_secs(10);

/// What the last reading is worth in the average of the drain rate: about two seconds of memory at the
/// default interval, long enough to bridge a checkpoint, short enough to notice a stop.
const WEIGHT: f64 = 0.1;

/// The gate. Clones share the reading.
#[derive(Debug, Clone)]
pub struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    last: Mutex<Reading>,
}

#[derive(Debug, Default)]
struct Reading {
    /// `None`: not read yet, or the ledger did not answer.
    backlog: Option<Backlog>,
    /// Questions finished a second, over those accepted, while the gate was shut: what empties the queue.
    drain: f64,
}

impl Admission {
    /// A gate that nobody tells anything: open. [`Admission::start`] is the one to use.
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(Inner { settings, last: Mutex::default() }))
    }

    /// A gate, and the task that reads the backlog for it until the soft shutdown.
    pub fn start(settings: Settings, ledger: Ledger, lifecycle: &Lifecycle) -> Self {
        let gate = Self::new(settings);
        let (told, soft) = (gate.clone(), lifecycle.soft.clone());
        lifecycle.spawn("admission", async move {
            let mut ticks = tokio::time::interval(told.0.settings.interval.max(SHORTEST));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = soft.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                match backlog::read(&ledger).await {
                    Ok(backlog) => told.tell(Some(backlog)),
                    Err(error) => {
                        tracing::debug!(%error, "the backlog was not read: nobody is turned away for it");
                        told.tell(None);
                    }
                }
            }
        });
        gate
    }

    /// # Errors
    /// 503 with `Retry-After`, naming the limit that is reached.
    pub fn check(&self) -> Result<(), Problem> {
        let Settings { max_open, max_age, .. } = self.0.settings;
        let reading = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Backlog { open, oldest }) = reading.backlog else { return Ok(()) };
        if open >= max_open {
            let wait = wait_for_room(open - max_open + 1, reading.drain);
            let detail =
                format!("{open} questions are open, the limit is {max_open}: send it again in {wait} s");
            return Err(Problem::unavailable("too-many-open", detail, wait));
        }
        if oldest > max_age {
            let wait = seconds(oldest.saturating_sub(max_age).as_secs_f64());
            let detail = format!(
                "the oldest open question has waited for {} s, the limit is {} s: send it again in {wait} s",
                oldest.as_secs(),
                max_age.as_secs()
            );
            return Err(Problem::unavailable("backlog-too-old", detail, wait));
        }
        Ok(())
    }

    pub(crate) fn tell(&self, backlog: Option<Backlog>) {
        let mut reading = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(before), Some(now)) = (reading.backlog, backlog) {
            #[expect(clippy::cast_precision_loss, reason = "a difference of counts far below 2^52")]
            let gone = (before.open - now.open) as f64;
            let rate = gone / self.0.settings.interval.as_secs_f64();
            reading.drain += WEIGHT * (rate - reading.drain);
        }
        reading.backlog = backlog;
    }
}

/// Seconds until `excess` questions are done at `drain` a second; the longest wait if nothing is done.
fn wait_for_room(excess: i64, drain: f64) -> u32 {
    #[expect(clippy::cast_precision_loss, reason = "a count of questions far below 2^52")]
    let wait = if drain > 0.0 { excess as f64 / drain } else { *WAIT.end() };
    seconds(wait)
}

fn seconds(wait: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1..=30")]
    let whole = wait.clamp(*WAIT.start(), *WAIT.end()).ceil() as u32;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Admission {
        Admission::new(Settings { max_open: 100, max_age: Duration::from_mins(1), ..Settings::default() })
    }

    fn tell(gate: &Admission, open: i64, oldest: u64) {
        gate.tell(Some(Backlog { open, oldest: Duration::from_secs(oldest) }));
    }

    fn slug(gate: &Admission) -> Option<&'static str> {
        gate.check().err().map(|problem| problem.slug())
    }

    #[test]
    fn a_limit_that_cannot_work_is_named() {
        Settings::default().validate().expect("the defaults are valid");
        let settings = Settings { max_open: 0, ..Settings::default() };
        let error = settings.validate().expect_err("nobody").to_string();
        assert_eq!(error, "admission.max_open: 0 admits nobody; use at least 1");
    }

    #[test]
    fn the_gate_is_open_until_a_reading_says_otherwise_and_when_there_is_none() {
        let gate = gate();
        assert_eq!(slug(&gate), None);
        tell(&gate, 100, 0);
        assert_eq!(slug(&gate), Some("too-many-open"));
        gate.tell(None);
        assert_eq!(slug(&gate), None);
        tell(&gate, 99, 60);
        assert_eq!(slug(&gate), None);
        tell(&gate, 1, 61);
        assert_eq!(slug(&gate), Some("backlog-too-old"));
    }

    #[test]
    fn the_wait_follows_what_is_over_and_how_fast_it_goes() {
        assert_eq!(wait_for_room(600, 200.0), 3);
        assert_eq!(wait_for_room(1, 200.0), 1);
        assert_eq!(wait_for_room(1_000_000, 200.0), 30);
        assert_eq!(wait_for_room(1, 0.0), 30);
        assert_eq!(wait_for_room(1, -5.0), 30, "a queue that still grows");
        assert_eq!(seconds(f64::INFINITY), 30);
    }

    #[test]
    fn a_queue_that_empties_shortens_the_wait_and_the_limit_is_named() {
        let gate = gate();
        for open in (0..40).map(|n| 1000 - n * 10) {
            tell(&gate, open, 0);
        }
        // 10 every 250 ms are 40 a second, and 511 are over.
        let problem = gate.check().expect_err("still over");
        assert!(
            problem.detail().contains("610 questions are open, the limit is 100"),
            "{}",
            problem.detail()
        );
        assert!(problem.detail().contains("in 13 s"), "{}", problem.detail());
    }
}
