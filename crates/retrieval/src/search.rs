//! A search, from the words to the passages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use knowledge::analyser;
use knowledge::coverage;
use knowledge::rerank::{self, Ranked, rerank};
use knowledge::{Index, IndexError};
use store::generations::{self, Generation};
use store::passages::{self, Passage as Visible};
use store::{Ledger, documents};
use uuid::Uuid;

use crate::{Candidate, Found, Passage, RetrievalError, rank};

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
    live: Arc<Mutex<Option<(Instant, Generation)>>>,
}

impl Retriever {
    pub fn new(ledger: Ledger, index: Index) -> Self {
        Self { ledger, index, live: Arc::default() }
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
        let Some(generation) = self.live(false).await? else {
            return Ok(Found { empty: true, ..Found::default() });
        };
        match self.search_in(&generation, question, audience, limit).await {
            // The switch happened in between: the row tells.
            Err(RetrievalError::Lost { collection }) => match self.live(true).await? {
                Some(now) if now.collection != collection => {
                    self.search_in(&now, question, audience, limit).await
                }
                _ => Err(RetrievalError::Lost { collection }),
            },
            other => other,
        }
    }

    async fn search_in(
        &self,
        generation: &Generation,
        question: &str,
        audience: Option<&[String]>,
        limit: usize,
    ) -> Result<Found, RetrievalError> {
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
        let threshold = generation.threshold.unwrap_or(coverage::FALLBACK);
        let mut wanted = (limit * HITS_PER_PASSAGE).max(rerank::CANDIDATES);
        let mut looks = 0;
        let (found, visible) = loop {
            let asked = u32::try_from(wanted).unwrap_or(u32::MAX);
            let found = self
                .index
                .search_with_statistics(&generation.collection, &query.sparse(), asked)
                .await
                .map_err(lost)?;
            let (visible, replaced) = self.visible(&found.hits, audience).await?;
            looks += 1;
            if replaced && looks < LOOKS {
                // What went live with a switch, or after it, is in the new collection only.
                if let Some(now) = self.live(true).await?
                    && now.id != generation.id
                {
                    return Box::pin(self.search_in(&now, question, audience, limit)).await;
                }
                continue;
            }
            // A narrow audience, or an index full of hidden points: look further down.
            if visible.len() >= limit || found.hits.len() < wanted || wanted >= MOST_HITS {
                break (found, visible);
            }
            wanted = (wanted * 8).min(MOST_HITS);
        };
        let empty = visible.is_empty() && found.statistics.points == 0 && self.is_empty().await?;
        let idf = found.statistics.of(&query);
        let ranked = rerank(&query, &idf, &texts(&visible));
        let coverage = coverage::coverage(&ranked);
        let looked_for = coverage::looked_for(&query, &idf, &ranked, LOOKED_FOR);
        let passages = shown(&visible, &ranked, limit);
        let idf = query.terms.iter().zip(&idf.0).map(|(term, idf)| (term.index, *idf)).collect();
        Ok(Found { passages, coverage, threshold, looked_for, empty, idf, searched: None })
    }

    /// The hits that may be shown, in their order; and whether a document was replaced between the look at the index
    /// and this one.
    async fn visible(
        &self,
        hits: &[knowledge::Hit],
        audience: Option<&[String]>,
    ) -> Result<(Vec<(f32, Visible)>, bool), RetrievalError> {
        if hits.is_empty() {
            return Ok((Vec::new(), false));
        }
        let ids: Vec<Uuid> = hits.iter().map(|hit| hit.id).collect();
        let seen = passages::visible(&self.ledger, &ids, audience).await?;
        let mut rows: HashMap<Uuid, Visible> =
            seen.passages.into_iter().map(|passage| (passage.chunk.0, passage)).collect();
        let visible =
            hits.iter().filter_map(|hit| rows.remove(&hit.id).map(|row| (hit.score, row))).collect();
        Ok((visible, seen.replaced))
    }

    async fn is_empty(&self) -> Result<bool, RetrievalError> {
        Ok(documents::stock(&self.ledger).await?.documents == 0)
    }

    async fn live(&self, anew: bool) -> Result<Option<Generation>, RetrievalError> {
        let remembered = self.live.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let (false, Some((at, generation))) = (anew, remembered)
            && at.elapsed() < REMEMBER
        {
            return Ok(Some(generation));
        }
        let live = generations::live(&self.ledger).await?;
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) =
            live.clone().map(|generation| (Instant::now(), generation));
        Ok(live)
    }
}

/// A collection that was made and is not there is lost, or has just been retired.
fn lost(error: IndexError) -> RetrievalError {
    match error {
        IndexError::Missing(collection) => RetrievalError::Lost { collection },
        other => RetrievalError::Index(other),
    }
}

/// What is looked at a second time.
pub(crate) fn texts(visible: &[(f32, Visible)]) -> Vec<rerank::Candidate<'_>> {
    visible
        .iter()
        .map(|(score, passage)| rerank::Candidate {
            score: *score,
            title: &passage.title,
            heading: &passage.heading,
            text: &passage.text,
        })
        .collect()
}

/// Visible hits in their final order, as passages.
pub(crate) fn shown(visible: &[(f32, Visible)], ranked: &[Ranked], limit: usize) -> Vec<Passage> {
    let candidates: Vec<Candidate> = ranked
        .iter()
        .map(|ranked| {
            let row = &visible[ranked.candidate].1;
            Candidate {
                chunk: row.chunk,
                document: row.document,
                position: row.position,
                heading: row.heading.clone(),
                score: ranked.score,
                text: row.text.clone(),
            }
        })
        .collect();
    rank(&candidates, limit)
        .into_iter()
        .map(|merged| {
            let best = &visible[ranked[merged.best].candidate].1;
            let texts: Vec<&str> =
                merged.members.iter().map(|member| candidates[*member].text.as_str()).collect();
            Passage {
                document: best.document,
                chunk: best.chunk,
                score: merged.score,
                source: best.source.clone(),
                path: best.path.clone(),
                title: best.title.clone(),
                heading: best.heading.clone(),
                text: texts.join("\n\n"),
                url: best.url.clone(),
            }
        })
        .collect()
}
