//! One pass over the text of a candidate: where the question's words are.

use std::collections::HashMap;

use super::{Candidate, likeness::likeness};
use crate::{
    analyser::{Beginning, Query, beginning, written},
    coverage::Idf,
};

/// Words between which neighbours in the question may stand in a passage.
const NEAR: usize = 8;
/// What neighbours in the wrong order count.
const REVERSED: f32 = 0.7;
/// What the nearest heading (the title, where there is none) counts against the first sentence of the text.
/// In full would cost docheads 0.3 points, where the nearest is always the heading of the section around.
const HEADED: f32 = 0.7;
/// Positions left free between title, headings and text, so that nothing is a neighbour across them.
const APART: usize = 50;

/// What was found in a passage, in shares of the question's IDF, 0 to 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passage {
    /// Of the words in its best sentence.
    pub(super) sentence: f32,
    /// Of the words in its first sentence, or in its nearest heading if that has more.
    pub(super) first: f32,
    /// Of the pairs of neighbours, by how near they are.
    pub(super) pairs: f32,
    /// Which words it has at all.
    pub(super) found: u64,
}

/// The IDF of the words in sentences.
#[derive(Debug, Clone, Copy, Default)]
struct Sentences {
    best: f32,
    first: f32,
}

impl Sentences {
    fn add(&mut self, sentence: f32, first: bool) {
        self.best = self.best.max(sentence);
        if first {
            self.first = sentence;
        }
    }
}

/// Reads the candidates of one question.
pub(super) struct Reader<'query> {
    query: &'query Query,
    /// For each word: the IDF of its stem, the beginning it is recognised by.
    words: Vec<(f32, Beginning)>,
    total: f32,
    /// Tokens that begin like a word of the question, and how alike they are to which.
    known: HashMap<String, Vec<(usize, f32)>>,
    /// For each word: where it is in the passage, how alike.
    places: Vec<Vec<(usize, f32)>>,
    /// For each word: the most alike in this sentence.
    sentence: Vec<f32>,
}

impl<'query> Reader<'query> {
    pub(super) fn new(query: &'query Query, idf: &Idf) -> Self {
        let words: Vec<_> =
            query.words.iter().map(|word| (idf.of(word.term), beginning(&word.folded))).collect();
        Self {
            query,
            total: words.iter().map(|&(idf, _)| idf).sum::<f32>().max(f32::MIN_POSITIVE),
            known: HashMap::new(),
            places: vec![Vec::new(); words.len()],
            sentence: vec![0.0; words.len()],
            words,
        }
    }

    pub(super) fn read(&mut self, candidate: &Candidate<'_>) -> Passage {
        self.places.iter_mut().for_each(Vec::clear);
        let mut position = 0;
        let mut heading = 0.0f32;
        for field in std::iter::once(candidate.title).chain(candidate.heading.iter().map(String::as_str)) {
            heading = HEADED * self.field(field, &mut position).best;
            position += APART;
        }
        let Sentences { best, first } = self.field(candidate.text, &mut position);
        let found = self.places.iter().enumerate().filter(|(_, places)| !places.is_empty());
        let found = found.fold(0, |found, (word, _)| found | (1 << word));
        let pairs = self.pairs() / self.total;
        Passage { sentence: best / self.total, first: first.max(heading) / self.total, pairs, found }
    }

    /// Notes the places of the words in a field, and what its sentences have.
    fn field(&mut self, text: &str, position: &mut usize) -> Sentences {
        let mut sentences = Sentences::default();
        let mut first = true;
        let mut end = None;
        self.sentence.fill(0.0);
        for token in written(text) {
            let key = token.beginning();
            if key == Beginning::default() {
                continue;
            }
            if end.is_some_and(|end| parts_sentences(&text[end..token.start])) {
                sentences.add(self.sentence_idf(), first);
                self.sentence.fill(0.0);
                first = false;
            }
            end = Some(token.end);
            *position += 1;
            if !self.words.iter().any(|&(_, beginning)| beginning == key) {
                continue;
            }
            let folded = token.folded();
            if !self.known.contains_key(&*folded) {
                let alike = self.alike(&folded, key);
                self.known.insert(folded.clone().into_owned(), alike);
            }
            for &(word, alike) in &self.known[&*folded] {
                self.places[word].push((*position, alike));
                self.sentence[word] = self.sentence[word].max(alike);
            }
        }
        sentences.add(self.sentence_idf(), first);
        sentences
    }

    fn alike(&self, token: &str, key: Beginning) -> Vec<(usize, f32)> {
        let words = self.words.iter().zip(&self.query.words).enumerate();
        words
            .filter(|(_, ((_, beginning), _))| *beginning == key)
            .map(|(position, (_, word))| (position, likeness(word, token)))
            .filter(|&(_, alike)| alike > 0.0)
            .collect()
    }

    fn sentence_idf(&self) -> f32 {
        self.words.iter().zip(&self.sentence).map(|(&(idf, _), alike)| idf * alike).sum()
    }

    /// The IDF of the question's neighbours that are near each other here.
    fn pairs(&self) -> f32 {
        let neighbours = self.query.order.windows(2).filter(|pair| pair[0] != pair[1]);
        neighbours
            .map(|pair| {
                let idf = f32::midpoint(self.words[pair[0]].0, self.words[pair[1]].0);
                idf * nearest(&self.places[pair[0]], &self.places[pair[1]])
            })
            .sum()
    }
}

/// How near two words come to each other: 1 side by side in this order and equal to what was asked.
fn nearest(first: &[(usize, f32)], second: &[(usize, f32)]) -> f32 {
    let mut best = 0.0f32;
    for &(place, alike) in first {
        let from = second.partition_point(|&(other, _)| other + NEAR < place);
        for &(other, other_alike) in second[from..].iter().take_while(|&&(other, _)| other <= place + NEAR) {
            let distance = other.abs_diff(place);
            if distance == 0 {
                continue;
            }
            let order = if other > place { 1.0 } else { REVERSED };
            // At most NEAR.
            #[allow(clippy::cast_precision_loss)]
            let near = order / distance as f32;
            best = best.max(alike * other_alike * near);
        }
    }
    best
}

/// Whether a sentence ends in what stands between two words.
fn parts_sentences(between: &str) -> bool {
    between.contains('\n')
        || between.char_indices().any(|(at, c)| {
            matches!(c, '.' | '!' | '?' | '…')
                && between[at + c.len_utf8()..].starts_with(char::is_whitespace)
        })
}
