//! What dense vectors are worth in a knowledge base, language by language.
//!
//! The embedder may not know a language at all, and nothing says so: its cosines look like any others. So the
//! knowledge base asks itself questions whose answers it knows ([`super::probe`]), by words, by meaning and by both.
//! Where the meaning does not help, its weight is 0 and questions of that language are searched by words alone.
//! Nothing of the questions that people ask is looked at.

use std::sync::Arc;

use contract::Language;
use knowledge::analyser::{self, Query};
use knowledge::coverage::{self, Idf};
use knowledge::{Fusion, Index, passage, rerank};
use store::passages::Passage;
use uuid::Uuid;

use super::probe::Probe;
use super::weigh::{self, Sides};
use super::{across, nearness};
use crate::candidates::{Candidate, candidates, ids, order, wanted};
use crate::evaluate::ndcg;
use crate::meaning::cosine;
use crate::readings::{Read, Readings};
use crate::search::lost;
use crate::shelf::Shelf;
use crate::{Fits, RetrievalError, Vectors};

/// Hits fetched for a probe: enough that [`rerank::CANDIDATES`] are left without its own document, unless
/// that is a book.
const HITS: usize = 120;

/// A language of fewer than one passage in so many is foreign to a knowledge base.
const HARDLY: usize = 50;

/// Passages that count, as in nDCG@10.
const DEPTH: usize = 10;

/// A generation that is fitted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fitting<'a> {
    pub(crate) index: &'a Index,
    pub(crate) vectors: &'a Vectors,
    pub(crate) shelf: Shelf<'a>,
    pub(crate) readings: &'a Readings,
    pub(crate) collection: &'a str,
    /// Identity of the embedder.
    pub(crate) embedder: &'a str,
}

/// What became of a probe.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) language: Language,
    pub(super) is_heading: bool,
    /// nDCG@10 for each of [`weigh::WEIGHTS`], and by meaning alone.
    pub(super) ndcg: Vec<f64>,
    pub(super) dense: f64,
    pub(super) answerable: Sides,
    /// `None`: another document answers it.
    pub(super) unanswerable: Option<Sides>,
}

impl Fitting<'_> {
    /// Asks probes and fits every language that there are enough of, and the others by what the embedder makes of them.
    /// `asked` is told after each.
    ///
    /// # Errors
    /// [`RetrievalError`].
    pub(super) async fn fit(
        &self,
        probes: &[Probe],
        sample: &[Passage],
        mut asked: impl FnMut(),
    ) -> Result<Fits, RetrievalError> {
        let texts: Vec<String> = probes.iter().map(|probe| probe.text.clone()).collect();
        let vectors = self.vectors.of_questions(self.embedder, &texts).await?;
        let mut all = Vec::with_capacity(probes.len());
        for (probe, vector) in probes.iter().zip(&vectors) {
            all.extend(self.ask(probe, vector).await?);
            asked();
        }
        let mut fits = Fits::default();
        for language in Language::ALL {
            let of: Vec<Asked> = all.iter().filter(|one| one.language == language).cloned().collect();
            if let Some(fit) = weigh::fit(&of) {
                fits.insert(language, fit);
                if fit.fusion.is_used() {
                    let near = nearness::within(self.vectors, self.embedder, sample, language).await?;
                    fits.nearness.within.extend(near.map(|near| (language, near)));
                }
            }
        }
        if let Some(across) = across::ask(self.vectors, self.embedder).await? {
            fits.nearness.across =
                across.same_beside(fits.nearness.within.values().copied().reduce(f32::max));
            for language in Language::ALL {
                // What is asked in it is answered by what there is in the others.
                if fits.get(language).is_none()
                    && is_foreign(language, sample)
                    && let Some(fit) = weigh::from_another(&all, across)
                {
                    fits.insert(language, fit);
                }
            }
        }
        Ok(fits)
    }

    /// `None`: what it belongs to is not among the hits even with it.
    async fn ask(&self, probe: &Probe, vector: &[f32]) -> Result<Option<Asked>, RetrievalError> {
        let query = analyser::query(&probe.text);
        let sparse = query.sparse();
        let asked = wanted(&sparse, Some(vector), HITS);
        let found = self.index.search_with_statistics(self.collection, asked).await.map_err(lost)?;
        let rows = self.shelf.passages(&ids(&found, HITS)).await?;
        let idf = found.statistics.of(&query);
        let with = candidates(&query, &idf, &found, rows, self.readings);
        let elsewhere = with.iter().any(|candidate| {
            candidate.passage.document != probe.document && probe.is_answered_by(&candidate.passage)
        });
        let foreign: Vec<Candidate> =
            with.iter().filter(|candidate| candidate.passage.document != probe.document).cloned().collect();
        let (bare, own) = self.without(probe, &query, &idf, vector, with).await?;
        if own.is_empty() {
            return Ok(None);
        }
        let bare = best(bare);
        let relevant = |candidate: &usize| own.contains(&bare[*candidate].passage.chunk.0);
        let own: Vec<usize> = (0..bare.len()).filter(relevant).collect();
        let gained = |fusion: Fusion| {
            let ordered = order(&query, &idf, &bare, Some(fusion));
            let ranks: Vec<usize> = ordered.ranked.iter().map(|ranked| ranked.candidate).collect();
            // One is enough to answer: a section of three chunks is found with the first.
            let first = ranks.iter().copied().find(|rank| own.contains(rank));
            first.map_or(0.0, |first| ndcg(&ranks, &[first], DEPTH))
        };
        let weighted = |weight| gained(Fusion { weight, ..Fusion::default() });
        let sides = |candidates: &[Candidate]| {
            let ordered = order(&query, &idf, candidates, None);
            let nearest = candidates.iter().map(|candidate| candidate.cosine).fold(0.0, f32::max);
            Sides { lexical: ordered.coverage, nearest }
        };
        Ok(Some(Asked {
            language: probe.language(),
            is_heading: probe.is_heading(),
            ndcg: weigh::WEIGHTS.map(weighted).to_vec(),
            dense: weighted(1e6),
            answerable: sides(&bare),
            unanswerable: (!elsewhere).then(|| sides(&best(foreign))),
        }))
    }

    /// The candidates as they would be without the probe in its own passages, and which those are.
    async fn without(
        &self,
        probe: &Probe,
        query: &Query,
        idf: &Idf,
        vector: &[f32],
        mut candidates: Vec<Candidate>,
    ) -> Result<(Vec<Candidate>, Vec<Uuid>), RetrievalError> {
        let taken = candidates.iter_mut().filter_map(|candidate| {
            let bare = probe.taken_from(&candidate.passage)?;
            Some((candidate, bare))
        });
        let mut taken: Vec<(&mut Candidate, Passage)> = taken.collect();
        let text = |bare: &Passage| passage(&bare.title, &bare.heading, &bare.text);
        let texts: Vec<String> = taken.iter().map(|(_, bare)| text(bare)).collect();
        let vectors = self.vectors.of_passages(self.embedder, &texts).await?;
        let mut own = Vec::with_capacity(taken.len());
        for ((candidate, bare), dense) in taken.iter_mut().zip(vectors) {
            let sparse = analyser::document(&bare.title, &bare.heading, &bare.text);
            candidate.lexical = coverage::score(query, idf, &sparse);
            candidate.cosine = cosine(vector, &dense);
            candidate.passage = Arc::new(bare.clone());
            candidate.read = Arc::new(Read::of(bare));
            own.push(bare.chunk.0);
        }
        Ok((candidates, own))
    }
}

/// Whether hardly any passage is in a language: those that are would be as near as if they were in the others.
fn is_foreign(language: Language, sample: &[Passage]) -> bool {
    let own = sample.iter().filter(|passage| Language::of(&passage.text) == language).count();
    own * HARDLY < sample.len()
}

/// Those that a search would look at: the best by words, and the nearest.
fn best(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    let threshold = |values: &mut dyn Iterator<Item = f32>| {
        let mut values: Vec<f32> = values.collect();
        values.sort_by(|one, other| other.total_cmp(one));
        values.get(rerank::CANDIDATES - 1).copied().unwrap_or(f32::MIN)
    };
    let lexical = threshold(&mut candidates.iter().map(|candidate| candidate.lexical));
    let nearest = threshold(&mut candidates.iter().map(|candidate| candidate.cosine));
    candidates.retain(|candidate| {
        (candidate.lexical >= lexical && candidate.lexical > 0.0) || candidate.cosine >= nearest
    });
    candidates.sort_by(|one, other| other.lexical.total_cmp(&one.lexical));
    candidates
}
