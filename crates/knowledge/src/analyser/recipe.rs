//! Every constant of the lexical recipe, in one place, and what was tried before it was chosen.
//!
//! Mean nDCG@10 over xquad en and ru, danetqa, docheads en and ru, squad2 (6,928 answerable questions), exact
//! BM25, IDF as Qdrant computes it. Each row was compared with the best one known when it was tried. The
//! choice was made with all questions in sight; the two halves of them were looked at side by side, so they
//! show that a gain is not an accident of some questions, not what it is on new ones. Differences below 0.3
//! are noise.
//!
//! | tried | mean | postings, xquad en / ru |
//! |---|---|---|
//! | stems alone, all words | 78.4 | 79 / 83 |
//! | the plain recipe: stems, 4-letter prefixes of words from 5 letters, all words | 79.4–79.5 | 125 / 140 |
//! | prefixes of words of 4 letters too; no prefixes of function words | 80.2 | 129 / 142 |
//! | function words left out; prefixes of words of 3 letters too | 80.4 | 112 / 130 |
//! | **fewer function words, parts of `camelCase` words, ASCII prefixes of 5** | **80.45** | 119 / 131 |
//! | the same with function words | 80.1 | 147 / 154 |
//! | prefixes of 5 letters everywhere (Russian loses 2 points on danetqa) | 79.8 | 131 / 145 |
//! | prefix of half a word; of 5 letters in words from 7 or 8 letters | 79.7–79.9 | 119 / 134 |
//! | prefixes of stems instead of words | 80.0 | 129 / 136 |
//! | prefixes with 0.5 or 0.7 of the weight (better in English, worse in Russian) | 80.2–80.3 | 117 / 131 |
//! | also prefixes of 6, inner 4-grams, surface forms | 79.8–80.3 | 131–147 / 161–190 |
//! | title and headings twice, 1.5 times, 0.7 times | −0.2, −0.1, ±0 | |
//! | length counted in distinct terms | 79.7 | |
//! | a constant added to every document weight (BM25+) | 80.0–80.2 | |
//! | `k1` 0.6 to 1.2, `b` 0.5 to 0.75, average 60 to 100 | 80.1–80.4 | |
//! | function words of the question at 0.3 or 0.5 of their weight | ±0.1 | |
//! | feedback from the best 2 to 5 passages (RM3), 10 or 20 terms | 79.4–80.0 | |
//!
//! By set (plain → this): xquad en 97.5 → 97.7, ru 95.4 → 96.1; danetqa 77.4 → 79.7; docheads en 56.0 → 57.5,
//! ru 60.6 → 61.5; squad2 89.5 → 90.2.
//!
//! What the texts of the candidates add on top of this is in [`crate::rerank`]: another 2 points.

/// Names the recipe. Vectors made by another version are not comparable: a reindex follows a change.
pub const VERSION: &str = "lexical-1";

/// BM25's saturation of repeated words.
pub(super) const K1: f32 = 1.0;
/// BM25's normalisation by length, 0 (none) to 1 (full).
pub(super) const B: f32 = 0.6;
/// The average length of a chunk in indexed words, constant, so that a chunk's vector never depends on
/// others.
pub(super) const AVERAGE_LENGTH: f32 = 70.0;

/// Words of fewer characters have no prefix term. A word of 3 or 4 characters is its own prefix: it counts
/// twice, as longer words do that occur as they are asked for.
pub(super) const PREFIX_FROM: usize = 3;
/// Characters of a prefix term of a word in ASCII.
pub(super) const PREFIX_ASCII: usize = 5;
/// Characters of a prefix term of any other word.
pub(super) const PREFIX_OTHER: usize = 4;
/// Marks a prefix term, so that it never equals a word.
pub(super) const PREFIX_MARK: u8 = b'^';

/// What an occurrence as a part of a `camelCase` word counts, against 1 for a word of its own.
pub(super) const PART: f32 = 0.7;
/// Shorter parts of a `camelCase` word are not indexed.
pub(super) const PART_FROM: usize = 3;
