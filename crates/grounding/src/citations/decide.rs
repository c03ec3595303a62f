//! Which passages support a sentence, if any do.

use std::collections::HashMap;

use super::evidence::Evidence;
use super::frame;
use super::injection;
use super::refusal;
use super::support::{Claim, Support, support};
use super::{Meaning, Why};
use crate::Passage;

/// The share of a sentence's weight that must stand together in a passage.
///
/// Measured by `fixtures.rs`: 64 pairs of support's own kind (32 a language), and the words of 565 questions of `XQuAD` a
/// language with the right answer, with one from elsewhere, with one from the same paragraph; kept, in %:
///
/// | threshold | pairs right | right en, ru | elsewhere en, ru | same paragraph en, ru |
/// |---|---|---|---|---|
/// | 0.45 | 64 of 64 | 88, 87 | 23, 25 | 83, 82 |
/// | **0.55** | 64 of 64 | 84, 79 | 15, 17 | 75, 71 |
/// | 0.65 | 63 of 64 | 73, 69 | 8, 9 | 63, 58 |
///
/// The pairs were written with the rules, so they show that these work, not how often. A question with its answer
/// behind it is harder to keep than a model's sentence, which mostly repeats its source. Words alone hardly see one
/// answer of a paragraph in the place of another: only where it is a number does it fall.
pub const THRESHOLD: f32 = 0.55;
/// From here on a passage that says the same in other words is enough.
pub const WEAK: f32 = 0.25;
/// Passages one sentence cites, at the most.
const CITED: usize = 3;

/// What a sentence is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Finding {
    /// States nothing.
    Frame,
    /// Begins a list of sources.
    Sources,
    Refusal,
    Supported {
        /// Indices of passages, the order of the model's where it cites them.
        passages: Vec<usize>,
        score: f32,
        /// Words of one language were compared with those of another; whether something said that they mean the same.
        cross: Option<bool>,
    },
    Wrong(Why),
}

/// Knows the passages.
#[derive(Debug)]
pub(super) struct Judge {
    evidence: Vec<Evidence>,
    /// What of each passage gives orders to a model: evidence for its own quotation alone.
    orders: Vec<Evidence>,
    /// Of stems in the sentences of the passages.
    rarity: HashMap<String, f32>,
    /// Of a stem that is in none.
    unknown: f32,
}

impl Judge {
    pub(super) fn new(passages: &[Passage<'_>]) -> Self {
        let evidence: Vec<Evidence> = passages.iter().map(|passage| Evidence::of(passage, false)).collect();
        let orders = passages.iter().map(|passage| Evidence::of(passage, true)).collect();
        let sources = || evidence.iter().flat_map(|evidence| &evidence.sources);
        let mut counts: HashMap<String, usize> = HashMap::new();
        for word in sources().flat_map(|source| &source.words) {
            *counts.entry(word.clone()).or_default() += 1;
        }
        let count = sources().count();
        let rarity = counts.into_iter().map(|(word, with)| (word, rarity(count, with))).collect();
        Self { evidence, orders, rarity, unknown: rarity_of_unknown(count) }
    }

    /// `cited`: numbers from 1, as the model wrote them; those of no passage are passed over.
    pub(super) fn find(&self, sentence: &str, cited: &[u32], meaning: Meaning<'_>) -> Finding {
        if frame::heads_sources(sentence) {
            return Finding::Sources;
        }
        if refusal::refuses(sentence) && !self.says(sentence, cited) {
            return Finding::Refusal;
        }
        let claim = self.claim(frame::without_step(sentence));
        if frame::is_frame(sentence, claim.len()) && self.is_harmless(&claim) {
            return Finding::Frame;
        }
        self.supported(&claim, sentence, cited, meaning)
    }

    /// The same for a block of code: its lines must be in a passage.
    pub(super) fn find_code(&self, block: &str) -> Finding {
        let lines: Vec<&str> = block
            .lines()
            .filter(|line| !line.trim_start().starts_with("```") && !line.trim_start().starts_with("~~~"))
            .filter(|line| line.contains(char::is_alphanumeric))
            .collect();
        if lines.is_empty() {
            return Finding::Frame;
        }
        let flat: Vec<String> = lines.iter().map(|line| super::facts::flat(line)).collect();
        let has = |evidence: &Evidence| flat.iter().all(|line| evidence.has(line));
        match self.evidence.iter().position(has) {
            Some(passage) => Finding::Supported { passages: vec![passage], score: 1.0, cross: None },
            None => Finding::Wrong(Why::Literal),
        }
    }

    fn supported(&self, claim: &Claim, sentence: &str, cited: &[u32], meaning: Meaning<'_>) -> Finding {
        let evidence = if injection::commands(sentence) { &self.orders } else { &self.evidence };
        let mut cited: Vec<usize> = cited
            .iter()
            .filter_map(|&number| usize::try_from(number).ok()?.checked_sub(1))
            .filter(|&passage| passage < evidence.len())
            .collect();
        cited.dedup();
        let found: Vec<Support> = evidence.iter().map(|evidence| support(claim, evidence)).collect();
        let order = in_order(&cited, &found);
        // What commands a model means nothing.
        let meaning: Meaning<'_> = if injection::commands(sentence) { &|_, _| None } else { meaning };
        let same = |passage: usize| meaning(&claim.text, passage) == Some(true);
        let says = |&passage: &usize| holds(&found[passage], || same(passage));
        let mut passages: Vec<usize> = cited.iter().copied().filter(says).take(CITED).collect();
        if passages.is_empty() {
            // Cited wrongly or not at all: the best one that does say it.
            passages.extend(order.iter().copied().find(says));
        }
        if passages.is_empty() {
            // Nothing speaks against it, and somebody has to say whether it is so.
            let open = |passage: &usize| found[*passage].cross && found[*passage].wrong.is_none();
            passages.extend(cited.iter().copied().filter(open).take(CITED));
            if passages.is_empty() {
                passages.extend(order.into_iter().find(|passage| open(passage) && found[*passage].anchored));
            }
        }
        let Some(&first) = passages.first() else { return Finding::Wrong(reason(&cited, &found)) };
        let cross = found[first].cross.then(|| same(first));
        Finding::Supported { score: found[first].score, cross, passages }
    }

    fn claim(&self, sentence: &str) -> Claim {
        Claim::new(sentence, &|stem: &str| self.rarity.get(stem).copied().unwrap_or(self.unknown))
    }

    /// Whether what sounds like a refusal is a statement of a passage, word for word.
    fn says(&self, sentence: &str, cited: &[u32]) -> bool {
        let claim = self.claim(sentence);
        claim.len() > 2
            && !cited.is_empty()
            && self.evidence.iter().any(|evidence| {
                let found = support(&claim, evidence);
                !found.cross && found.wrong.is_none() && found.score > 0.9
            })
    }

    /// Whether a frame claims nothing by the way: its links, numbers and names are in some passage.
    fn is_harmless(&self, claim: &Claim) -> bool {
        let facts = &claim.facts;
        let plain = facts.links.is_empty()
            && facts.literals.is_empty()
            && facts.measures.is_empty()
            && facts.months.is_empty()
            && facts.names.is_empty();
        plain || self.evidence.iter().any(|evidence| support(claim, evidence).wrong.is_none())
    }
}

/// The passages: those that are cited first, then the others, the best first.
fn in_order(cited: &[usize], found: &[Support]) -> Vec<usize> {
    let mut others: Vec<usize> = (0..found.len()).filter(|passage| !cited.contains(passage)).collect();
    others.sort_by(|one, other| found[*other].score.total_cmp(&found[*one].score));
    cited.iter().copied().chain(others).collect()
}

/// Whether a passage supports a sentence; whether it means the same is asked only where words do not say.
fn holds(found: &Support, same: impl Fn() -> bool) -> bool {
    let by_words = !found.cross && found.score >= THRESHOLD;
    let comparable = found.cross || found.score >= WEAK;
    found.wrong.is_none() && (by_words || (comparable && same()))
}

/// Why a sentence has no support: what is wrong with the passage that comes nearest.
fn reason(cited: &[usize], found: &[Support]) -> Why {
    let near = |one: &&Support, other: &&Support| one.score.total_cmp(&other.score);
    let of_cited = cited.iter().filter_map(|&passage| found.get(passage)).max_by(near);
    let best = of_cited.or_else(|| found.iter().max_by(near));
    best.and_then(|support| support.wrong).unwrap_or(Why::Unsupported)
}

#[expect(clippy::cast_precision_loss, reason = "sentences of a few passages")]
fn rarity(count: usize, with: usize) -> f32 {
    (1.0 + (count as f32 + 1.0) / with as f32).ln()
}

fn rarity_of_unknown(count: usize) -> f32 {
    rarity(count, 1)
}
