//! Questions that a knowledge base asks itself, whose answers are known: its headings, and sentences of its texts.
//!
//! A **heading** is asked where the sections under it (for a title, the whole document) have it taken away. A
//! **sentence** is asked where the chunk around it has it taken away (the inverse cloze task; Lee, Chang, Toutanova
//! 2019): many texts have no headings, and sentences come in every language that the texts are in.

use std::collections::{HashMap, HashSet};

use contract::{ChunkId, DocumentId, Language};
use knowledge::analyser;
use knowledge::sentences::sentences;
use store::passages::Passage;

/// Words that a heading must have beside function words. One word ("Overview") is no question.
const WORDS: usize = 2;

/// A heading of more documents than this says what kind of section it is ("Before you begin"), not what it
/// is about.
const DOCUMENTS: usize = 2;

/// Words that a sentence must have beside function words, and may have: as questions have.
const SENTENCE: std::ops::RangeInclusive<usize> = 4..=16;

/// Sentences that a chunk must have: enough is left when one is taken away.
const SENTENCES: usize = 3;

/// A question, and what it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Probe {
    pub(super) text: String,
    pub(super) document: DocumentId,
    pub(super) from: From,
}

/// Where a probe comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    Heading,
    /// From this chunk.
    Sentence(ChunkId),
}

impl Probe {
    pub(super) fn language(&self) -> Language {
        Language::of(&self.text)
    }

    pub(super) fn is_heading(&self) -> bool {
        self.from == From::Heading
    }

    /// A passage as it would be without the probe in it; `None`: it has it not, or is not where it comes from.
    pub(super) fn taken_from(&self, passage: &Passage) -> Option<Passage> {
        let mut bare = passage.clone();
        match self.from {
            From::Heading if passage.document == self.document => {
                bare.heading.retain(|above| *above != self.text);
                if bare.title == self.text {
                    bare.title.clear();
                }
            }
            From::Sentence(chunk) if passage.chunk == chunk => {
                bare.text = passage.text.replacen(&self.text, "", 1);
            }
            _ => {}
        }
        (bare != *passage).then_some(bare)
    }

    /// Whether a passage of another document answers it just as well: it stands under the same heading.
    pub(super) fn is_answered_by(&self, passage: &Passage) -> bool {
        let folded = self.text.to_lowercase();
        self.is_heading()
            && passage.heading.iter().chain([&passage.title]).any(|above| above.to_lowercase() == folded)
    }
}

/// At most so many headings that could be questions, each text once: of the deepest heading of each chunk, or of
/// the title where there is none.
pub(super) fn headings(sample: &[Passage], limit: usize) -> Vec<Probe> {
    let text = |passage: &Passage| passage.heading.last().unwrap_or(&passage.title).clone();
    let mut of: HashMap<String, HashSet<DocumentId>> = HashMap::new();
    for passage in sample {
        of.entry(text(passage).to_lowercase()).or_default().insert(passage.document);
    }
    let mut asked = HashSet::new();
    sample
        .iter()
        .map(|passage| Probe { text: text(passage), document: passage.document, from: From::Heading })
        .filter(|heading| {
            let folded = heading.text.to_lowercase();
            of.get(&folded).is_some_and(|documents| documents.len() <= DOCUMENTS)
                && analyser::query(&heading.text).words.len() >= WORDS
                && asked.insert(folded)
        })
        .take(limit)
        .collect()
}

/// At most so many sentences of each language that could be questions, one a chunk.
pub(super) fn held_out(sample: &[Passage], limit: usize) -> Vec<Probe> {
    let mut counts: HashMap<Language, usize> = HashMap::new();
    let mut asked = HashSet::new();
    sample
        .iter()
        .filter_map(|passage| {
            let all = sentences(&passage.text);
            if all.len() < SENTENCES {
                return None;
            }
            // From the middle of the passage: the first sentence names what the others speak of.
            let middle = all.len() / 2;
            let chosen =
                all[middle..].iter().chain(&all[1..middle]).map(|range| &passage.text[range.clone()]);
            let text = chosen.into_iter().find(|text| is_prose(text))?.to_owned();
            let probe = Probe { text, document: passage.document, from: From::Sentence(passage.chunk) };
            let count = counts.entry(probe.language()).or_default();
            *count += usize::from(*count < limit && asked.insert(probe.text.clone()));
            (*count <= limit && asked.contains(&probe.text)).then_some(probe)
        })
        .collect()
}

/// Whether a sentence is one that somebody might say, and no row of a table or piece of code.
pub(super) fn is_prose(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic() || c.is_whitespace()).count();
    !text.contains('\n')
        && 10 * letters >= 9 * text.chars().count()
        && SENTENCE.contains(&analyser::query(text).words.len())
}
