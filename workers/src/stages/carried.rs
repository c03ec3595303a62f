//! What `retrieve` has just written, for `answer` in the same process: it need not be read again.
//!
//! Only the claim that follows right upon the one that wrote it may take it: then the row is as it was left, and what is
//! carried is what the ledger holds. Any other claim (of another process, after a lease that ran out, again after an attempt
//! that failed) reads the ledger.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use store::work::{Claim, Fence};

use super::answer::Question;

/// Turns carried at the most, some 12 KB each. Behind these `answer` is late, and reads.
const MOST: usize = 512;

/// Clones share what is carried.
#[derive(Clone, Default)]
pub struct Carried {
    turns: Arc<Mutex<Option<Turns>>>,
}

/// The oldest first, each with the claim it was written under. `None`: nobody here takes.
type Turns = VecDeque<(Fence, Question)>;

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
    pub(super) fn keep(&self, claim: &Claim, question: Question) {
        self.with(|turns| {
            let Some(turns) = turns else { return };
            if turns.len() == MOST {
                turns.pop_front();
            }
            turns.push_back((claim.fence(), question));
        });
    }

    /// What was settled under the claim before this one.
    pub(super) fn take(&self, claim: &Claim) -> Option<Question> {
        let before = Fence { id: claim.id, epoch: claim.epoch - 1 };
        self.with(|turns| {
            let turns = turns.as_mut()?;
            let at = turns.iter().position(|(fence, _)| *fence == before)?;
            turns.remove(at).map(|(_, question)| question)
        })
    }

    /// A panic elsewhere leaves whole entries.
    fn with<R>(&self, work: impl FnOnce(&mut Option<Turns>) -> R) -> R {
        work(&mut self.turns.lock().unwrap_or_else(PoisonError::into_inner))
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
        let carried = keeping();
        carried.keep(&claim(1, 4), question(1));
        let taken = carried.clone().take(&claim(1, 5)).expect("it was kept");
        assert_eq!(taken.turn.id.0, Uuid::from_u128(1));
        assert!(carried.take(&claim(1, 5)).is_none());
    }

    #[test]
    fn a_claim_after_somebody_elses_takes_nothing() {
        let carried = keeping();
        carried.keep(&claim(1, 4), question(1));
        assert!(carried.take(&claim(1, 6)).is_none());
        assert!(carried.take(&claim(2, 5)).is_none());
    }

    #[test]
    fn the_oldest_make_room_and_where_nobody_takes_nothing_is_kept() {
        let carried = keeping();
        for turn in 0..=MOST as u128 {
            carried.keep(&claim(turn, 1), question(turn));
        }
        assert!(carried.take(&claim(0, 2)).is_none());
        assert!(carried.take(&claim(1, 2)).is_some());
        let carried = Carried::default();
        carried.keep(&claim(1, 1), question(1));
        carried.begin();
        assert!(carried.take(&claim(1, 2)).is_none());
    }
}
