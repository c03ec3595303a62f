//! What `retrieve` has just written, for `answer` in the same process: it need not be read again.
//!
//! Only the claim that follows right upon the one that wrote it may take it: then nobody else had the turn in between. Any
//! other claim (of another process, after a lease that ran out, again after an attempt that failed) reads the ledger, and so
//! does one that comes late: what is in the ledger may be erased meanwhile.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use store::work::{Claim, Fence};

use super::answer::Question;

/// Turns carried at the most, some 12 KB each on average. What comes on top is read: the first are claimed first.
const MOST: usize = 512;

/// How long one is carried. Usually it is milliseconds.
const FRESH: Duration = Duration::from_secs(5);

/// Clones share what is carried.
#[derive(Clone, Default)]
pub struct Carried {
    /// `None`: nobody here takes.
    turns: Arc<Mutex<Option<Turns>>>,
}

/// The oldest first.
type Turns = VecDeque<Kept>;

struct Kept {
    at: Instant,
    /// The claim it was written under.
    under: Fence,
    question: Question,
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carried")
    }
}

impl Carried {
    /// From now on somebody here takes.
    pub(super) fn begin(&self) {
        self.with(|turns| {
            turns.get_or_insert_default();
        });
    }

    /// Keeps what was settled under this claim.
    pub(super) fn keep(&self, claim: &Claim, question: Question, now: Instant) {
        self.with(|turns| {
            let Some(turns) = turns else { return };
            drop_old(turns, now);
            if turns.len() < MOST {
                turns.push_back(Kept { at: now, under: claim.fence(), question });
            }
        });
    }

    /// What was settled under the claim before this one.
    pub(super) fn take(&self, claim: &Claim, now: Instant) -> Option<Question> {
        let before = Fence { id: claim.id, epoch: claim.epoch - 1 };
        self.with(|turns| {
            let turns = turns.as_mut()?;
            drop_old(turns, now);
            let at = turns.iter().position(|kept| kept.under == before)?;
            turns.remove(at).map(|kept| kept.question)
        })
    }

    /// A panic elsewhere leaves whole entries.
    fn with<R>(&self, work: impl FnOnce(&mut Option<Turns>) -> R) -> R {
        work(&mut self.turns.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn drop_old(turns: &mut Turns, now: Instant) {
    while turns.front().is_some_and(|kept| now.duration_since(kept.at) > FRESH) {
        turns.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use contract::{Channel, ConversationId, Language, TurnId};
    use retrieval::Found;
    use store::turns::Turn;
    use uuid::Uuid;

    use super::*;

    fn claim(turn: u128, epoch: i64) -> Claim {
        Claim {
            id: Uuid::from_u128(turn),
            epoch,
            claims: 1,
            attempts: 0,
            lapsed: false,
            claimed_at: DateTime::UNIX_EPOCH,
        }
    }

    fn question(turn: u128) -> Question {
        let turn = Turn {
            id: TurnId(Uuid::from_u128(turn)),
            conversation: ConversationId::new(),
            channel: Channel::Rest,
            address: String::new(),
            language: Language::English,
            reply_to: None,
            messages: Vec::new(),
            text: "How?".to_owned(),
            audience: None,
            history: Vec::new(),
        };
        Question { turn: Arc::new(turn), found: Arc::new(Found::default()) }
    }

    fn keeping() -> Carried {
        let carried = Carried::default();
        carried.begin();
        carried
    }

    #[test]
    fn the_next_claim_takes_what_was_kept_once() {
        let (carried, now) = (keeping(), Instant::now());
        carried.keep(&claim(1, 4), question(1), now);
        let taken = carried.clone().take(&claim(1, 5), now + FRESH).expect("it was kept");
        assert_eq!(taken.turn.id.0, Uuid::from_u128(1));
        assert!(carried.take(&claim(1, 5), now).is_none());
    }

    #[test]
    fn a_claim_after_somebody_elses_takes_nothing() {
        let (carried, now) = (keeping(), Instant::now());
        carried.keep(&claim(1, 4), question(1), now);
        assert!(carried.take(&claim(1, 6), now).is_none());
        assert!(carried.take(&claim(2, 5), now).is_none());
    }

    #[test]
    fn what_is_late_is_gone() {
        let (carried, now) = (keeping(), Instant::now());
        carried.keep(&claim(1, 4), question(1), now);
        let late = now + FRESH + Duration::from_millis(1);
        assert!(carried.take(&claim(1, 5), late).is_none());
        carried.with(|turns| assert!(turns.as_ref().is_some_and(VecDeque::is_empty)));
    }

    #[test]
    fn no_more_are_kept_than_there_is_room_for_and_none_where_nobody_takes() {
        let (carried, now) = (keeping(), Instant::now());
        for turn in 0..=MOST as u128 {
            carried.keep(&claim(turn, 1), question(turn), now);
        }
        assert!(carried.take(&claim(0, 2), now).is_some());
        assert!(carried.take(&claim(MOST as u128, 2), now).is_none());
        let carried = Carried::default();
        carried.keep(&claim(1, 1), question(1), now);
        carried.begin();
        assert!(carried.take(&claim(1, 2), now).is_none());
    }
}
