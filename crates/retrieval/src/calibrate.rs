//! Fits the threshold of a knowledge base from nothing but itself: `vectora calibrate`, and by itself after
//! ingestions.
//!
//! The headings of a sample are asked as questions, over the index as it is. **Answerable**: over
//! everything, where the sections under the heading (or, for a title, the whole document) are scored as if
//! they did not have it. **Unanswerable**: the same headings without any chunk of their own document, unless
//! another document has the same heading. What the two say about a threshold is decided by
//! [`knowledge::coverage::fit`].
//!
//! A generation with dense vectors is fitted a second time, by words and meaning ([`meaning`]): how much the
//! meaning weighs in each language, with a threshold of its own; for a language that the knowledge base hardly has, by
//! what the embedder makes of translations ([`across`]); and from where on sentences say the same ([`nearness`]). The
//! first threshold stays, for languages that the embedder does not know and for searches that have to do without it.

mod across;
mod meaning;
mod nearness;
mod parallel;
mod probe;
mod svg;
mod weigh;

use knowledge::analyser::{self, Query};
use knowledge::coverage::{self, Idf, Point};
use knowledge::rerank::{self, Candidate, Reading};
use knowledge::{Index, Wanted};
use serde::{Deserialize, Serialize};
use store::generations::{self, Generation};
use store::passages::{Passage, Remembered};
use store::{Ledger, documents, revisions};
use uuid::Uuid;

pub(crate) use self::meaning::Fitting;
pub use self::parallel::{ROWS as TRANSLATED, Row as Translated};
use self::probe::{Probe, headings, held_out};
use crate::readings::{Readings, read};
use crate::search::lost;
use crate::shelf::Shelf;
use crate::{Fits, RetrievalError, Vectors};

/// Chunks that headings are taken from.
const SAMPLE: u16 = 2000;

/// Headings asked at the most. Two searches' worth of work each, some milliseconds; the 3 % quantile that the
/// threshold rests on is the twelfth of them.
const HEADINGS: usize = 400;

/// Headings, and sentences of each language, asked at the most to fit words and meaning. Each is embedded, and so are
/// the passages that it is taken from, and as sentences some hundred more a language: in all 1,500 to 2,000 texts.
const PROBES: usize = 200;

/// Hits fetched for a heading: enough that [`rerank::CANDIDATES`] are left without its own document, unless
/// that is a book.
const HITS: u32 = 120;

/// The share of documents that may come or go before a fit is out of date.
const CHANGED: f64 = 0.10;

/// While documents are on their way a fit waits for the last of them, unless there is this many times as much
/// knowledge as at the last one.
const CHANGED_AT_ONCE: f64 = 2.0;

/// A fitted threshold, and what it was fitted by.
#[derive(Debug, Clone)]
pub struct Calibration {
    pub generation: Generation,
    /// Questions with less coverage are refused.
    pub threshold: f32,
    /// The share of answerable headings that it keeps, 0 to 1.
    pub kept: f32,
    /// The share of held-out headings that it refuses, 0 to 1.
    pub refused: f32,
    pub curve: Vec<Point>,
    /// Coverage of the headings over the whole knowledge base.
    pub answerable: Vec<f32>,
    /// Coverage of the same headings without their own documents; of those that no other document has.
    pub unanswerable: Vec<f32>,
    /// How words and meaning go together; empty for a generation without dense vectors.
    pub fits: Fits,
    /// Documents there were.
    pub documents: i64,
}

/// What is fitted, and how: a fit by another recipe is made anew.
pub const RECIPE: u32 = 2;

/// What the ledger keeps of a fit.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// Before [`RECIPE`] was kept: 0.
    #[serde(default)]
    recipe: u32,
    documents: i64,
    headings: usize,
    kept: f32,
    refused: f32,
    /// Threshold, kept, refused.
    curve: Vec<(f32, f32, f32)>,
    #[serde(default, skip_serializing_if = "Fits::is_empty")]
    fusion: Fits,
}

impl Calibration {
    /// The two distributions and the curve as an image.
    pub fn svg(&self) -> String {
        svg::draw(self)
    }
}

/// Whether the knowledge has changed so much since the last fit that there should be another one, which this process
/// can make.
///
/// # Errors
/// [`RetrievalError`].
pub async fn due(
    ledger: &Ledger,
    vectors: &Vectors,
    generation: &Generation,
) -> Result<bool, RetrievalError> {
    let known = generation.embedder.as_deref().is_none_or(|identity| vectors.knows(identity));
    if !known || !generation.prepared || generation.analyser != analyser::VERSION {
        return Ok(false);
    }
    let now = documents::stock(ledger).await?.documents;
    let last = generations::last_fit(ledger, generation.id).await?;
    // A fit this process cannot read is another release's: fitted anew, it can.
    let last = last.and_then(|fit| serde_json::from_value::<Record>(fit).ok());
    let last = last.filter(|fit| fit.recipe == RECIPE).map(|fit| fit.documents);
    Ok(changed(last, now, CHANGED)
        && (changed(last, now, CHANGED_AT_ONCE) || revisions::building(ledger).await? == 0))
}

/// Whether the number of documents has changed by more than `share` of what there was at the last fit.
#[expect(clippy::cast_precision_loss, reason = "a count of documents is far below 2^52")]
fn changed(last: Option<i64>, now: i64, share: f64) -> bool {
    match last {
        // The first fit waits for the ingestion; a knowledge base that is empty needs none.
        None => now > 0 && share < 1.0,
        Some(last) => (now - last).abs() as f64 > share * last as f64,
    }
}

/// Fits the live generation's threshold and keeps it.
///
/// # Errors
/// [`RetrievalError`].
pub async fn calibrate(
    ledger: &Ledger,
    index: &Index,
    vectors: &Vectors,
) -> Result<Calibration, RetrievalError> {
    let fitted = measure(ledger, index, vectors, None, |_, _| {}).await?;
    keep(ledger, &fitted).await?;
    Ok(fitted)
}

/// Keeps a fit: questions are judged by it within a second.
///
/// # Errors
/// [`RetrievalError`].
pub async fn keep(ledger: &Ledger, fitted: &Calibration) -> Result<(), RetrievalError> {
    let record = Record {
        recipe: RECIPE,
        documents: fitted.documents,
        headings: fitted.answerable.len(),
        kept: fitted.kept,
        refused: fitted.refused,
        curve: fitted.curve.iter().map(|point| (point.threshold, point.kept, point.refused)).collect(),
        fusion: fitted.fits.clone(),
    };
    let record = serde_json::json!(record);
    Ok(generations::fit(ledger, fitted.generation.id, Some(fitted.threshold), &record).await?)
}

/// Fits a generation that is complete, the live one unless another is named, without keeping the result.
/// `asked` is told how many questions were asked, and how many there are.
///
/// # Errors
/// [`RetrievalError`].
pub async fn measure(
    ledger: &Ledger,
    index: &Index,
    vectors: &Vectors,
    generation: Option<Generation>,
    mut asked: impl FnMut(usize, usize),
) -> Result<Calibration, RetrievalError> {
    let generation = match generation {
        Some(generation) => generation,
        None => generations::live(ledger).await?.ok_or(RetrievalError::NoGeneration)?,
    };
    if generation.analyser != analyser::VERSION {
        return Err(RetrievalError::Analyser { live: generation.analyser, ours: analyser::VERSION });
    }
    let documents = documents::stock(ledger).await?.documents;
    let remembered = Remembered::default();
    let shelf = Shelf::Ledger(ledger, &remembered);
    let readings = Readings::default();
    let sample = shelf.sample(SAMPLE).await?;
    let headings = headings(&sample, HEADINGS);
    let probes = if generation.embedder.is_some() { probes(&sample) } else { Vec::new() };
    let of = headings.len() + probes.len();
    // First, because it may fail: an embedder that is away should not cost more than asking it.
    let mut done = 0;
    let fits = match generation.embedder.as_deref() {
        None => Fits::default(),
        Some(embedder) => {
            let collection = &generation.collection;
            let told = || {
                done += 1;
                asked(done.min(of), of);
            };
            Fitting { index, vectors, shelf, readings: &readings, collection, embedder }
                .fit(&probes, &sample, told)
                .await?
        }
    };
    let (mut answerable, mut unanswerable) = (Vec::new(), Vec::new());
    for (done, heading) in headings.iter().enumerate() {
        let covered = ask(shelf, index, &generation, heading).await?;
        answerable.push(covered.answerable);
        unanswerable.extend(covered.unanswerable);
        asked(probes.len() + done + 1, of);
    }
    let coverage::Fitted { threshold, kept, refused, curve } = coverage::fit(&answerable, &unanswerable);
    Ok(Calibration { generation, threshold, kept, refused, curve, answerable, unanswerable, fits, documents })
}

/// What words and meaning are fitted by.
fn probes(sample: &[Passage]) -> Vec<Probe> {
    let mut probes = headings(sample, PROBES);
    probes.extend(held_out(sample, PROBES));
    probes
}

/// Fits words and meaning for a corpus in memory, as [`measure`] does it for the ledger's.
///
/// # Errors
/// [`RetrievalError`].
pub(crate) async fn fits(fitting: Fitting<'_>, asked: impl FnMut()) -> Result<Fits, RetrievalError> {
    let sample = fitting.shelf.sample(SAMPLE).await?;
    fitting.fit(&probes(&sample), &sample, asked).await
}

struct Covered {
    answerable: f32,
    /// `None`: another document has the same heading, and answers it.
    unanswerable: Option<f32>,
}

async fn ask(
    shelf: Shelf<'_>,
    index: &Index,
    generation: &Generation,
    heading: &Probe,
) -> Result<Covered, RetrievalError> {
    let query = analyser::query(&heading.text);
    let sparse = query.sparse();
    let found = index
        .search_with_statistics(&generation.collection, Wanted::lexical(&sparse, HITS))
        .await
        .map_err(lost)?;
    let ids: Vec<Uuid> = found.hits.iter().map(|hit| hit.id).collect();
    let rows = shelf.passages(&ids).await?;
    let hits: Vec<(f32, &Passage)> =
        found.hits.iter().filter_map(|hit| rows.get(&hit.id).map(|row| (hit.score, &**row))).collect();
    let idf = found.statistics.of(&query);
    let foreign: Vec<(f32, &Passage)> =
        hits.iter().filter(|(_, passage)| passage.document != heading.document).copied().collect();
    let bare: Vec<(f32, Passage)> =
        hits.into_iter().map(|(score, passage)| without(heading, &query, &idf, score, passage)).collect();
    let bare: Vec<(f32, &Passage)> = bare.iter().map(|(score, passage)| (*score, passage)).collect();
    let elsewhere = foreign.iter().any(|(_, passage)| heading.is_answered_by(passage));
    Ok(Covered {
        answerable: covered(&query, &idf, bare),
        unanswerable: (!elsewhere).then(|| covered(&query, &idf, foreign)),
    })
}

/// A hit as it would be if the heading were not there; any other one as it is.
fn without(heading: &Probe, query: &Query, idf: &Idf, score: f32, passage: &Passage) -> (f32, Passage) {
    let Some(bare) = heading.taken_from(passage) else { return (score, passage.clone()) };
    let vector = analyser::document(&bare.title, &bare.heading, &bare.text);
    (coverage::score(query, idf, &vector), bare)
}

/// The coverage of the best candidates, as search would choose them.
fn covered(query: &Query, idf: &Idf, mut hits: Vec<(f32, &Passage)>) -> f32 {
    hits.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    hits.truncate(rerank::CANDIDATES);
    let readings: Vec<Reading> = hits.iter().map(|(_, passage)| read(passage)).collect();
    let candidates: Vec<Candidate<'_>> = hits
        .iter()
        .zip(&readings)
        .map(|((score, passage), reading)| Candidate {
            score: *score,
            title: &passage.title,
            heading: &passage.heading,
            text: &passage.text,
            reading,
        })
        .collect();
    coverage::coverage(&rerank::rerank(query, idf, &candidates))
}

#[cfg(test)]
mod tests {
    use contract::DocumentId;

    use super::*;

    fn passage(document: u128, heading: &[&str], text: &str) -> Passage {
        Passage {
            chunk: contract::ChunkId::new(),
            document: DocumentId(Uuid::from_u128(document)),
            position: 0,
            source: "s".into(),
            path: "p".into(),
            title: "Your account".into(),
            heading: heading.iter().map(|&heading| heading.to_owned()).collect(),
            text: text.into(),
            url: None,
        }
    }

    #[test]
    fn a_fit_is_due_when_a_tenth_of_the_documents_has_changed() {
        assert!(changed(None, 1, CHANGED) && !changed(None, 0, CHANGED));
        assert!(!changed(Some(100), 110, CHANGED) && changed(Some(100), 111, CHANGED));
        assert!(changed(Some(100), 89, CHANGED));
        assert!(changed(Some(0), 1, CHANGED) && !changed(Some(0), 0, CHANGED));
    }

    #[test]
    fn while_documents_are_on_their_way_only_much_more_knowledge_is_reason_enough() {
        assert!(!changed(None, 1000, CHANGED_AT_ONCE));
        assert!(!changed(Some(100), 300, CHANGED_AT_ONCE) && changed(Some(100), 301, CHANGED_AT_ONCE));
    }

    #[test]
    fn a_heading_is_asked_once_and_only_if_it_says_something() {
        let sample = [
            passage(1, &["Guide", "Reset a password"], "a"),
            passage(1, &["Guide", "Reset a password"], "b"),
            passage(2, &["Overview"], "c"),
            passage(3, &[], "d"),
            passage(4, &["Next steps here"], "e"),
            passage(5, &["Next steps here"], "f"),
            passage(6, &["Next Steps here"], "g"),
        ];
        let texts: Vec<String> = headings(&sample, 100).into_iter().map(|heading| heading.text).collect();
        // "Your account" has one word that says something, "Overview" too; "Next steps here" is everywhere.
        assert_eq!(texts, ["Reset a password"]);
    }

    #[test]
    fn the_own_section_is_scored_without_its_heading_and_others_are_not() {
        let heading = Probe {
            text: "Reset a password".into(),
            document: DocumentId(Uuid::from_u128(1)),
            from: probe::From::Heading,
        };
        let query = analyser::query(&heading.text);
        let idf = Idf(vec![2.0; query.terms.len()]);
        let own = passage(1, &["Guide", "Reset a password"], "Write to us.");
        let (score, bare) = without(&heading, &query, &idf, 9.0, &own);
        assert_eq!(bare.heading, ["Guide"]);
        assert!(score < 0.1, "{score}");
        let foreign = passage(2, &["Reset a password"], "Write to us.");
        let (score, same) = without(&heading, &query, &idf, 9.0, &foreign);
        assert!((score - 9.0).abs() < f32::EPSILON);
        assert_eq!(same, foreign);
    }
}
