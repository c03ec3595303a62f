//! How well a passage supports a sentence.
//!
//! The score is the share of the sentence's words, weighed by rarity, that stand near each other in the passage. What
//! must be literally true has no share: one number, date, name, identifier, link or negation that the passage does
//! not have, and there is no support.

use std::collections::HashSet;

use contract::Language;
use knowledge::analyser::{self, stem};

use super::Why;
use super::evidence::{Evidence, Found};
use super::facts::{self, Facts};
use super::measure::Measure;
use super::polarity::{self, Clause};

/// Sentences that a claim may put together: what an answer sums up stands close.
const NEAR: usize = 3;
/// Words of a claim that are looked at together; a longer one is looked at in parts, and the worst counts.
const TOGETHER: usize = 48;

/// A sentence of an answer.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) text: String,
    language: Option<Language>,
    /// Stems with their weights, each once.
    words: Vec<(String, f32)>,
    pub(super) facts: Facts,
    clauses: Vec<Clause>,
}

impl Claim {
    pub(super) fn new(text: &str, idf: &dyn Fn(&str) -> f32) -> Self {
        let mut words: Vec<(String, f32)> = Vec::new();
        let mut seen = HashSet::new();
        let facts = facts::facts(text);
        // A link is compared as a whole.
        let spoken: Vec<&str> = text.split_whitespace().filter(|word| facts::link(word).is_none()).collect();
        let spoken = spoken.join(" ");
        for token in analyser::tokens(&spoken).filter(|token| !analyser::is_function_word(&token.folded)) {
            let stem = stem(&token.folded).into_owned();
            if seen.insert(stem.clone()) {
                let weight = idf(&stem);
                words.push((stem, if weight.is_finite() { weight.max(0.0) } else { 0.0 }));
            }
        }
        Self {
            text: text.to_owned(),
            // Of what is spoken: an address in it says nothing.
            language: Language::script_of(&spoken),
            words,
            facts,
            clauses: polarity::clauses(text),
        }
    }

    /// Words that say something.
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    fn stems(&self) -> HashSet<String> {
        self.words.iter().map(|(word, _)| word.clone()).collect()
    }
}

/// What a passage has for a claim.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Support {
    /// 0 to 1; of the words that can be compared at all, where the languages differ.
    pub(super) score: f32,
    /// What is wrong whatever the score.
    pub(super) wrong: Option<Why>,
    /// Passage and claim are in different languages.
    pub(super) cross: bool,
    /// Something was literally the same: a fact, or a word of both languages.
    pub(super) anchored: bool,
}

pub(super) fn support(claim: &Claim, evidence: &Evidence) -> Support {
    let cross = claim.language.is_some_and(|language| language != evidence.language);
    let found: Vec<(Found, f32)> =
        claim.words.iter().map(|(word, weight)| (evidence.find(word), *weight)).collect();
    let mut score = 1.0f32;
    let mut window = (0, 0);
    for part in found.chunks(TOGETHER) {
        let (share, at) = best_window(part, evidence.sources.len());
        if share <= score {
            (score, window) = (share, at);
        }
    }
    // A link that is there is worth a word of the claim; one that is not is wrong anyway.
    #[expect(clippy::cast_precision_loss, reason = "words of a sentence")]
    let (links, words) = (claim.facts.links.len() as f32, found.len() as f32);
    score = if found.is_empty() { links.min(1.0) } else { (score * words + links) / (words + links) };
    let mut wrong = literally(claim, evidence, cross);
    if wrong.is_none() && !cross {
        wrong = contrary(claim, evidence, window);
    }
    let met = found.iter().any(|(found, _)| *found != Found::Nowhere)
        || claim.words.iter().any(|(word, _)| evidence.names(word, true));
    Support { score, wrong, cross, anchored: wrong.is_none() && met }
}

/// The share of the words' weight that the best stretch of sentences has, and that stretch.
fn best_window(words: &[(Found, f32)], sentences: usize) -> (f32, (usize, usize)) {
    let total: f32 = words.iter().map(|(_, weight)| weight).sum();
    if total <= 0.0 {
        return (0.0, (0, 0));
    }
    let above: f32 = words.iter().filter(|(found, _)| *found == Found::Above).map(|(_, weight)| weight).sum();
    let mut held: Vec<u64> = vec![0; sentences.max(1)];
    for (bit, (found, _)) in words.iter().enumerate() {
        if let Found::In(places, _) = found {
            for &place in places {
                held[place] |= 1 << bit;
            }
        }
    }
    let weight = |mask: u64| -> f32 {
        let kept = words.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
        kept.map(|(_, (found, weight))| if let Found::In(_, share) = found { weight * share } else { 0.0 })
            .sum()
    };
    let mut best = (0.0, (0, 0));
    for first in 0..held.len() {
        let last = (first + NEAR).min(held.len());
        let here = weight(held[first..last].iter().fold(0, |all, one| all | one));
        if here > best.0 {
            best = (here, (first, last));
        }
    }
    (((best.0 + above) / total).min(1.0), best.1)
}

/// The first fact that the passage does not have.
fn literally(claim: &Claim, evidence: &Evidence, cross: bool) -> Option<Why> {
    let facts = &claim.facts;
    if facts.links.iter().any(|link| !evidence.has_link(link)) {
        return Some(Why::Link);
    }
    if facts.literals.iter().any(|literal| !evidence.has(literal)) {
        return Some(Why::Literal);
    }
    if facts.measures.iter().any(|measure| !is_measured(claim, measure, evidence, cross))
        || facts.months.iter().any(|&month| !evidence.has_month(month))
    {
        return Some(Why::Number);
    }
    // Names of the claim's own script are translated, or spelt otherwise, across languages.
    let comparable = |name: &&String| !cross || name.is_ascii();
    if facts.names.iter().filter(comparable).any(|name| !evidence.names(name, cross)) {
        return Some(Why::Name);
    }
    None
}

/// Whether a number is in the passage, and is not that of something else: no sentence with another number of the same
/// unit has more of the claim than those that have this one.
fn is_measured(claim: &Claim, measure: &Measure, evidence: &Evidence, cross: bool) -> bool {
    let Some(places) = evidence.measured(measure) else { return false };
    if cross || places.is_empty() {
        return true;
    }
    // Words: that a sentence has the number is known.
    let mut stems = claim.stems();
    stems.retain(|word| !word.contains(|c: char| c.is_ascii_digit()));
    let shared = |at: usize| evidence.sources[at].words.intersection(&stems).count();
    let own = places.iter().copied().map(shared).max().unwrap_or(0);
    let claimed = |known: &Measure| claim.facts.measures.iter().any(|said| said.value == known.value);
    let rival = |&at: &usize| {
        let alike = |known: &&Measure| known.unit == measure.unit;
        let measures = &evidence.sources[at].measures;
        measures.iter().any(|known| alike(&known)) && !measures.iter().any(claimed)
    };
    let best = (0..evidence.sources.len()).filter(rival).map(shared).max().unwrap_or(0);
    best <= own
}

/// Whether the passage says the contrary.
fn contrary(claim: &Claim, evidence: &Evidence, window: (usize, usize)) -> Option<Why> {
    let clauses: Vec<&[Clause]> = evidence.sources.iter().map(|source| source.clauses.as_slice()).collect();
    if polarity::contradicts(&claim.clauses, &clauses) {
        return Some(Why::Contrary);
    }
    let near: HashSet<String> = evidence
        .sources
        .get(window.0..window.1)
        .into_iter()
        .flatten()
        .flat_map(|source| source.words.iter().cloned())
        .collect();
    let negative = claim.clauses.iter().any(|clause| clause.negative);
    let denied = evidence.sources.get(window.0..window.1).into_iter().flatten();
    let denied = denied.flat_map(|source| &source.clauses).any(|clause| clause.negative);
    (!negative && !denied && polarity::reverses(&claim.stems(), &near)).then_some(Why::Contrary)
}
