//! What is known of a collection's terms: a search in the steady state is one call.
//!
//! An IDF changes slowly, and coverage compares it with a fitted threshold, so an old value is as good as a
//! new one for a while. Terms in no point are remembered too: questions repeat their typing errors.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Hit, Index, IndexError, Probed, Wanted};
use crate::Sparse;
use crate::analyser::Query;
use crate::coverage::{self, Idf};

/// How long terms are remembered without asking again. After an ingestion into an empty collection the old values are
/// wrong for this long; half a minute is below what a person takes to look at the result of an ingestion and ask.
const LIFE: Duration = Duration::from_secs(30);

/// How long they are remembered in all, while there are as many points as when they were learnt: under load, all of them
/// learnt anew every half minute would be felt. Terms in no point are asked for again sooner, after [`LIFE`]: an article
/// that was mended by a word leaves the number of points as it was.
const LONGEST: Duration = Duration::from_mins(10);

/// How old the number of points may be when terms are learnt. Counting them looks at every point.
const COUNTED: Duration = Duration::from_secs(2);

/// Terms remembered a collection: 24 bytes each, so 1 MB. A vocabulary of questions is smaller.
const TERMS: usize = 40_000;

/// Collections remembered: the live one, one being built, the private one of an evaluation.
const COLLECTIONS: usize = 8;

/// What is known of the terms of a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    idf: HashMap<u32, f32>,
    /// Points in the collection.
    pub points: u64,
}

impl Statistics {
    /// From what is known otherwise, for tests and measurements.
    pub fn new(idf: HashMap<u32, f32>, points: u64) -> Self {
        Self { idf, points }
    }

    /// The IDF of a term that occurs.
    pub fn known(&self, term: u32) -> Option<f32> {
        self.idf.get(&term).copied()
    }

    /// The IDF of a term; one in no point counts with the highest there can be: what a question asks for and
    /// the knowledge base has never heard of weighs most.
    pub fn idf(&self, term: u32) -> f32 {
        self.known(term).unwrap_or_else(|| self.highest())
    }

    /// Of a term in no point.
    pub fn highest(&self) -> f32 {
        coverage::idf(self.points, 0)
    }

    /// For each of a question's terms, as reranking and coverage take it.
    pub fn of(&self, query: &Query) -> Idf {
        Idf(query.terms.iter().map(|term| self.idf(term.index)).collect())
    }
}

/// A search with what is known of its terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub hits: Vec<Hit>,
    /// Of the dense search, best first; empty without one.
    pub dense: Vec<Hit>,
    pub statistics: Statistics,
}

impl Index {
    /// A search with the IDF of each of its terms, in one call: what is unknown goes with it. The number of points is
    /// asked in another beside it, unless it is known.
    ///
    /// # Errors
    /// [`IndexError`]
    pub async fn search_with_statistics(
        &self,
        collection: &str,
        wanted: Wanted<'_>,
    ) -> Result<Found, IndexError> {
        let now = Instant::now();
        let terms = wanted.sparse.map_or(&[][..], |query| &query.indices);
        let mut counted = None;
        if self.terms.is_due(collection, now) {
            // Before anything is looked up: what was learnt of another number of points is worth nothing. One counts, and
            // those who come meanwhile wait for it.
            let _one = self.terms.confirming.lock().await;
            if self.terms.is_due(collection, now) {
                let points = self.count(collection).await?;
                self.terms.confirm(collection, points, now);
                counted = Some(points);
            }
        }
        let (mut statistics, unknown) = self.terms.look_up(collection, terms, now);
        if unknown.is_empty() && statistics.points > 0 {
            let Probed { hits, dense, .. } = self.search_with_probes(collection, wanted, &[]).await?;
            return Ok(Found { hits, dense, statistics });
        }
        let known = counted.or_else(|| self.terms.counted(collection, now));
        let count = async { if known.is_some() { Ok(None) } else { self.count(collection).await.map(Some) } };
        let (probed, counted_now) =
            tokio::try_join!(self.search_with_probes(collection, wanted, &unknown), count)?;
        let learnt =
            unknown.iter().copied().zip(probed.probes.iter().map(|probe| probe.map(super::Probe::idf)));
        let learnt: Vec<(u32, Option<f32>)> = learnt.collect();
        let counted = counted.or(counted_now);
        statistics.points = counted.or(known).unwrap_or_default();
        statistics.idf.extend(learnt.iter().filter_map(|&(term, idf)| Some((term, idf?))));
        self.terms.learn(collection, &learnt, counted, now);
        Ok(Found { hits: probed.hits, dense: probed.dense, statistics })
    }

    /// The IDF of terms, without a search.
    ///
    /// # Errors
    /// [`IndexError`]
    pub async fn statistics(&self, collection: &str, terms: &[u32]) -> Result<Statistics, IndexError> {
        let query = Sparse { indices: terms.to_vec(), values: vec![1.0; terms.len()] };
        Ok(self.search_with_statistics(collection, Wanted::lexical(&query, 0)).await?.statistics)
    }
}

/// Per collection: term → IDF, `None` for a term in no point.
#[derive(Debug, Default)]
pub(super) struct Cache {
    collections: Mutex<HashMap<String, Known>>,
    /// Held from a count to what it [confirms](Self::confirm).
    confirming: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Known {
    /// When the oldest value was learnt, and how many points there were. All are forgotten together, so that they belong
    /// together.
    since: Instant,
    of: u64,
    /// When there were last seen to be as many still.
    asked: Instant,
    points: u64,
    /// When the points were counted.
    counted: Instant,
    terms: HashMap<u32, Option<f32>>,
}

impl Cache {
    /// Whether the points are to be counted, and what is known to be [confirmed](Self::confirm), before terms are looked
    /// up.
    fn is_due(&self, collection: &str, now: Instant) -> bool {
        self.locked().get(collection).is_some_and(|known| now.duration_since(known.asked) > LIFE)
    }

    /// Forgets what was learnt of more or fewer points, or too long ago; otherwise the terms in no point alone.
    fn confirm(&self, collection: &str, points: u64, now: Instant) {
        let mut collections = self.locked();
        let Some(known) = collections.get_mut(collection) else { return };
        if known.of != points || now.duration_since(known.since) > LONGEST {
            collections.remove(collection);
            return;
        }
        known.terms.retain(|_, idf| idf.is_some());
        (known.asked, known.points, known.counted) = (now, points, now);
    }

    /// What is known, and which terms are not.
    fn look_up(&self, collection: &str, terms: &[u32], now: Instant) -> (Statistics, Vec<u32>) {
        let collections = self.locked();
        let Some(known) = collections.get(collection).filter(|known| now.duration_since(known.asked) <= LIFE)
        else {
            return (Statistics::default(), terms.to_vec());
        };
        let mut statistics = Statistics { idf: HashMap::with_capacity(terms.len()), points: known.points };
        let mut unknown = Vec::new();
        for &term in terms {
            match known.terms.get(&term) {
                Some(Some(idf)) => drop(statistics.idf.insert(term, *idf)),
                Some(None) => {}
                None => unknown.push(term),
            }
        }
        (statistics, unknown)
    }

    /// How many points there are, if there are any and they were counted lately.
    fn counted(&self, collection: &str, now: Instant) -> Option<u64> {
        let collections = self.locked();
        let known = collections.get(collection)?;
        (known.points > 0 && now.duration_since(known.counted) <= COUNTED).then_some(known.points)
    }

    /// `counted`: the points, where they were counted at `now`.
    fn learn(&self, collection: &str, learnt: &[(u32, Option<f32>)], counted: Option<u64>, now: Instant) {
        let mut collections = self.locked();
        if !collections.contains_key(collection) && collections.len() >= COLLECTIONS {
            collections.clear();
        }
        let of = counted.unwrap_or_default();
        let fresh = || Known { since: now, of, asked: now, points: 0, counted: now, terms: HashMap::new() };
        let known = collections.entry(collection.to_owned()).or_insert_with(fresh);
        if known.terms.len() + learnt.len() > TERMS {
            known.terms.clear();
            (known.since, known.of) = (now, counted.unwrap_or(known.points));
        }
        if let Some(points) = counted {
            (known.points, known.counted) = (points, now);
        }
        known.terms.extend(learnt.iter().copied());
    }

    pub(super) fn forget(&self, collection: &str) {
        self.locked().remove(collection);
    }

    /// A panic elsewhere leaves values that are true or too old, never half written.
    fn locked(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.collections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    #[test]
    fn terms_are_confirmed_after_half_a_minute_and_those_in_no_point_asked_for_again() {
        let cache = Cache::default();
        let now = Instant::now();
        cache.learn("c", &[(1, Some(2.5)), (2, None)], Some(100), now);
        assert!(!cache.is_due("c", now + LIFE));
        let (statistics, unknown) = cache.look_up("c", &[1, 2, 3], now + LIFE);
        assert_eq!((statistics.known(1), statistics.points, unknown), (Some(2.5), 100, vec![3]));
        let later = now + LIFE + MOMENT;
        assert!(cache.is_due("c", later));
        assert_eq!(cache.look_up("c", &[1], later).1, vec![1], "not before it is confirmed");
        cache.confirm("c", 100, later);
        assert!(!cache.is_due("c", later));
        assert_eq!(cache.look_up("c", &[1, 2], later).1, vec![2]);
    }

    #[test]
    fn terms_of_another_number_of_points_or_of_long_ago_are_forgotten() {
        let cache = Cache::default();
        let now = Instant::now();
        let known = || cache.look_up("c", &[1], now).1.is_empty();
        cache.learn("c", &[(1, Some(2.5))], Some(100), now);
        // Counted meanwhile for the sake of other terms: this one is still of 100.
        cache.learn("c", &[(2, Some(2.5))], Some(101), now);
        cache.confirm("c", 100, now);
        assert!(known());
        cache.confirm("c", 101, now);
        assert!(!known());
        cache.learn("c", &[(1, Some(2.5))], Some(100), now);
        cache.confirm("c", 100, now + LONGEST);
        assert_eq!(cache.look_up("c", &[1], now + LONGEST).1, Vec::<u32>::new());
        cache.confirm("c", 100, now + LONGEST + MOMENT);
        assert!(!known());
    }

    #[test]
    fn points_are_counted_again_after_a_while_and_while_there_are_none() {
        let cache = Cache::default();
        let now = Instant::now();
        cache.learn("c", &[(1, Some(2.5))], Some(0), now);
        assert_eq!(cache.counted("c", now), None, "there may be some by now");
        cache.learn("c", &[(1, Some(2.5))], Some(100), now);
        cache.learn("c", &[(2, Some(2.5))], None, now + COUNTED / 2);
        assert_eq!(cache.counted("c", now + COUNTED), Some(100));
        let later = now + COUNTED + MOMENT;
        assert_eq!(cache.counted("c", later), None, "learning terms is not counting");
        cache.learn("c", &[(3, Some(2.5))], Some(120), later);
        assert_eq!(cache.counted("c", later + COUNTED), Some(120));
    }

    #[test]
    fn a_term_in_no_point_weighs_most() {
        let statistics = Statistics::new(HashMap::from([(1, 2.5)]), 100);
        assert!((statistics.idf(7) - 202.0_f32.ln()).abs() < 1e-5);
        assert!(statistics.idf(7) > statistics.idf(1));
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = Cache::default();
        let now = Instant::now();
        for start in (0..200_000).step_by(1_000) {
            let learnt: Vec<_> = (start..start + 1_000).map(|term| (term, Some(1.0))).collect();
            cache.learn("c", &learnt, Some(1), now);
        }
        assert!(cache.locked().get("c").expect("known").terms.len() <= TERMS);
        for number in 0..100 {
            cache.learn(&format!("c{number}"), &[], Some(1), now);
        }
        assert!(cache.locked().len() <= COLLECTIONS);
    }

    #[test]
    fn a_dropped_collection_is_forgotten() {
        let cache = Cache::default();
        let now = Instant::now();
        cache.learn("c", &[(1, Some(2.5))], Some(100), now);
        cache.forget("c");
        assert_eq!(cache.look_up("c", &[1], now).1, vec![1]);
    }
}
