//! How well a corpus is searched: the product's own code over a collection of its own.
//!
//! Rows are cut by the chunker, analysed, and written into a private collection that is dropped afterwards;
//! the questions are searched as [`crate::Retriever`] searches them, ordered and merged by the same
//! functions. Only the ledger is left out: the texts come from memory, so the times are of the index and of
//! the ordering.
//!
//! With an embedder the collection fits itself first, by nothing but its own texts, as a knowledge base does
//! ([`crate::calibrate`]); the questions are not looked at.
//!
//! A document is found where the best of its passages is.

mod metrics;
mod set;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::{Block, ChunkId, DocumentId};
use knowledge::rerank::CANDIDATES;
use knowledge::{Fusion, Index, Point, analyser, coverage, passage};
use models::Embedder;
use serde::Serialize;
use store::passages::Passage as Stored;
use uuid::Uuid;

pub use self::metrics::{ndcg, percentile, recall, reciprocal_rank, refused_keeping};
pub use self::set::{Query, Row, SetError, corpus, negatives, queries};
use crate::calibrate::{self, Fitting};
use crate::candidates::{candidates, ids, order, shown, wanted};
use crate::readings::Readings;
use crate::shelf::Shelf;
use crate::{Fits, RetrievalError, Vectors};

/// Points in one call: a page of the index client's size, well below every limit on messages.
const POINTS: usize = 500;

/// A private collection older than this was left behind by a process that was killed.
const FORGOTTEN: Duration = Duration::from_hours(24);

/// A weight of meaning beside which words do not count.
const MEANING_ALONE: f32 = 1e6;

/// The share of answerable questions that a threshold keeps, in `refused_at_95`.
const KEPT: f64 = 0.95;

/// What is asked of which corpus.
#[derive(Debug, Clone, Default)]
pub struct Set {
    pub corpus: Vec<Row>,
    /// Those that are not answerable are passed over.
    pub queries: Vec<Query>,
    /// Questions that the corpus does not answer.
    pub negatives: Vec<String>,
}

impl Set {
    /// Relevant documents that the corpus does not have: a sign that the files do not belong together.
    pub fn absent(&self) -> usize {
        self.queries.iter().flat_map(|query| &query.relevant).filter(|row| **row >= self.corpus.len()).count()
    }
}

/// What questions are searched by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Words alone.
    #[default]
    Lexical,
    /// Meaning alone.
    Dense,
    /// Both, as fitted.
    Fused,
}

/// The figures. Shares are from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// What was searched by.
    pub fusion: By,
    /// Identity of the embedder, if there was one.
    pub embedder: Option<String>,
    /// What was fitted for each language.
    pub fits: Fits,
    /// Answerable questions: those that the first six figures are the mean of.
    pub queries: usize,
    pub ndcg_at_10: f64,
    pub recall_at_1: f64,
    pub recall_at_5: f64,
    pub recall_at_10: f64,
    pub mrr_at_10: f64,
    /// The chance that an answerable question is covered better than a negative one; `None` without
    /// negatives.
    pub auroc: Option<f64>,
    /// The share of negatives refused by the threshold that keeps 95 % of the answerable; `None` without
    /// negatives.
    pub refused_at_95: Option<f64>,
    /// Of one search with its ordering, in milliseconds, without the ledger.
    pub p50_ms: f64,
    pub p95_ms: f64,
}

/// How far an evaluation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Rows that are indexed.
    Indexing { done: usize, of: usize },
    /// Questions that the corpus asked itself.
    Fitting { done: usize },
    /// Questions that were asked.
    Asking { done: usize, of: usize },
}

/// Evaluates in a collection `<prefix>_eval_<uuid>`, which is dropped at the end, whatever the end is.
/// `None`: `stop` came first.
///
/// # Errors
/// [`RetrievalError`].
pub async fn evaluate(
    index: &Index,
    vectors: &Vectors,
    by: By,
    prefix: &str,
    set: &Set,
    stop: impl Future<Output = ()>,
    step: impl FnMut(Step),
) -> Result<Option<Measured>, RetrievalError> {
    let family = format!("{prefix}_eval_");
    drop_forgotten(index, &family).await?;
    let collection = format!("{family}{}", Uuid::now_v7().simple());
    let embedder = if by == By::Lexical { None } else { vectors.current() };
    let (embedder, readings) = (embedder.as_deref(), Readings::default());
    let bench = Bench { index, vectors, embedder, by, collection: &collection, readings };
    let measured = tokio::select! {
        measured = Box::pin(bench.measure(set, step)) => measured.map(Some),
        () = stop => Ok(None),
    };
    let dropped = index.drop_collection(&collection).await;
    let measured = measured?;
    dropped.map_err(RetrievalError::Index)?;
    Ok(measured)
}

/// Collections of evaluations that were killed.
async fn drop_forgotten(index: &Index, family: &str) -> Result<(), RetrievalError> {
    let now = unix_seconds(Uuid::now_v7());
    for collection in index.collections(family).await.map_err(RetrievalError::Index)? {
        let made = collection.strip_prefix(family).and_then(|id| Uuid::parse_str(id).ok()).map(unix_seconds);
        if made.is_some_and(|made| now.saturating_sub(made) > FORGOTTEN.as_secs()) {
            index.drop_collection(&collection).await.map_err(RetrievalError::Index)?;
        }
    }
    Ok(())
}

fn unix_seconds(id: Uuid) -> u64 {
    id.get_timestamp().map_or(u64::MAX, |at| at.to_unix().0)
}

/// A private collection that is measured.
struct Bench<'a> {
    index: &'a Index,
    vectors: &'a Vectors,
    embedder: Option<&'a dyn Embedder>,
    by: By,
    collection: &'a str,
    readings: Readings,
}

impl Bench<'_> {
    async fn measure(&self, set: &Set, mut step: impl FnMut(Step)) -> Result<Measured, RetrievalError> {
        let dims = self.embedder.map(Embedder::dims);
        self.index.create(self.collection, dims).await.map_err(RetrievalError::Index)?;
        let chunks = self.fill(&set.corpus, &mut step).await?;
        let fits = self.fits(&chunks, &mut step).await?;
        let answerable: Vec<&Query> = set.queries.iter().filter(|query| query.is_answerable()).collect();
        let of = answerable.len() + set.negatives.len();
        let mut sums = [0.0; 5];
        let (mut positives, mut negatives, mut times) = (Vec::new(), Vec::new(), Vec::new());
        for query in &answerable {
            let (found, took) = self.search_timed(&fits, &chunks, &query.text).await?;
            let of_query = [
                ndcg(&found.documents, &query.relevant, 10),
                recall(&found.documents, &query.relevant, 1),
                recall(&found.documents, &query.relevant, 5),
                recall(&found.documents, &query.relevant, 10),
                reciprocal_rank(&found.documents, &query.relevant, 10),
            ];
            sums.iter_mut().zip(of_query).for_each(|(sum, value)| *sum += value);
            positives.push(found.coverage);
            times.push(took);
            step(Step::Asking { done: times.len(), of });
        }
        for text in &set.negatives {
            let (found, took) = self.search_timed(&fits, &chunks, text).await?;
            negatives.push(found.coverage);
            times.push(took);
            step(Step::Asking { done: times.len(), of });
        }
        times.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "a count of questions is far below 2^52")]
        let [ndcg_at_10, recall_at_1, recall_at_5, recall_at_10, mrr_at_10] =
            sums.map(|sum| sum / answerable.len().max(1) as f64);
        Ok(Measured {
            fusion: self.by,
            embedder: self.embedder.map(|embedder| embedder.identity().to_owned()),
            fits,
            queries: answerable.len(),
            ndcg_at_10,
            recall_at_1,
            recall_at_5,
            recall_at_10,
            mrr_at_10,
            auroc: coverage::auroc(&positives, &negatives),
            refused_at_95: refused_keeping(KEPT, &positives, &negatives),
            p50_ms: percentile(&times, 0.5),
            p95_ms: percentile(&times, 0.95),
        })
    }

    /// Cuts, analyses, embeds and writes the corpus. Returns what the ledger would know of its chunks.
    async fn fill(
        &self,
        corpus: &[Row],
        step: &mut impl FnMut(Step),
    ) -> Result<HashMap<Uuid, Arc<Stored>>, RetrievalError> {
        let mut chunks = HashMap::new();
        let (mut points, mut texts) = (Vec::with_capacity(POINTS), Vec::new());
        for (done, row) in corpus.iter().enumerate() {
            for (position, chunk) in knowledge::chunks(&document(row), &row.title).into_iter().enumerate() {
                let sparse = analyser::document(&chunk.title, &chunk.heading, &chunk.text);
                let id = ChunkId::new();
                points.push(Point { id: id.0, sparse, dense: None });
                texts.push(passage(&chunk.title, &chunk.heading, &chunk.text));
                chunks.insert(id.0, Arc::new(stored(id, done, position, row, chunk)));
            }
            if points.len() >= POINTS || done + 1 == corpus.len() {
                if let Some(embedder) = self.embedder {
                    let dense = self.vectors.of_passages(embedder.identity(), &texts).await?;
                    points.iter_mut().zip(dense).for_each(|(point, dense)| point.dense = Some(dense));
                }
                let points = std::mem::take(&mut points);
                self.index.upsert(self.collection, points).await.map_err(RetrievalError::Index)?;
                texts.clear();
                step(Step::Indexing { done: done + 1, of: corpus.len() });
            }
        }
        Ok(chunks)
    }

    /// What the corpus says of itself.
    async fn fits(
        &self,
        chunks: &HashMap<Uuid, Arc<Stored>>,
        step: &mut impl FnMut(Step),
    ) -> Result<Fits, RetrievalError> {
        let (By::Fused, Some(embedder)) = (self.by, self.embedder) else { return Ok(Fits::default()) };
        let mut done = 0;
        let told = || {
            done += 1;
            step(Step::Fitting { done });
        };
        let fitting = Fitting {
            index: self.index,
            vectors: self.vectors,
            shelf: Shelf::Memory(chunks),
            readings: &self.readings,
            collection: self.collection,
            embedder: embedder.identity(),
        };
        calibrate::fits(fitting, told).await
    }

    /// A search, and how many milliseconds it took.
    async fn search_timed(
        &self,
        fits: &Fits,
        chunks: &HashMap<Uuid, Arc<Stored>>,
        text: &str,
    ) -> Result<(Ordered, f64), RetrievalError> {
        let began = Instant::now();
        let found = self.search(fits, chunks, text).await?;
        Ok((found, began.elapsed().as_secs_f64() * 1000.0))
    }

    /// As `Retriever::search` does it: the same calls in the same order, with as many candidates.
    async fn search(
        &self,
        fits: &Fits,
        chunks: &HashMap<Uuid, Arc<Stored>>,
        text: &str,
    ) -> Result<Ordered, RetrievalError> {
        let query = analyser::query(text);
        let sparse = query.sparse();
        let fusion = match self.by {
            By::Lexical => None,
            // Coverage is the cosine then, from 0 upwards.
            By::Dense => Some(Fusion { weight: MEANING_ALONE, cover: MEANING_ALONE, middle: 0.0 }),
            By::Fused => fits.for_question(text).map(|fit| fit.fusion),
        };
        let vector = match (fusion, self.embedder) {
            (Some(_), Some(embedder)) => {
                let asked = [text.to_owned()];
                self.vectors.of_questions(embedder.identity(), &asked).await?.pop()
            }
            _ => None,
        };
        let asked = wanted(&sparse, vector.as_deref(), CANDIDATES);
        let found = self.index.search_with_statistics(self.collection, asked).await;
        let found = found.map_err(RetrievalError::Index)?;
        let rows = Shelf::Memory(chunks).passages(&ids(&found, CANDIDATES)).await?;
        let idf = found.statistics.of(&query);
        let candidates = candidates(&query, &idf, &found, rows, &self.readings);
        let ordered = order(&query, &idf, &candidates, fusion.filter(|_| vector.is_some()));
        let mut documents: Vec<usize> = Vec::new();
        for passage in shown(&candidates, &ordered.ranked, ordered.ranked.len()) {
            let row = number(passage.document);
            if !documents.contains(&row) {
                documents.push(row);
            }
        }
        Ok(Ordered { documents, coverage: ordered.coverage })
    }
}

/// A chunk as the ledger would have it.
fn stored(id: ChunkId, number: usize, position: usize, row: &Row, chunk: knowledge::Chunk) -> Stored {
    Stored {
        chunk: id,
        document: numbered(number),
        position: i32::try_from(position).unwrap_or(i32::MAX),
        source: String::new(),
        path: row.id.clone(),
        title: chunk.title,
        heading: chunk.heading,
        text: chunk.text,
        url: None,
    }
}

/// A row as extraction would give it: its headings, and its text parted into paragraphs by empty lines.
fn document(row: &Row) -> contract::Document {
    let headings = (1..).zip(&row.ancestors).map(|(level, text)| Block::Heading {
        // Deeper ones than HTML knows stay beside each other.
        level: level.min(6),
        text: text.clone(),
    });
    let paragraphs = row
        .text
        .split("\n\n")
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| Block::Paragraph { text: text.to_owned() });
    let title = (!row.title.is_empty()).then(|| row.title.clone());
    contract::Document {
        title,
        blocks: headings.chain(paragraphs).collect(),
        ..contract::Document::default()
    }
}

/// Rows are numbered, documents have ids: the number is in it.
const fn numbered(row: usize) -> DocumentId {
    DocumentId(Uuid::from_u128(row as u128))
}

fn number(document: DocumentId) -> usize {
    usize::try_from(document.0.as_u128()).unwrap_or(usize::MAX)
}

struct Ordered {
    /// Rows, each once, best first.
    documents: Vec<usize>,
    coverage: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str, ancestors: &[&str]) -> Row {
        let ancestors = ancestors.iter().map(|&heading| heading.to_owned()).collect();
        Row { id: "a".into(), title: "Title".into(), ancestors, text: text.into() }
    }

    #[test]
    fn a_row_becomes_a_document_under_its_headings() {
        let chunks = knowledge::chunks(&document(&row("One.\n\n\nTwo.", &["Guide", "Install"])), "");
        assert_eq!(chunks.len(), 1);
        assert_eq!(chunks[0].title, "Title");
        assert_eq!(chunks[0].heading, ["Guide", "Install"]);
        assert!(chunks[0].text.contains("One.") && chunks[0].text.contains("Two."));
    }

    #[test]
    fn a_document_knows_its_row() {
        assert_eq!(number(numbered(4711)), 4711);
    }
}
