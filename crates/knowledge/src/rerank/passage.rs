//! One pass over the words of a candidate: where the question's are.

use std::collections::HashMap;

use super::{
    Candidate,
    likeness::likeness,
    reading::{Mark, key},
};
use crate::{
    analyser::{Beginning, Query, beginning},
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
pub(super) struct Reader<'query, 'text> {
    query: &'query Query,
    /// For each word: the IDF of its stem, the beginning it is recognised by.
    words: Vec<(f32, Beginning)>,
    /// Of these beginnings.
    keys: Vec<u16>,
    total: f32,
    /// Words as they are written that begin like one of the question's, and how alike they are to which.
    known: HashMap<&'text str, Vec<(usize, f32)>>,
    /// For each word: where it is in the passage, how alike.
    places: Vec<Vec<(usize, f32)>>,
    /// For each word: the most alike in this sentence.
    sentence: Vec<f32>,
}

impl<'query, 'text> Reader<'query, 'text> {
    pub(super) fn new(query: &'query Query, idf: &Idf) -> Self {
        let words: Vec<_> =
            query.words.iter().map(|word| (idf.of(word.term), beginning(&word.folded))).collect();
        Self {
            query,
            total: words.iter().map(|&(idf, _)| idf).sum::<f32>().max(f32::MIN_POSITIVE),
            keys: words.iter().map(|&(_, beginning)| key(beginning)).collect(),
            known: HashMap::new(),
            places: vec![Vec::new(); words.len()],
            sentence: vec![0.0; words.len()],
            words,
        }
    }

    pub(super) fn read(&mut self, candidate: &Candidate<'text>) -> Passage {
        self.places.iter_mut().for_each(Vec::clear);
        let mut position = 0;
        let mut heading = 0.0f32;
        let mut text = Sentences::default();
        let above = std::iter::once(candidate.title).chain(candidate.heading.iter().map(String::as_str));
        let mut marks = candidate.reading.fields.iter();
        for (field, marks) in above.zip(&mut marks) {
            heading = HEADED * self.field(field, marks, &mut position).best;
            position += APART;
        }
        if let Some(marks) = marks.next() {
            text = self.field(candidate.text, marks, &mut position);
        }
        let found = self.places.iter().enumerate().filter(|(_, places)| !places.is_empty());
        let found = found.fold(0, |found, (word, _)| found | (1 << word));
        let pairs = self.pairs() / self.total;
        let first = text.first.max(heading) / self.total;
        Passage { sentence: text.best / self.total, first, pairs, found }
    }

    /// Notes the places of the words in a field, and what its sentences have.
    fn field(&mut self, text: &'text str, marks: &[Mark], position: &mut usize) -> Sentences {
        let mut sentences = Sentences::default();
        let mut first = true;
        self.sentence.fill(0.0);
        for mark in marks {
            if mark.opens {
                sentences.add(self.sentence_idf(), first);
                self.sentence.fill(0.0);
                first = false;
            }
            *position += 1;
            if !self.keys.contains(&mark.key) {
                continue;
            }
            let Some(token) = mark.word(text) else { continue };
            let alike = if let Some(alike) = self.known.get(token.text) {
                alike
            } else {
                let alike = self.alike(&token.folded());
                self.known.entry(token.text).or_insert(alike)
            };
            for &(word, alike) in alike {
                self.places[word].push((*position, alike));
                self.sentence[word] = self.sentence[word].max(alike);
            }
        }
        sentences.add(self.sentence_idf(), first);
        sentences
    }

    fn alike(&self, token: &str) -> Vec<(usize, f32)> {
        let begins = beginning(token);
        let words = self.words.iter().zip(&self.query.words).enumerate();
        words
            .filter(|(_, ((_, beginning), _))| *beginning == begins)
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
