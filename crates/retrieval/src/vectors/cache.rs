//! Vectors of questions that were asked before: people ask the same things, and a remote embedder is paid.

use std::collections::HashMap;
use std::sync::Arc;

/// Questions remembered since the last turn-over; as many from before it. At 1,536 dimensions 1,024 vectors are
/// 6 MiB.
const YOUNG: usize = 512;

type Vectors = HashMap<(String, String), Arc<[f32]>>;

/// The last [`YOUNG`] to twice as many questions. What is asked again stays: a question that is found among the
/// old ones becomes a young one, and when the young ones are full, the old are forgotten.
#[derive(Debug, Default)]
pub(super) struct Cache {
    young: Vectors,
    old: Vectors,
}

impl Cache {
    pub(super) fn get(&mut self, identity: &str, text: &str) -> Option<Arc<[f32]>> {
        let key = (identity.to_owned(), text.to_owned());
        if let Some(vector) = self.young.get(&key) {
            return Some(vector.clone());
        }
        let vector = self.old.remove(&key)?;
        self.put(identity, text, &vector);
        Some(vector)
    }

    pub(super) fn put(&mut self, identity: &str, text: &str, vector: &Arc<[f32]>) {
        if self.young.len() >= YOUNG {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert((identity.to_owned(), text.to_owned()), vector.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_again_is_remembered_and_the_rest_is_forgotten() {
        let mut cache = Cache::default();
        let vector: Arc<[f32]> = Arc::from([1.0]);
        cache.put("a@1", "often", &vector);
        for n in 0..10 * YOUNG {
            cache.put("a@1", &n.to_string(), &vector);
            assert_eq!(cache.get("a@1", "often"), Some(vector.clone()));
        }
        assert!(cache.young.len() + cache.old.len() <= 2 * YOUNG);
        assert_eq!(cache.get("a@1", "0"), None);
        assert_eq!(cache.get("b@1", "often"), None, "of another embedder");
    }
}
