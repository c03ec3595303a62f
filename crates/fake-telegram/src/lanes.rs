//! The order of updates on their way to the webhook: one at a time for each chat, chats side by side.

use std::collections::{BTreeMap, HashMap, VecDeque};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    Chat(i64),
    /// An update about no chat waits for nobody.
    Alone(u64),
}

/// **Invariant:** of each lane only the first key is ever ready or under way.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    queues: HashMap<Lane, VecDeque<u64>>,
    ready: BTreeMap<u64, Lane>,
}

impl Lanes {
    pub(super) fn push(&mut self, lane: Lane, key: u64) {
        let queue = self.queues.entry(lane).or_default();
        if queue.is_empty() {
            self.ready.insert(key, lane);
        }
        queue.push_back(key);
    }

    /// The oldest that may go now.
    pub(super) fn take(&mut self) -> Option<(u64, Lane)> {
        self.ready.pop_first()
    }

    /// It is under way already.
    pub(super) fn hold(&mut self, key: u64) {
        self.ready.remove(&key);
    }

    /// It arrived: the next of its lane may go.
    pub(super) fn done(&mut self, lane: Lane, key: u64) {
        let Some(queue) = self.queues.get_mut(&lane).filter(|queue| queue.front() == Some(&key)) else {
            return;
        };
        queue.pop_front();
        match queue.front() {
            Some(next) => drop(self.ready.insert(*next, lane)),
            None => drop(self.queues.remove(&lane)),
        }
    }

    /// It did not arrive, and may go once more.
    pub(super) fn again(&mut self, lane: Lane, key: u64) {
        if self.queues.get(&lane).is_some_and(|queue| queue.front() == Some(&key)) {
            self.ready.insert(key, lane);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
