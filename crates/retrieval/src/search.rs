//! A search, from the words to the passages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use knowledge::analyser;
use knowledge::coverage;
use knowledge::rerank;
use knowledge::{Index, IndexError};
use store::generations::{self, Generation};
use store::passages::{self, Passage};
use store::{Ledger, documents};
use uuid::Uuid;

use crate::candidates::{candidates, ids, order, shown, wanted};
use crate::readings::Readings;
use crate::{Fits, Found, Meaning, RetrievalError, Vectors};

/// How long the live generation is remembered: a switch is seen by all within that time, and its old collection
/// stays for minutes.
const REMEMBER: Duration = Duration::from_secs(1);

/// Hits asked of the index for a passage wanted: some are hidden by the ledger, some are neighbours or duplicates.
const HITS_PER_PASSAGE: usize = 3;

/// Words of the question kept for a refusal.
const LOOKED_FOR: usize = 5;

/// Hits asked for at the most, when the ledger hides nearly all of them from this asker.
const MOST_HITS: usize = 10_000;

/// Looks in all, when documents are replaced while a search is between index and ledger.
const LOOKS: usize = 3;

/// Searches. Clones share the connection and what is remembered.
#[derive(Debug, Clone)]
pub struct Retriever {
    ledger: Ledger,
    index: Index,
    vectors: Vectors,
    remembered: passages::Remembered,
    readings: Readings,
    live: Arc<Mutex<Option<ReadAt>>>,
}

/// When it was read, and what it was.
type ReadAt = (Instant, Arc<Live>);

/// The live generation, and how its questions are searched for.
#[derive(Debug)]
struct Live {
    generation: Generation,
    fits: Fits,
    meaning: Option<Meaning>,
}

impl Live {
    fn of(generation: Generation) -> Self {
        let fits = Fits::of(&generation);
        let nearness = Some(&fits.nearness).filter(|nearness| !nearness.is_empty());
        let meaning = nearness
            .zip(generation.embedder.as_ref())
            .map(|(nearness, embedder)| Meaning { embedder: embedder.clone(), nearness: nearness.clone() });
        Self { generation, fits, meaning }
    }
}

impl Retriever {
    pub fn new(ledger: Ledger, index: Index, vectors: Vectors) -> Self {
        let (remembered, readings) = (passages::Remembered::default(), Readings::default());
        Self { ledger, index, vectors, remembered, readings, live: Arc::default() }
    }

    /// The passages that fit `question` best, at most `limit`, of the documents that carry one of the tags in
    /// `audience`; `None` searches all.
    ///
    /// # Errors
    /// [`RetrievalError`].
    pub async fn search(
        &self,
        question: &str,
        audience: Option<&[String]>,
        limit: usize,
    ) -> Result<Found, RetrievalError> {
        let Some(live) = self.live(false).await? else {
            return Ok(Found { empty: true, ..Found::default() });
        };
        match self.search_in(&live, question, audience, limit).await {
            // The switch happened in between: the row tells.
            Err(RetrievalError::Lost { collection }) => match self.live(true).await? {
                Some(now) if now.generation.collection != collection => {
                    self.search_in(&now, question, audience, limit).await
                }
                _ => Err(RetrievalError::Lost { collection }),
            },
            other => other,
        }
    }

    async fn search_in(
        &self,
        live: &Live,
        question: &str,
        audience: Option<&[String]>,
        limit: usize,
    ) -> Result<Found, RetrievalError> {
        let generation = &live.generation;
        if generation.analyser != analyser::VERSION {
            return Err(RetrievalError::Analyser {
                live: generation.analyser.clone(),
                ours: analyser::VERSION,
            });
        }
        // Nothing is live before its collection was made, so there is nothing to find yet.
        if !generation.prepared {
            return Ok(Found { empty: true, ..Found::default() });
        }
        let query = analyser::query(question);
        let sparse = query.sparse();
        let fit = live.fits.for_question(question);
        let vector = match fit {
            Some(_) => self.vectors.of_question(generation, question).await,
            None => None,
        };
        // Without its vector a question is searched, and judged, by words alone.
        let fit = fit.filter(|_| vector.is_some());
        let threshold = match fit {
            Some(fit) => fit.threshold,
            None => generation.threshold.unwrap_or(coverage::FALLBACK),
        };
        let mut hits = (limit * HITS_PER_PASSAGE).max(rerank::CANDIDATES);
        let mut looks = 0;
        let (found, rows) = loop {
            let asked = wanted(&sparse, vector.as_deref(), hits);
            let found = self.index.search_with_statistics(&generation.collection, asked).await;
            let found = found.map_err(lost)?;
            let (rows, replaced) = self.visible(&ids(&found, hits), audience).await?;
            looks += 1;
            if replaced && looks < LOOKS {
                // What went live with a switch, or after it, is in the new collection only.
                if let Some(now) = self.live(true).await?
                    && now.generation.id != generation.id
                {
                    return Box::pin(self.search_in(&now, question, audience, limit)).await;
                }
                continue;
            }
            // A narrow audience, or an index full of hidden points: look further down.
            let all = found.hits.len() < hits && (vector.is_none() || found.dense.len() < hits);
            if rows.len() >= limit || all || hits >= MOST_HITS {
                break (found, rows);
            }
            hits = (hits * 8).min(MOST_HITS);
        };
        let empty = rows.is_empty() && found.statistics.points == 0 && self.is_empty().await?;
        let idf = found.statistics.of(&query);
        let candidates = candidates(&query, &idf, &found, rows, &self.readings);
        let ordered = order(&query, &idf, &candidates, fit.map(|fit| fit.fusion));
        let looked_for = coverage::looked_for(&query, &idf, &ordered.ranked, LOOKED_FOR);
        let passages = shown(&candidates, &ordered.ranked, limit);
        let idf = query.terms.iter().zip(&idf.0).map(|(term, idf)| (term.index, *idf)).collect();
        let meaning = live.meaning.clone();
        let coverage = ordered.coverage;
        Ok(Found { passages, coverage, threshold, looked_for, empty, idf, meaning, searched: None })
    }

    /// Those of the points that may be shown; and whether a document was replaced between the look at the index
    /// and this one.
    async fn visible(
        &self,
        ids: &[Uuid],
        audience: Option<&[String]>,
    ) -> Result<(HashMap<Uuid, Arc<Passage>>, bool), RetrievalError> {
        if ids.is_empty() {
            return Ok((HashMap::new(), false));
        }
        let seen = passages::visible(&self.ledger, ids, audience, &self.remembered).await?;
        let rows = seen.passages.into_iter().map(|passage| (passage.chunk.0, passage)).collect();
        Ok((rows, seen.replaced))
    }

    async fn is_empty(&self) -> Result<bool, RetrievalError> {
        Ok(documents::stock(&self.ledger).await?.documents == 0)
    }

    async fn live(&self, anew: bool) -> Result<Option<Arc<Live>>, RetrievalError> {
        let remembered = self.live.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let (false, Some((at, live))) = (anew, remembered)
            && at.elapsed() < REMEMBER
        {
            return Ok(Some(live));
        }
        let live = generations::live(&self.ledger).await?;
        let live = live.map(|generation| Arc::new(Live::of(generation)));
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) =
            live.clone().map(|live| (Instant::now(), live));
        Ok(live)
    }
}

/// A collection that was made and is not there is lost, or has just been retired.
pub(crate) fn lost(error: IndexError) -> RetrievalError {
    match error {
        IndexError::Missing(collection) => RetrievalError::Lost { collection },
        other => RetrievalError::Index(other),
    }
}
