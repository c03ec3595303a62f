//! What was worked out or read once, in a limited room: those looked at often or lately stay.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use quick_cache::{Weighter, sync};

/// Bytes that an entry takes beside its key and its value: its place in the cache, the counters of an [`Arc`], the
/// allocator's share.
const ENTRY: usize = 96;

/// Values by their keys. Clones share them.
#[derive(Debug)]
pub struct Cache<K, V> {
    entries: Arc<sync::Cache<K, Arc<V>, Weigh<K, V>>>,
}

impl<K, V> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Self { entries: Arc::clone(&self.entries) }
    }
}

impl<K: Eq + Hash + Clone, V> Cache<K, V> {
    /// At most `limit` bytes, as `bytes` tells them of a key and its value; about `each` bytes an entry.
    pub fn within(limit: u64, each: u64, bytes: fn(&K, &V) -> usize) -> Self {
        let entries = usize::try_from(limit / each.max(1)).unwrap_or(usize::MAX);
        Self { entries: Arc::new(sync::Cache::with_weighter(entries, limit, Weigh { bytes })) }
    }

    pub fn get<Q: ?Sized + Eq + Hash>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key)
    }

    /// Replaces what was kept under this key.
    pub fn keep(&self, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        self.entries.insert(key, Arc::clone(&value));
        value
    }

    pub fn forget<Q: ?Sized + Eq + Hash>(&self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.entries.remove(key);
    }
}

struct Weigh<K, V> {
    bytes: fn(&K, &V) -> usize,
}

impl<K, V> Clone for Weigh<K, V> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes }
    }
}

impl<K, V> Weighter<K, Arc<V>> for Weigh<K, V> {
    fn weight(&self, key: &K, value: &Arc<V>) -> u64 {
        u64::try_from(ENTRY + (self.bytes)(key, value)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(limit: u64) -> Cache<u32, String> {
        Cache::within(limit, 700, |_, text| text.len())
    }

    #[test]
    fn what_is_kept_is_given_back_until_it_is_replaced_or_forgotten() {
        let texts = texts(10_000);
        assert_eq!(texts.get(&1), None);
        let first = texts.keep(1, "one".to_owned());
        assert!(Arc::ptr_eq(&first, &texts.clone().get(&1).expect("kept")));
        texts.keep(1, "another".to_owned());
        assert_eq!(texts.get(&1).as_deref().map(String::as_str), Some("another"));
        texts.forget(&1);
        assert_eq!(texts.get(&1), None);
    }

    #[test]
    fn no_more_than_the_limit_is_held() {
        let texts = texts(100_000);
        for key in 0..1000 {
            texts.keep(key, "x".repeat(600));
        }
        assert!(texts.entries.weight() <= 100_000, "{}", texts.entries.weight());
        assert!(texts.entries.len() > 30, "and it is used: {}", texts.entries.len());
    }
}
