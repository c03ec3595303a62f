//! Flood limits: who must wait, for how long, and who did not.
//!
//! A pause belongs to one chat and one family of methods, because a client cannot know more from an answer
//! than that this call came too early. The bot-wide limit pauses the chat whose call was one too many.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::answer::Refusal;

/// Telegram does not publish its limits; these are what bots live with.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Between two messages to one person, in the long run.
    pub chat_interval: Duration,
    /// So many pass at once before `chat_interval` counts.
    pub chat_burst: u32,
    /// Sends, copies and edits in one group, all its topics together, within `group_window`.
    pub group_count: usize,
    pub group_window: Duration,
    /// Calls of the bot that act on chats, in one second.
    pub overall: usize,
    /// The least `retry_after` that is ever answered, in seconds; never below 1.
    pub retry_after_floor: u64,
    /// How long one of Telegram's seconds takes here, in seconds. With 0.1 a window of 60 s takes 6 s, and
    /// `retry_after: 1` is over after 0.1 s. A draft's life is scaled too.
    pub time_scale: f64,
    /// How long after the first 429 of a pause a call may still have been under way: it is refused, but is
    /// no violation.
    pub grace: Duration,
    /// How long a draft stays on the screen after its last frame.
    pub draft_life: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            chat_interval: Duration::from_secs(1),
            chat_burst: 3,
            group_count: 20,
            group_window: Duration::from_mins(1),
            overall: 300,
            retry_after_floor: 1,
            time_scale: 1.0,
            grace: Duration::from_millis(50),
            draft_life: Duration::from_secs(30),
        }
    }
}

/// Methods that are paused together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Family {
    /// Sends, copies and edits: these count towards the chat's limit.
    Messages,
    Drafts,
    Actions,
    Topics,
}

#[derive(Debug)]
struct Pause {
    told: Instant,
    until: Instant,
}

#[derive(Debug)]
pub(super) struct Governor {
    pub(super) limits: Limits,
    pub(super) limited: u64,
    pub(super) violations: u64,
    pauses: HashMap<(i64, Family), Pause>,
    /// When each person's bucket is full again.
    full: HashMap<i64, Instant>,
    groups: HashMap<i64, VecDeque<Instant>>,
    overall: VecDeque<Instant>,
}

impl Governor {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            limited: 0,
            violations: 0,
            pauses: HashMap::new(),
            full: HashMap::new(),
            groups: HashMap::new(),
            overall: VecDeque::new(),
        }
    }

    /// Refuses a call that came before its pause was over.
    pub(super) fn obeyed(&mut self, chat: i64, family: Family, now: Instant) -> Result<(), Refusal> {
        let second = self.scaled(Duration::from_secs(1));
        let Some(pause) = self.pauses.get_mut(&(chat, family)).filter(|pause| now < pause.until) else {
            return Ok(());
        };
        if now > pause.told + self.limits.grace {
            self.violations += 1;
            pause.until += second;
        }
        let left = pause.until - now;
        self.limited += 1;
        Err(Refusal::too_many(self.seconds(left)))
    }

    /// Refuses a call that is one too many. It costs nothing yet: see [`Self::charge`].
    pub(super) fn enter(&mut self, chat: i64, family: Family, now: Instant) -> Result<(), Refusal> {
        let second = self.scaled(Duration::from_secs(1));
        if let Some(wait) = window(&mut self.overall, self.limits.overall, second, now) {
            return Err(self.pause(chat, family, wait, now));
        }
        if family == Family::Messages
            && let Some(wait) = self.chat_wait(chat, now)
        {
            return Err(self.pause(chat, family, wait, now));
        }
        self.overall.push_back(now);
        Ok(())
    }

    /// What the message takes from its chat's allowance, once it is known to be one.
    pub(super) fn charge(&mut self, chat: i64, family: Family, now: Instant) {
        if family != Family::Messages {
            return;
        }
        if chat < 0 {
            self.groups.entry(chat).or_default().push_back(now);
            return;
        }
        let interval = self.scaled(self.limits.chat_interval);
        let full = self.full.entry(chat).or_insert(now);
        *full = (*full).max(now) + interval;
    }

    /// 429 whatever the limits say: planned by the test, or by its storm.
    pub(super) fn impose(&mut self, chat: i64, family: Family, seconds: u64, now: Instant) -> Refusal {
        let wait = self.scaled(Duration::from_secs(seconds));
        self.pause(chat, family, wait, now)
    }

    pub(super) fn scaled(&self, telegram: Duration) -> Duration {
        telegram.mul_f64(self.limits.time_scale)
    }

    fn chat_wait(&mut self, chat: i64, now: Instant) -> Option<Duration> {
        if chat < 0 {
            let length = self.scaled(self.limits.group_window);
            return window(self.groups.entry(chat).or_default(), self.limits.group_count, length, now);
        }
        let spare = self.scaled(self.limits.chat_interval) * self.limits.chat_burst.saturating_sub(1);
        let wait = self.full.get(&chat)?.saturating_duration_since(now).saturating_sub(spare);
        (!wait.is_zero()).then_some(wait)
    }

    fn pause(&mut self, chat: i64, family: Family, wait: Duration, now: Instant) -> Refusal {
        let seconds = self.seconds(wait);
        let until = now + self.scaled(Duration::from_secs(seconds));
        self.pauses.insert((chat, family), Pause { told: now, until });
        self.limited += 1;
        Refusal::too_many(seconds)
    }

    /// Whole seconds of Telegram's, rounded up: who waits so long is never early.
    fn seconds(&self, wait: Duration) -> u64 {
        let wait = wait.div_f64(self.limits.time_scale);
        // A nanosecond may come from the division.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 1_000);
        seconds.max(self.limits.retry_after_floor).max(1)
    }
}

/// How long until fewer than `count` are within `length`, if there are that many now.
fn window(times: &mut VecDeque<Instant>, count: usize, length: Duration, now: Instant) -> Option<Duration> {
    while times.front().is_some_and(|first| *first + length <= now) {
        times.pop_front();
    }
    let first = times.len().checked_sub(count).and_then(|over| times.get(over))?;
    Some(*first + length - now)
}
