//! How well a corpus is searched: the product's own code over a collection of its own.
//!
//! Rows are cut by the chunker, analysed, and written into a private collection that is dropped afterwards;
//! the questions are searched as [`crate::Retriever`] searches them, ordered and merged by the same
//! functions. Only the ledger is left out: the texts come from memory, so the times are of the index and of
//! the ordering.
//!
//! A document is found where the best of its passages is.

mod metrics;
mod set;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use contract::{Block, ChunkId, DocumentId};
use knowledge::rerank::CANDIDATES;
use knowledge::{Index, IndexError, Point, analyser, coverage, rerank};
use serde::Serialize;
use store::passages::Passage as Stored;
use uuid::Uuid;

pub use self::metrics::{ndcg, percentile, recall, reciprocal_rank, refused_keeping};
pub use self::set::{Query, Row, SetError, corpus, negatives, queries};
use crate::search::{shown, texts};

/// Points in one call: a page of the index client's size, well below every limit on messages.
const POINTS: usize = 500;

/// A private collection older than this was left behind by a process that was killed.
const FORGOTTEN: Duration = Duration::from_hours(24);

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

/// The figures. Shares are from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
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
    /// Questions that were asked.
    Asking { done: usize, of: usize },
}

/// Evaluates in a collection `<prefix>_eval_<uuid>`, which is dropped at the end, whatever the end is.
/// `None`: `stop` came first.
///
/// # Errors
/// [`IndexError`].
pub async fn evaluate(
    index: &Index,
    prefix: &str,
    set: &Set,
    stop: impl Future<Output = ()>,
    step: impl FnMut(Step),
) -> Result<Option<Measured>, IndexError> {
    let family = format!("{prefix}_eval_");
    drop_forgotten(index, &family).await?;
    let collection = format!("{family}{}", Uuid::now_v7().simple());
    let measured = tokio::select! {
        measured = Box::pin(measure(index, &collection, set, step)) => measured.map(Some),
        () = stop => Ok(None),
    };
    let dropped = index.drop_collection(&collection).await;
    let measured = measured?;
    dropped.map(|()| measured)
}

/// Collections of evaluations that were killed.
async fn drop_forgotten(index: &Index, family: &str) -> Result<(), IndexError> {
    let now = unix_seconds(Uuid::now_v7());
    for collection in index.collections(family).await? {
        let made = collection.strip_prefix(family).and_then(|id| Uuid::parse_str(id).ok()).map(unix_seconds);
        if made.is_some_and(|made| now.saturating_sub(made) > FORGOTTEN.as_secs()) {
            index.drop_collection(&collection).await?;
        }
    }
    Ok(())
}

fn unix_seconds(id: Uuid) -> u64 {
    id.get_timestamp().map_or(u64::MAX, |at| at.to_unix().0)
}

async fn measure(
    index: &Index,
    collection: &str,
    set: &Set,
    mut step: impl FnMut(Step),
) -> Result<Measured, IndexError> {
    index.create(collection).await?;
    let chunks = fill(index, collection, &set.corpus, &mut step).await?;
    let answerable: Vec<&Query> = set.queries.iter().filter(|query| query.is_answerable()).collect();
    let of = answerable.len() + set.negatives.len();
    let mut sums = [0.0; 5];
    let (mut positives, mut negatives, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for query in &answerable {
        let (found, took) = search_timed(index, collection, &chunks, &query.text).await?;
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
        let (found, took) = search_timed(index, collection, &chunks, text).await?;
        negatives.push(found.coverage);
        times.push(took);
        step(Step::Asking { done: times.len(), of });
    }
    times.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "a count of questions is far below 2^52")]
    let [ndcg_at_10, recall_at_1, recall_at_5, recall_at_10, mrr_at_10] =
        sums.map(|sum| sum / answerable.len().max(1) as f64);
    Ok(Measured {
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

/// Cuts, analyses and writes the corpus. Returns what the ledger would know of its chunks.
async fn fill(
    index: &Index,
    collection: &str,
    corpus: &[Row],
    step: &mut impl FnMut(Step),
) -> Result<HashMap<Uuid, Stored>, IndexError> {
    let mut chunks = HashMap::new();
    let mut points = Vec::with_capacity(POINTS);
    for (done, row) in corpus.iter().enumerate() {
        for (position, chunk) in knowledge::chunks(&document(row), &row.title).into_iter().enumerate() {
            let sparse = analyser::document(&chunk.title, &chunk.heading, &chunk.text);
            let id = ChunkId::new();
            points.push(Point { id: id.0, sparse });
            chunks.insert(
                id.0,
                Stored {
                    chunk: id,
                    document: numbered(done),
                    position: i32::try_from(position).unwrap_or(i32::MAX),
                    source: String::new(),
                    path: row.id.clone(),
                    title: chunk.title,
                    heading: chunk.heading,
                    text: chunk.text,
                    url: None,
                },
            );
        }
        if points.len() >= POINTS || done + 1 == corpus.len() {
            index.upsert(collection, std::mem::take(&mut points)).await?;
            step(Step::Indexing { done: done + 1, of: corpus.len() });
        }
    }
    Ok(chunks)
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

/// A search, and how many milliseconds it took.
async fn search_timed(
    index: &Index,
    collection: &str,
    chunks: &HashMap<Uuid, Stored>,
    text: &str,
) -> Result<(Ordered, f64), IndexError> {
    let began = Instant::now();
    let found = search(index, collection, chunks, text).await?;
    Ok((found, began.elapsed().as_secs_f64() * 1000.0))
}

/// As `Retriever::search` does it: the same calls in the same order, with as many candidates.
async fn search(
    index: &Index,
    collection: &str,
    chunks: &HashMap<Uuid, Stored>,
    text: &str,
) -> Result<Ordered, IndexError> {
    let query = analyser::query(text);
    let asked = u32::try_from(CANDIDATES).unwrap_or(u32::MAX);
    let found = index.search_with_statistics(collection, &query.sparse(), asked).await?;
    let visible: Vec<(f32, Stored)> = found
        .hits
        .iter()
        .filter_map(|hit| chunks.get(&hit.id).map(|chunk| (hit.score, chunk.clone())))
        .collect();
    let ranked = rerank(&query, &found.statistics.of(&query), &texts(&visible));
    let mut documents: Vec<usize> = Vec::new();
    for passage in shown(&visible, &ranked, ranked.len()) {
        let row = number(passage.document);
        if !documents.contains(&row) {
            documents.push(row);
        }
    }
    Ok(Ordered { documents, coverage: coverage::coverage(&ranked) })
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
