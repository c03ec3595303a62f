//! A passage as claims are compared with it: its sentences, where each word and number stands in it.

use std::collections::{HashMap, HashSet};

use contract::Language;
use knowledge::analyser::{self, stem};
use knowledge::sentences::sentences;

use super::facts::{self, Facts};
use super::measure::Measure;
use super::polarity::{self, Clause};
use super::{cognate, injection};
use crate::{Passage, masking};

/// Letters that stems must share to count as one word (абонент, абонентский).
const ROOT: usize = 5;

/// A sentence of a passage.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) words: HashSet<String>,
    pub(super) clauses: Vec<Clause>,
    pub(super) measures: Vec<Measure>,
}

#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) language: Language,
    pub(super) sources: Vec<Source>,
    /// Words of the title and the headings: they are said of every sentence.
    above: HashSet<String>,
    /// Sentences that have a stem, by stem.
    places: HashMap<String, Vec<usize>>,
    /// Stems by their first letters.
    roots: HashMap<String, Vec<String>>,
    skeletons: HashSet<String>,
    months: HashSet<u8>,
    links: HashSet<String>,
    telephones: HashSet<String>,
    /// All of it, as [`facts::flat`].
    flat: String,
}

/// How a word of a claim is found in a passage.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    Nowhere,
    /// In the title or a heading.
    Above,
    /// In these sentences; the share of a full match.
    In(Vec<usize>, f32),
}

/// What a word of the same root counts.
const AKIN: f32 = 0.9;

impl Evidence {
    /// Sentences that command a model are left out, unless `quoting`: then they are all there is.
    pub(super) fn of(passage: &Passage<'_>, quoting: bool) -> Self {
        let above: Vec<&str> =
            std::iter::once(passage.title).chain(passage.heading.iter().map(String::as_str)).collect();
        let above = above.join("\n");
        let mut evidence = Self {
            language: Language::of(passage.text),
            sources: Vec::new(),
            above: stems(&above),
            places: HashMap::new(),
            roots: HashMap::new(),
            skeletons: HashSet::new(),
            months: HashSet::new(),
            links: facts::links(&above).chain(passage.url.and_then(facts::link)).collect(),
            telephones: HashSet::new(),
            flat: String::new(),
        };
        let mut kept = vec![above.as_str(), passage.url.unwrap_or_default()];
        for sentence in sentences_of(passage.text, quoting) {
            kept.push(sentence);
            evidence.add(sentence);
        }
        let kept = kept.join("\n");
        evidence.flat = facts::flat(&kept);
        let phones = masking::find(&kept).into_iter().filter(|span| span.kind == masking::Kind::Phone);
        evidence.telephones = phones.map(|span| span.normal).collect();
        for word in
            evidence.above.clone().into_iter().chain(evidence.places.keys().cloned().collect::<Vec<_>>())
        {
            evidence.skeletons.insert(cognate::skeleton(&word));
            if let Some(root) = root(&word) {
                evidence.roots.entry(root).or_default().push(word);
            }
        }
        evidence.skeletons.remove("");
        evidence
    }

    fn add(&mut self, text: &str) {
        let at = self.sources.len();
        let Facts { measures, months, links, .. } = facts::facts(text);
        let words = stems(text);
        for word in &words {
            self.places.entry(word.clone()).or_default().push(at);
        }
        self.months.extend(months);
        self.links.extend(links);
        self.links.extend(facts::links(text));
        let clauses = polarity::clauses(text);
        self.sources.push(Source { words, clauses, measures });
    }

    /// Where a stem is found.
    pub(super) fn find(&self, word: &str) -> Found {
        if let Some(places) = self.places.get(word) {
            return Found::In(places.clone(), 1.0);
        }
        if self.above.contains(word) {
            return Found::Above;
        }
        let akin = root(word).and_then(|root| self.roots.get(&root)).into_iter().flatten();
        let mut places: Vec<usize> = akin
            .filter(|known| is_akin(word, known))
            .flat_map(|known| self.places.get(known).into_iter().flatten().copied())
            .collect();
        places.sort_unstable();
        places.dedup();
        if places.is_empty() { Found::Nowhere } else { Found::In(places, AKIN) }
    }

    /// Whether a name stands anywhere in it; `cognate`: or the same name in another script.
    pub(super) fn names(&self, name: &str, cognate: bool) -> bool {
        self.find(name) != Found::Nowhere || (cognate && self.skeletons.contains(&cognate::skeleton(name)))
    }

    /// The sentences that have a number with its unit (or without any); none: it is not there at all.
    pub(super) fn measured(&self, measure: &Measure) -> Option<Vec<usize>> {
        let fits = |known: &Measure| {
            known.value == measure.value
                && (known.unit == measure.unit || known.unit.is_none() || measure.unit.is_none())
        };
        let places: Vec<usize> =
            (0..self.sources.len()).filter(|&at| self.sources[at].measures.iter().any(fits)).collect();
        // Inside code, a version, a heading.
        let whole = || measure.unit.is_none() && self.has(&measure.value);
        (!places.is_empty() || whole()).then_some(places)
    }

    pub(super) fn has_month(&self, month: u8) -> bool {
        self.months.contains(&month)
    }

    pub(super) fn has_link(&self, link: &str) -> bool {
        self.links.contains(link)
    }

    /// Whether a literal stands in it, not as a part of a longer word.
    pub(super) fn has(&self, literal: &str) -> bool {
        if let Some(digits) = literal.strip_prefix("tel:") {
            return self.telephones.contains(digits);
        }
        let part = |c: char| c.is_alphanumeric() || c == '_';
        let (begins, ends) = (literal.starts_with(part), literal.ends_with(part));
        self.flat.match_indices(literal).any(|(at, _)| {
            let before = self.flat[..at].chars().next_back().is_some_and(part);
            let mut after = self.flat[at + literal.len()..].chars();
            // `1.2` is not in `1.25`, nor in `1.2.5`.
            let goes_on = match after.next() {
                Some('.' | ',') => {
                    literal.ends_with(|c: char| c.is_ascii_digit())
                        && after.next().is_some_and(|c| c.is_ascii_digit())
                }
                Some(c) => part(c),
                None => false,
            };
            !(begins && before || ends && goes_on)
        })
    }
}

/// The sentences of a text without those that command a model; `commanding`: these alone.
pub(super) fn sentences_of(text: &str, commanding: bool) -> Vec<&str> {
    let mut kept = Vec::new();
    for paragraph in text.split("\n\n") {
        // What follows a command in its paragraph belongs to it.
        let mut commanded = false;
        for line in paragraph.lines() {
            for range in sentences(line) {
                commanded |= injection::commands(&line[range.clone()]);
                if commanded == commanding {
                    kept.push(&line[range]);
                }
            }
        }
    }
    kept
}

/// The stems of the words that are indexed, of a text.
pub(crate) fn stems(text: &str) -> HashSet<String> {
    analyser::tokens(text)
        .filter(|token| !analyser::is_function_word(&token.folded))
        .map(|token| stem(&token.folded).into_owned())
        .collect()
}

fn root(word: &str) -> Option<String> {
    let root: String = word.chars().take(ROOT).collect();
    (root.chars().count() == ROOT).then_some(root)
}

/// Seven tenths of the longer one shared from the beginning.
fn is_akin(one: &str, other: &str) -> bool {
    let shared = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let longer = one.chars().count().max(other.chars().count());
    shared * 10 >= longer * 7
}
