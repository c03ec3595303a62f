//! What a test plans: misbehaviour for the next calls, and storms of 429.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::FakeTelegram;

/// What happens to the next calls, one each, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Misbehaviour {
    /// It does what it shall: the place of a call that goes well before one that does not.
    Behave,
    /// The connection is reset before the call is processed: nothing happened.
    CutBefore,
    /// The call is processed, and the connection is reset without an answer.
    CutAfter,
    /// 429 with this `retry_after`, and the pause counts: who calls again too early is a violation.
    Limit(u64),
    /// 500 in Telegram's own form, nothing done.
    Fault,
    /// 502 with a page for people, as a proxy in front of Telegram sends it; nothing done.
    BadGateway,
    /// The call is processed, and the answer is 200 with something that is no JSON.
    Garbage,
    /// The call is processed, and the answer waits.
    Stall(Duration),
    /// 403: the person is gone.
    Forbidden,
    /// 400 with this description.
    Refuse(&'static str),
}

/// The plan that names no method is for these: a `getMe` in between must not eat it.
const PLANNED: [&str; 3] = ["sendMessage", "editMessageText", "copyMessage"];

#[derive(Debug, Default)]
pub(super) struct Plans {
    messages: VecDeque<Misbehaviour>,
    methods: HashMap<String, VecDeque<Misbehaviour>>,
    storm: Option<Storm>,
}

impl Plans {
    /// A plan for the method itself goes first.
    pub(super) fn next(&mut self, method: &str) -> Option<Misbehaviour> {
        if let Some(planned) = self.methods.get_mut(method).and_then(VecDeque::pop_front) {
            return Some(planned);
        }
        PLANNED.contains(&method).then(|| self.messages.pop_front()).flatten()
    }

    /// The `retry_after` for a call that the storm hits.
    pub(super) fn storm(&mut self, now: Instant) -> Option<u64> {
        self.storm.as_mut().filter(|storm| now < storm.until)?.hit()
    }

    fn left(&self) -> usize {
        self.messages.len() + self.methods.values().map(VecDeque::len).sum::<usize>()
    }
}

#[derive(Debug)]
struct Storm {
    until: Instant,
    share: f64,
    dice: u64,
}

impl Storm {
    /// The same storm in every run: the dice start with the same number.
    fn hit(&mut self) -> Option<u64> {
        let roll = f64::from(self.roll() % 10_000) / 10_000.0;
        (roll < self.share).then(|| 1 + u64::from(self.roll() % 3))
    }

    fn roll(&mut self) -> u32 {
        // Xorshift: no dependency, and good enough to keep calls from falling into step with it.
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        u32::try_from(self.dice >> 32).unwrap_or_default()
    }
}

impl FakeTelegram {
    /// The next calls of `sendMessage`, `editMessageText` and `copyMessage` go like this, one each.
    pub fn misbehave(&self, plan: impl IntoIterator<Item = Misbehaviour>) {
        self.lock().plans.messages.extend(plan);
    }

    /// The next calls of this method go like this, whatever the other plan says.
    pub fn misbehave_for(&self, method: &str, plan: impl IntoIterator<Item = Misbehaviour>) {
        self.lock().plans.methods.entry(method.to_owned()).or_default().extend(plan);
    }

    /// How many planned misbehaviours have not happened yet.
    pub fn misbehaviours_left(&self) -> usize {
        self.lock().plans.left()
    }

    /// For so long, this share (0 to 1) of the calls that act on chats is answered 429 with a `retry_after`
    /// of 1 to 3, whatever the limits say.
    pub fn storm(&self, duration: Duration, share: f64) {
        let storm = Storm { until: Instant::now() + duration, share, dice: 0x9E37_79B9_7F4A_7C15 };
        self.lock().plans.storm = Some(storm);
    }
}
