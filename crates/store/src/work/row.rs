//! The words of the protocol: a claim and its fence, how a row is left, and what is issued.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::{Kind, MessageId, Stage, Ticket};
use uuid::Uuid;

/// What a claim gives: the right to settle this row, as long as nobody claims it after us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub id: Uuid,
    pub epoch: i64,
    /// Claims of this row at this stage, this one included.
    pub claims: i32,
    /// Failed attempts of this row at this stage.
    pub attempts: i32,
    /// The row was taken over from a lease that ran out: its last owner may have done part of the work.
    pub lapsed: bool,
    /// By the database's clock.
    pub claimed_at: DateTime<Utc>,
}

/// The proof of a claim that every write of a worker carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fence {
    pub id: Uuid,
    pub epoch: i64,
}

impl Claim {
    pub const fn fence(&self) -> Fence {
        Fence { id: self.id, epoch: self.epoch }
    }
}

/// What becomes of a claimed row: its next stage and state, and when it may be claimed again.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    pub fence: Fence,
    pub stage: String,
    pub state: &'static str,
    pub attempts: i32,
    pub claims: i32,
    /// From now until it may be claimed.
    pub delay: Duration,
    /// Set `issued_at`: the caller will publish the ticket.
    pub issue: bool,
    /// The state is terminal: set `ended_at`.
    pub ends: bool,
    pub error: Option<String>,
}

/// How a claimed row is left, whatever its table.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict<T> {
    /// The work is done; this is its result.
    Done(T),
    /// This item failed: again after a delay, one attempt used. `cut_off`: the handler did not come to its
    /// own end, and what it was doing outside may have been done.
    Retry { delay: Duration, error: String, cut_off: bool },
    /// A dependency is away, or the worker stops: the claim is taken back, nothing is counted. `cut_off` as
    /// above.
    Release { delay: Duration, error: String, cut_off: bool },
    /// Given up, with the follow-up of its table. `cut_off` as above.
    Failed { error: String, cut_off: bool },
}

impl<T> Verdict<T> {
    /// The transition of a row that stays at its stage in `state`; `None` for the two endings, which
    /// depend on the table.
    pub(crate) fn stay(&self, claim: &Claim, stage: &Stage, state: &'static str) -> Option<Transition> {
        let (attempts, claims, delay, error) = match self {
            Self::Done(_) | Self::Failed { .. } => return None,
            Self::Retry { delay, error, .. } => (claim.attempts + 1, claim.claims, *delay, error),
            Self::Release { delay, error, .. } => (claim.attempts, claim.claims - 1, *delay, error),
        };
        Some(Transition {
            fence: claim.fence(),
            stage: stage.name.to_owned(),
            state,
            attempts,
            claims,
            delay,
            issue: false,
            ends: false,
            error: Some(error.clone()),
        })
    }

    /// The transition of a row whose work ends here.
    pub(crate) fn end(&self, claim: &Claim, stage: &Stage, state: &'static str) -> Transition {
        // What was given up had one more attempt: the last.
        let (error, attempts) = match self {
            Self::Failed { error, .. } => (Some(error.clone()), claim.attempts + 1),
            _ => (None, claim.attempts),
        };
        Transition {
            fence: claim.fence(),
            stage: stage.name.to_owned(),
            state,
            attempts,
            claims: claim.claims,
            delay: Duration::ZERO,
            issue: false,
            ends: true,
            error,
        }
    }
}

/// A row that has an `issued_at` its caller shall publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    pub id: Uuid,
    pub stage: String,
    pub issued_at: DateTime<Utc>,
}

impl Issued {
    pub fn ticket(&self, kind: Kind) -> Ticket {
        Ticket::new(kind, self.id, &self.stage, self.issued_at.timestamp_micros())
    }
}

/// What the dispatcher sees at a glance, for one stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Glance {
    /// Rows that are due and have no ticket.
    pub unissued: bool,
    /// Rows whose ticket is older than the patience given.
    pub overdue: bool,
}

/// The longest wait between two attempts.
pub const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// Wait before the attempt after `attempts` failed ones: `first`, then four times as long each, at most `longest`.
/// With 1 s and a minute: 1, 4, 16, 60, 60 s.
pub fn retry_delay(first: Duration, attempts: i32, longest: Duration) -> Duration {
    let factor = 4_u32.saturating_pow(attempts.max(0).unsigned_abs());
    first.saturating_mul(factor).min(longest)
}

pub(crate) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// A row that was still ours when we settled it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settled {
    pub id: Uuid,
    pub epoch: i64,
    pub stage: String,
    pub issued_at: Option<DateTime<Utc>>,
}

impl Settled {
    pub(crate) const fn fence(&self) -> Fence {
        Fence { id: self.id, epoch: self.epoch }
    }

    /// The ticket it was given for its next stage.
    pub(crate) fn issued(&self) -> Option<Issued> {
        Some(Issued { id: self.id, stage: self.stage.clone(), issued_at: self.issued_at? })
    }
}

/// What a settle led to.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The claim was still ours, and the verdict is in the ledger.
    pub settled: bool,
    /// To be published.
    pub tickets: Vec<Ticket>,
    /// Questions whose status has changed.
    pub changed: Vec<MessageId>,
}
