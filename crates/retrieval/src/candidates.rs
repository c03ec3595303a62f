//! From the hits of the index to ordered passages and coverage: what search, fitting and evaluation do alike,
//! wherever the texts come from.

use std::collections::HashMap;
use std::sync::Arc;

use knowledge::analyser::{self, Query};
use knowledge::coverage::{self, Idf};
use knowledge::index::Found;
use knowledge::rerank::{self, Ranked, rerank};
use knowledge::{Fusion, Wanted};
use store::passages::Passage;
use uuid::Uuid;

use crate::rank;
use crate::readings::{Read, Readings};

/// Nearest points asked for at the least: a passage that words found and that is not among them is surely no
/// better than the last.
const NEAREST: u32 = 100;

/// A hit that may be shown, with its text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    /// As the index scores it, whether or not that search found it.
    pub(crate) lexical: f32,
    /// With the question's vector; 0 where that was not asked for.
    pub(crate) cosine: f32,
    pub(crate) passage: Arc<Passage>,
    /// Of this passage.
    pub(crate) read: Arc<Read>,
}

/// What to ask of the index: as many hits by words as wanted, and the nearest.
pub(crate) fn wanted<'a>(sparse: &'a knowledge::Sparse, dense: Option<&'a [f32]>, hits: usize) -> Wanted<'a> {
    let limit = u32::try_from(hits).unwrap_or(u32::MAX);
    Wanted { limit, sparse: Some(sparse), dense, nearest: limit.max(NEAREST) }
}

/// The ids to show: hits by words, and as many of the nearest.
pub(crate) fn ids(found: &Found, hits: usize) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = found.hits.iter().map(|hit| hit.id).collect();
    let mut known: std::collections::HashSet<Uuid> = ids.iter().copied().collect();
    ids.extend(found.dense.iter().take(hits).map(|hit| hit.id).filter(|id| known.insert(*id)));
    ids
}

/// Those of the hits whose passages are here, by words first, in the index's order.
///
/// What only the meaning found is scored by its words as the index would have done. What only the words found gets
/// the cosine of the last of the nearest, which its own does not exceed.
pub(crate) fn candidates(
    query: &Query,
    idf: &Idf,
    found: &Found,
    mut rows: HashMap<Uuid, Arc<Passage>>,
    readings: &Readings,
) -> Vec<Candidate> {
    let cosines: HashMap<Uuid, f32> = found.dense.iter().map(|hit| (hit.id, hit.score)).collect();
    let last = found.dense.last().map_or(0.0, |hit| hit.score);
    let mut candidates = Vec::with_capacity(rows.len());
    for hit in &found.hits {
        if let Some(passage) = rows.remove(&hit.id) {
            let cosine = cosines.get(&hit.id).copied().unwrap_or(last);
            let read = readings.of(&passage);
            candidates.push(Candidate { lexical: hit.score, cosine, passage, read });
        }
    }
    for hit in &found.dense {
        if let Some(passage) = rows.remove(&hit.id) {
            let vector = analyser::document(&passage.title, &passage.heading, &passage.text);
            let lexical = coverage::score(query, idf, &vector);
            let read = readings.of(&passage);
            candidates.push(Candidate { lexical, cosine: hit.score, passage, read });
        }
    }
    candidates
}

/// Candidates in their final order, and how much of the question they cover.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ordered {
    pub(crate) ranked: Vec<Ranked>,
    pub(crate) coverage: f32,
}

/// Orders candidates by words, and by meaning if there is a fusion.
pub(crate) fn order(query: &Query, idf: &Idf, candidates: &[Candidate], fusion: Option<Fusion>) -> Ordered {
    let mut ranked = rerank(query, idf, &texts(candidates));
    let coverage = coverage::coverage(&ranked);
    let Some(fusion) = fusion else { return Ordered { ranked, coverage } };
    if ranked.is_empty() {
        // A question without a word that is indexed.
        let of = |candidate| Ranked { candidate, score: 0.0, coverage: 0.0, found: 0 };
        ranked = (0..candidates.len()).map(of).collect();
    }
    let cosines: Vec<f32> = candidates.iter().map(|candidate| candidate.cosine).collect();
    fusion.order(&mut ranked, &cosines);
    let nearest = cosines.into_iter().reduce(f32::max);
    Ordered { ranked, coverage: fusion.coverage(coverage, nearest) }
}

/// What is looked at a second time.
fn texts(candidates: &[Candidate]) -> Vec<rerank::Candidate<'_>> {
    let of = |candidate| {
        let Candidate { lexical, passage, read, .. }: &Candidate = candidate;
        rerank::Candidate {
            score: *lexical,
            title: &passage.title,
            heading: &passage.heading,
            text: &passage.text,
            reading: &read.reading,
        }
    };
    candidates.iter().map(of).collect()
}

/// Candidates in their final order, as passages: neighbours are one, near-duplicates are shown once.
pub(crate) fn shown(candidates: &[Candidate], ranked: &[Ranked], limit: usize) -> Vec<crate::Passage> {
    let ordered: Vec<rank::Candidate<'_>> = ranked
        .iter()
        .map(|ranked| {
            let Candidate { passage: row, read, .. } = &candidates[ranked.candidate];
            rank::Candidate {
                chunk: row.chunk,
                document: row.document,
                position: row.position,
                heading: &row.heading,
                score: ranked.score,
                text: &row.text,
                fingerprint: read.fingerprint,
            }
        })
        .collect();
    rank::rank(&ordered, limit)
        .into_iter()
        .map(|merged| {
            let best = &candidates[ranked[merged.best].candidate].passage;
            let texts: Vec<&str> = merged.members.iter().map(|member| ordered[*member].text).collect();
            crate::Passage {
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
