//! The order of the best passages, once their texts are at hand, and how much of the question each covers.
//!
//! The index knows which words a passage has, not where. The ledger gives the texts of the candidates anyway,
//! so the second look costs no memory and no further call: whether one sentence holds the question's words,
//! whether neighbours in the question are neighbours in the passage, whether its first sentence or heading is
//! about it, and whether other passages of the same document match as well. Words are compared softly: equal
//! stems count 1, a common beginning less.
//!
//! nDCG@10 over the best 30 of the index, mean of six sets (see `analyser/recipe.rs`):
//!
//! | evidence | mean |
//! |---|---|
//! | the order of the index | 80.4 |
//! | + best sentence; or pairs; or the best passage of the document | 81.1; 81.0; 80.8 |
//! | + best sentence, pairs, best passage of the document | 81.7 |
//! | **+ first sentence** (sections begin with what they are about; docheads gains 2 points) | **82.5** |
//! | besides: share of words found anywhere, two sentences together, exact phrases | −0.2 to ±0 |
//! | besides: title and headings; how many of the document's passages match; 50 candidates | ±0 |
//!
//! Weights fitted on one half of the questions alone gain the same on the other: 80.6 → 82.6, and 80.2 → 82.2
//! the other way round; those below are near both. By set, index → reranked: xquad en 97.7 → 98.2, ru 96.1 →
//! 96.8; danetqa 79.7 → 80.4; docheads en 57.5 → 62.1, ru 61.5 → 65.3; squad2 90.2 → 92.2.

mod likeness;
mod passage;
mod reading;

use std::collections::HashMap;

use crate::{
    analyser::Query,
    coverage::{Idf, total},
};

pub use reading::Reading;

/// How many of the index's hits are worth fetching and ordering again.
pub const CANDIDATES: usize = 30;

// What each kind of evidence weighs, against 1 for the score of the index. The optimum is flat: half or twice
// of any of them costs 0.06 to 0.34 points.
const SENTENCE: f32 = 0.8;
const FIRST: f32 = 0.4;
const PAIRS: f32 = 0.4;
const DOCUMENT: f32 = 0.8;

/// A hit of the index with its text.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'text> {
    /// As the index gave it: Σ idf · question's weight · chunk's weight.
    pub score: f32,
    pub title: &'text str,
    pub heading: &'text [String],
    pub text: &'text str,
    /// Of these three.
    pub reading: &'text Reading,
}

/// A candidate in its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Which of the candidates it is.
    pub candidate: usize,
    /// What the order is by; 0 is no match, about 1 a passage that says what is asked in its first sentence.
    pub score: f32,
    /// How much of the question this passage covers: 0 is nothing, about 1 is everything in one sentence.
    /// Comparable between questions and between knowledge bases.
    pub coverage: f32,
    /// Which of [`Query::words`] it has, softly: bit 0 is the first.
    pub found: u64,
}

/// The candidates, best first; of equals the one that the index put first.
///
/// `idf` answers for each of [`Query::terms`], in their order.
pub fn rerank(query: &Query, idf: &Idf, candidates: &[Candidate<'_>]) -> Vec<Ranked> {
    let total = total(query, idf);
    if total <= 0.0 {
        return Vec::new();
    }
    let mut best_of_document: HashMap<&str, f32> = HashMap::new();
    for candidate in candidates.iter().filter(|candidate| !candidate.title.is_empty()) {
        let best = best_of_document.entry(candidate.title).or_default();
        *best = best.max(candidate.score / total);
    }
    let mut reader = passage::Reader::new(query, idf);
    let mut ranked: Vec<Ranked> = candidates
        .iter()
        .enumerate()
        .map(|(position, candidate)| {
            let index = candidate.score / total;
            let document = best_of_document.get(candidate.title).copied().unwrap_or(index);
            let passage = reader.read(candidate);
            let own = index + SENTENCE * passage.sentence + PAIRS * passage.pairs;
            Ranked {
                candidate: position,
                score: (own + FIRST * passage.first + DOCUMENT * document)
                    / (1.0 + SENTENCE + PAIRS + FIRST + DOCUMENT),
                coverage: own / (1.0 + SENTENCE + PAIRS),
                found: passage.found,
            }
        })
        .collect();
    ranked.sort_by(|one, other| other.score.total_cmp(&one.score));
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::query;

    fn order(question: &str, texts: &[(&str, &str)]) -> Vec<usize> {
        let query = query(question);
        let idf = Idf(vec![2.0; query.terms.len()]);
        let readings: Vec<_> = texts.iter().map(|(title, text)| Reading::of(title, &[], text)).collect();
        let candidates: Vec<_> = texts
            .iter()
            .zip(&readings)
            .map(|(&(title, text), reading)| Candidate { score: 5.0, title, heading: &[], text, reading })
            .collect();
        rerank(&query, &idf, &candidates).into_iter().map(|ranked| ranked.candidate).collect()
    }

    #[test]
    fn words_in_one_sentence_come_before_the_same_words_apart() {
        let apart = ("", "Reset the router first. Elsewhere you will need a password.");
        let together = ("", "Elsewhere you will find it. To reset a password, write to us.");
        assert_eq!(order("reset password", &[apart, together]), [1, 0]);
    }

    #[test]
    fn neighbours_in_the_question_are_sought_as_neighbours() {
        let far = ("", "The port that you open for the database is not a forwarding one here");
        let near = ("", "The database is not here a one that opens for you: port forwarding");
        assert_eq!(order("port forwarding", &[far, near]), [1, 0]);
    }

    #[test]
    fn equals_keep_the_order_of_the_index() {
        let same = ("", "password");
        assert_eq!(order("password", &[same, same, same]), [0, 1, 2]);
    }

    #[test]
    fn coverage_is_of_the_passage_and_says_which_words_it_has() {
        let query = query("Как сменить пароль администратора?");
        let idf = Idf(vec![2.0; query.terms.len()]);
        let text = "Смените пароль в настройках.";
        let reading = Reading::of("", &[], text);
        let candidate = Candidate { score: 6.0, title: "", heading: &[], text, reading: &reading };
        let ranked = rerank(&query, &idf, &[candidate]);
        assert_eq!(ranked[0].found, 0b011);
        assert!(ranked[0].coverage > 0.3 && ranked[0].coverage < 0.9, "{}", ranked[0].coverage);
    }

    #[test]
    fn an_empty_question_ranks_nothing() {
        let reading = Reading::of("", &[], "text");
        let candidate = Candidate { score: 1.0, title: "", heading: &[], text: "text", reading: &reading };
        assert_eq!(rerank(&Query::default(), &Idf::default(), &[candidate]), []);
    }
}
