//! Words and meaning together: the order of passages by lexical and dense evidence, and what the dense vectors
//! add to coverage.
//!
//! The order is by the sum of both scores, each divided by the best of its kind among the candidates (on BEIR
//! that beats reciprocal ranks on 16 of 18 tasks). How much the dense one weighs is fitted to each knowledge base
//! and language, because an embedder that does not know a language is worse than none: all-MiniLM on Russian
//! finds a quarter of what words find.

use serde::{Deserialize, Serialize};

use crate::rerank::Ranked;

/// How the questions of one language are searched for in one knowledge base.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Fusion {
    /// What the dense score weighs in the order, against 1 for the lexical one; 0: it is not asked for.
    pub weight: f32,
    /// What coverage gains for each whole cosine that the best passage is above `middle`; below, it loses.
    pub cover: f32,
    /// The cosine of the best passage that says nothing: half-way between questions that the knowledge base
    /// answers and such that it does not.
    pub middle: f32,
}

impl Fusion {
    /// Whether dense vectors change anything.
    pub fn is_used(self) -> bool {
        self.weight > 0.0 || self.cover > 0.0
    }

    /// Orders candidates by both. `cosines` are those of the candidates, in the order that
    /// [`Ranked::candidate`] counts in; scores stay from 0 to about 1.
    pub fn order(self, ranked: &mut [Ranked], cosines: &[f32]) {
        if self.weight <= 0.0 {
            return;
        }
        let best = ranked.iter().map(|ranked| ranked.score).fold(0.0, f32::max);
        let nearest = cosines.iter().copied().fold(0.0, f32::max);
        // Where words say nothing at all, the meaning decides alone, on the scale of cosines.
        let (lexical, scale) = if best > 0.0 { (1.0, best) } else { (0.0, 1.0) };
        for ranked in ranked.iter_mut() {
            let cosine = cosines.get(ranked.candidate).copied().unwrap_or(0.0);
            let dense = if nearest > 0.0 { scale * cosine.max(0.0) / nearest } else { 0.0 };
            ranked.score = (ranked.score + self.weight * dense) / (lexical + self.weight);
        }
        ranked.sort_by(|one, other| other.score.total_cmp(&one.score));
    }

    /// Coverage by words and meaning, on the scale of the lexical one. `nearest` is the cosine of the best passage.
    pub fn coverage(self, lexical: f32, nearest: Option<f32>) -> f32 {
        nearest.map_or(lexical, |nearest| (lexical + self.cover * (nearest - self.middle)).max(0.0))
    }
}
