//! A small map that forgets: what was looked up within the last second need not be looked up again.
//!
//! Time is a parameter, so that tests own it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long an entry may be used, counted from the moment its lookup *began*: a revocation that commits
/// takes effect within this time.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(1);

/// From this age on one caller looks again while the others still use the entry, so that a busy key
/// never makes a crowd ask the ledger in the same moment.
const REFRESH: Duration = Duration::from_millis(500);

struct Entry<V> {
    value: V,
    began: Instant,
    refreshing: bool,
}

/// At most `capacity` entries, each used for at most [`MAX_AGE`].
pub(crate) struct Cache<K, V> {
    capacity: usize,
    entries: Mutex<HashMap<K, Entry<V>>>,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, entries: Mutex::new(HashMap::new()) }
    }

    /// The entry of `key`, unless it is too old or the caller is the one to look again.
    pub(crate) fn get(&self, key: &K, now: Instant) -> Option<V> {
        let mut entries = self.lock();
        let entry = entries.get_mut(key)?;
        let age = now.saturating_duration_since(entry.began);
        if age >= MAX_AGE || (age >= REFRESH && !entry.refreshing) {
            entry.refreshing = true;
            return None;
        }
        Some(entry.value.clone())
    }

    /// Keeps what a lookup that began at `began` has found. A full cache first drops what is too old; if
    /// nothing is, it keeps what it has and the newcomer is looked up again next time.
    pub(crate) fn put(&self, key: K, value: V, began: Instant, now: Instant) {
        let mut entries = self.lock();
        if entries.len() >= self.capacity && !entries.contains_key(&key) {
            entries.retain(|_, entry| now.saturating_duration_since(entry.began) < MAX_AGE);
            if entries.len() >= self.capacity {
                return;
            }
        }
        entries.insert(key, Entry { value, began, refreshing: false });
    }

    pub(crate) fn remove(&self, key: &K) {
        self.lock().remove(key);
    }

    /// A panic elsewhere cannot leave the map half changed: every change is one call.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, Entry<V>>> {
        self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn an_entry_is_used_for_a_second_after_its_lookup_began_and_no_longer() {
        let cache = Cache::new(10);
        let began = Instant::now();
        cache.put("key", 1, began, began + MS(300));
        assert_eq!(cache.get(&"key", began + MS(499)), Some(1));
        assert_eq!(cache.get(&"key", began + MS(1000)), None);
    }

    #[test]
    fn one_caller_looks_again_early_and_the_others_do_not_wait_for_it() {
        let cache = Cache::new(10);
        let began = Instant::now();
        cache.put("key", 1, began, began);
        assert_eq!(cache.get(&"key", began + MS(500)), None, "the first one looks again");
        assert_eq!(cache.get(&"key", began + MS(500)), Some(1), "the second one does not");
        cache.put("key", 2, began + MS(500), began + MS(510));
        assert_eq!(cache.get(&"key", began + MS(999)), Some(2));
        assert_eq!(cache.get(&"key", began + MS(1400)), None);
    }

    #[test]
    fn a_flood_of_keys_neither_grows_the_cache_nor_drives_out_what_is_fresh() {
        let cache = Cache::new(2);
        let began = Instant::now();
        cache.put(0, (), began, began);
        for key in 1..1000 {
            cache.put(key, (), began + MS(100), began + MS(100));
        }
        assert_eq!(cache.get(&0, began + MS(100)), Some(()));
        assert_eq!(cache.lock().len(), 2);
        cache.put(1000, (), began + MS(1200), began + MS(1200));
        assert_eq!(cache.get(&1000, began + MS(1200)), Some(()), "what is too old makes room");
    }
}
