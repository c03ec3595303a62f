//! How much of a question the knowledge base covers: the signal that a refusal is made by.
//!
//! Coverage of a passage ([`crate::Ranked::coverage`]) is its score in the index divided by the Σ IDF of the
//! question's terms, its best sentence and its pairs of neighbours mixed in; coverage of a question is that
//! of its best passage. A term the index does not know counts with the highest IDF there is, so a question
//! about something else is mostly uncovered. It tells what is not in the knowledge base at all; it cannot see
//! a question whose topic is there and whose answer is not.
//!
//! AUROC, and foreign questions refused while 95 % of the others are kept (negatives: CLINC and `RuBQ`'s `en`
//! in English, `RuBQ` in Russian; exact search). The first row is what `tests/quality.rs` measures; the
//! others were tried on an earlier list of function words, the plain recipe on all words:
//!
//! | signal | xquad en | ru | danetqa | docheads en | ru | squad2 |
//! |---|---|---|---|---|---|---|
//! | **this** | .976, 90 % | .964, 79 % | .914, 61 % | .996, 99 % | .998, 100 % | .956, 79 % |
//! | plain recipe | .974, 86 % | .964, 81 % | .912, 59 % | .998, 100 % | .998, 100 % | .949, 78 % |
//! | score ÷ Σ IDF | .974, 87 % | .963, 80 % | .918, 63 % | .997, 99 % | .998, 99 % | .946, 75 % |
//! | the same, stems alone | .972 | .959 | .914 | .996 | .997 | .941 |
//! | share of IDF in the best passage | .967 | .957 | .911 | .992 | .997 | .940 |
//! | the same in its best sentence | .956 | .940 | .902 | .989 | .996 | .935 |
//! | mean of the best three passages | .940 | .933 | .900 | .997 | .999 | .909 |
//! | divisor + twice the highest IDF | .983 | .970 | .891 | .995 | .997 | .963 |
//!
//! So no signal is much better than the plain quotient; this one is what the second look gives for nothing.
//! The last row is not taken: it would refuse questions of one word ("password"). Powers of the IDF (1.5,
//! 2.5) and more weight for unknown words change nothing that holds on all sets.

mod fitted;

use crate::{Sparse, analyser::Query, rerank::Ranked};

pub use fitted::{FALLBACK, Fitted, Point, auroc, fit};

/// The IDF of a question's terms, in the order of [`Query::terms`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Idf(pub Vec<f32>);

impl Idf {
    /// Of the terms of a question, from what is known of an index in the vector. Terms that no point has are
    /// to come as the highest there can be ([`idf`] of 0 points).
    pub fn by(query: &Query, of: impl Fn(u32) -> f32) -> Self {
        Self(query.terms.iter().map(|term| of(term.index)).collect())
    }

    /// Of the term at a position in [`Query::terms`]; 0 when nothing is known of it.
    pub fn of(&self, term: usize) -> f32 {
        self.0.get(term).copied().unwrap_or(0.0)
    }
}

/// The IDF of a term that `containing` of `points` have, as Qdrant computes it.
// Counts of points are far below 2^52.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
pub fn idf(points: u64, containing: u64) -> f32 {
    let (points, containing) = (points as f64, containing.min(points) as f64);
    ((points - containing + 0.5) / (containing + 0.5)).ln_1p() as f32
}

/// What a passage that has each of the question's terms once, at average length, would score.
pub fn total(query: &Query, idf: &Idf) -> f32 {
    query.terms.iter().enumerate().map(|(position, term)| idf.of(position) * term.weight).sum()
}

/// What the index scores a vector for a question.
pub fn score(query: &Query, idf: &Idf, document: &Sparse) -> f32 {
    let terms = query.terms.iter().enumerate();
    terms.map(|(at, term)| idf.of(at) * term.weight * document.get(term.index).unwrap_or(0.0)).sum()
}

/// How much of the question the best passage covers, 0 to about 1; 0 without passages.
pub fn coverage(ranked: &[Ranked]) -> f32 {
    ranked.iter().map(|ranked| ranked.coverage).fold(0.0, f32::max)
}

/// The words of the question that weigh most, as written, the weightiest first: those first that the passage
/// which covers most does not have. What a refusal says was looked for.
pub fn looked_for(query: &Query, idf: &Idf, ranked: &[Ranked], limit: usize) -> Vec<String> {
    let best = ranked.iter().max_by(|one, other| one.coverage.total_cmp(&other.coverage));
    let found = best.map_or(0, |best| best.found);
    let mut words: Vec<_> = query.words.iter().enumerate().collect();
    words.sort_by(|&(one, first), &(other, second)| {
        let missing = |word: usize| (found >> word) & 1;
        let weight = |term: usize| idf.of(term);
        missing(one).cmp(&missing(other)).then(weight(second.term).total_cmp(&weight(first.term)))
    });
    words.into_iter().take(limit).map(|(_, word)| word.shown.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::query;

    #[test]
    #[allow(clippy::float_cmp)]
    fn a_term_that_nothing_has_weighs_most() {
        assert!(idf(100, 0) > idf(100, 1) && idf(100, 1) > idf(100, 100));
        assert!(idf(100, 100) > 0.0);
        assert_eq!(idf(0, 0), std::f32::consts::LN_2);
    }

    #[test]
    fn a_refusal_names_what_is_missing_before_what_is_there() {
        let query = query("Who won the Football world Cup?");
        let idf = Idf(query.terms.iter().map(|term| if term.shown == "world" { 1.0 } else { 3.0 }).collect());
        let ranked = Ranked { candidate: 0, score: 0.2, coverage: 0.2, found: 0b0010 };
        assert_eq!(looked_for(&query, &idf, &[ranked], 3), ["won", "Cup", "world"]);
        assert_eq!(looked_for(&query, &idf, &[], 2), ["won", "Football"]);
        assert!(looked_for(&Query::default(), &Idf::default(), &[], 3).is_empty());
    }
}
