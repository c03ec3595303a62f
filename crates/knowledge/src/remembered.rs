//! What is worked out once and looked up after that: values in a limited room, those looked at often or lately.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// Bytes that an entry takes beside its key and its value: its place in the cache, the counters of an [`Arc`], the
/// allocator's share.
const ENTRY: usize = 96;

/// Values by their keys. Clones share them.
#[derive(Debug)]
pub struct Remembered<K, V> {
    cache: Arc<Cache<K, Arc<V>, Weigh<K, V>>>,
}

impl<K, V> Clone for Remembered<K, V> {
    fn clone(&self) -> Self {
        Self { cache: Arc::clone(&self.cache) }
    }
}

impl<K: Eq + Hash + Clone, V> Remembered<K, V> {
    /// At most `limit` bytes, as `bytes` tells them of a key and its value; about `each` bytes an entry.
    pub fn within(limit: u64, each: u64, bytes: fn(&K, &V) -> usize) -> Self {
        let entries = usize::try_from(limit / each.max(1)).unwrap_or(usize::MAX);
        Self { cache: Arc::new(Cache::with_weighter(entries, limit, Weigh { bytes })) }
    }

    pub fn get<Q: ?Sized + Eq + Hash>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.cache.get(key)
    }

    /// Replaces what was kept under this key.
    pub fn keep(&self, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        self.cache.insert(key, Arc::clone(&value));
        value
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

    fn texts(limit: u64) -> Remembered<u32, String> {
        Remembered::within(limit, 700, |_, text| text.len())
    }

    #[test]
    fn what_is_kept_is_given_back_until_it_is_replaced() {
        let texts = texts(10_000);
        assert_eq!(texts.get(&1), None);
        let first = texts.keep(1, "one".to_owned());
        assert!(Arc::ptr_eq(&first, &texts.clone().get(&1).expect("kept")));
        texts.keep(1, "another".to_owned());
        assert_eq!(texts.get(&1).as_deref().map(String::as_str), Some("another"));
    }

    #[test]
    fn no_more_than_the_limit_is_held() {
        let texts = texts(100_000);
        for key in 0..1000 {
            texts.keep(key, "x".repeat(600));
        }
        assert!(texts.cache.weight() <= 100_000, "{}", texts.cache.weight());
        assert!(texts.cache.len() > 30, "and it is used: {}", texts.cache.len());
    }
}
