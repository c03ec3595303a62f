//! How much each unit of the passages says of what was asked.

use std::sync::Arc;

use contract::Language;

use super::content::Content;
use super::cue;
use super::expand::SAME;
use super::question::Asked;
use super::unit::{Kind, Unit};
use super::{Passage, Quoter};
use crate::analyser;

/// What a term of the question counts that is not in the unit itself but around it. Fitted on `xquad` and
/// `squad2` (tests/extractive.rs); each may change by a third without moving the result by a point.
const HEADING: f32 = 0.5;
const TITLE: f32 = 0.3;
const BEFORE: f32 = 0.35;
const AFTER: f32 = 0.2;
/// What holding the kind of thing asked for adds, as a share of the question.
const CUE: f32 = 0.12;
/// What a sentence that begins with the thing asked for, and says what it is, has over others.
const DEFINES: f32 = 0.3;
/// What a step, code, or the line that introduces them has over other text when steps are wanted.
const STEP: f32 = 0.12;
/// What it has besides when its heading is the question, which steps hardly repeat.
const STEP_BELOW: f32 = 0.3;
/// What a unit loses that says nothing but the question again.
const ECHO: f32 = 0.5;
/// Terms that the question has not, from which on a unit says something: a word is its stem and its first letters.
const OTHERS: usize = 3;
/// What is left of a unit in another language where the question's has one.
const FOREIGN: f32 = 0.6;
/// How far the search's own order counts: the last passage keeps this share.
const RANK: f32 = 0.7;
/// What the first unit of a passage has over others that say as much.
const FIRST: f32 = 0.03;

/// A passage, read and weighed.
#[derive(Debug)]
pub(super) struct Read<'a> {
    pub(super) passage: Passage<'a>,
    content: Arc<Content>,
    /// One a unit; 0 without any term of the question, about 1 with all.
    pub(super) weights: Vec<f32>,
    /// One a unit: which of the question's terms it has itself.
    pub(super) has: Vec<Vec<bool>>,
    /// The share of the question its heading and title have, 0 to 1.
    pub(super) heading: f32,
}

impl<'a> Read<'a> {
    pub(super) fn text(&self, unit: usize) -> &'a str {
        &self.passage.text[self.units()[unit].range.clone()]
    }

    pub(super) fn units(&self) -> &[Unit] {
        &self.content.units
    }
}

/// All passages, in their order.
pub(super) fn read<'a>(
    asked: &Asked,
    passages: &[Passage<'a>],
    language: Language,
    quoter: &Quoter,
) -> Vec<Read<'a>> {
    let best = passages.iter().map(|passage| passage.score).fold(f32::MIN_POSITIVE, f32::max);
    let mut read: Vec<Read<'a>> =
        passages.iter().map(|passage| weighed(asked, *passage, quoter.content(passage.text), best)).collect();
    prefer(language, &mut read);
    read
}

fn weighed<'a>(asked: &Asked, passage: Passage<'a>, content: Arc<Content>, best: f32) -> Read<'a> {
    let units = &*content.units;
    let (has, echoes): (Vec<Vec<bool>>, Vec<bool>) =
        content.terms.iter().map(|terms| terms_in(asked, terms.iter().copied())).unzip();
    let heading = passage.heading.iter().flat_map(|heading| analyser::indices(heading));
    let (heading, _) = terms_in(asked, heading);
    let (title, _) = terms_in(asked, analyser::indices(passage.title));
    let above: Vec<bool> = heading.iter().zip(&title).map(|(one, other)| *one || *other).collect();
    let above = share(asked, &above);
    let rank = RANK + (1.0 - RANK) * (passage.score / best).clamp(0.0, 1.0);
    let weights = units
        .iter()
        .enumerate()
        .map(|(at, unit)| {
            let before = before(units, at).map(|before| &has[before]);
            let around =
                Around { has: &has[at], heading: &heading, title: &title, before, after: has.get(at + 1) };
            let text = &passage.text[unit.range.clone()];
            let mut weight = around.share(asked);
            if weight == 0.0 {
                return 0.0;
            }
            weight += bonus(asked, unit, text);
            if asked.how_to && tells_how(units, at, text) {
                weight += STEP;
            }
            if asked.how_to && (is_step(unit) || units.get(at + 1).is_some_and(is_step)) {
                weight += STEP_BELOW * above;
            }
            if at == 0 {
                weight += FIRST;
            }
            let says_little = match unit.kind {
                Kind::Row { header } => header,
                Kind::Code => !asked.how_to,
                Kind::Item { .. } => false,
                Kind::Sentence => {
                    echoes[at] || cue::refers(text) || (text.ends_with(':') && at + 1 == units.len())
                }
            };
            if says_little {
                weight *= ECHO;
            }
            weight * rank
        })
        .collect();
    Read { passage, content, weights, has, heading: above }
}

/// What a unit is read after: a row after its header, everything else after what stands above it.
fn before(units: &[Unit], at: usize) -> Option<usize> {
    let block = units[at].block;
    let header = |unit: &Unit| unit.block == block && unit.kind == Kind::Row { header: true };
    units[..at].iter().rposition(header).or(at.checked_sub(1))
}

/// Which terms of the question a text has; and whether it has nothing else but a word.
fn terms_in(asked: &Asked, terms: impl Iterator<Item = u32>) -> (Vec<bool>, bool) {
    let mut has = vec![false; asked.terms.len()];
    let mut others: Vec<u32> = Vec::with_capacity(OTHERS);
    for index in terms {
        if let Some(at) = asked.terms.iter().position(|(term, _)| *term == index) {
            has[at] = true;
        } else if others.len() < OTHERS && !others.contains(&index) {
            others.push(index);
        }
    }
    (has, others.len() < OTHERS)
}

fn share(asked: &Asked, has: &[bool]) -> f32 {
    let found = asked.terms.iter().zip(has).filter(|(_, has)| **has);
    found.map(|((_, weight), _)| weight).sum::<f32>() / asked.total
}

/// A unit and what stands around it.
struct Around<'a> {
    has: &'a [bool],
    heading: &'a [bool],
    title: &'a [bool],
    before: Option<&'a Vec<bool>>,
    after: Option<&'a Vec<bool>>,
}

impl Around<'_> {
    /// Each term counts where it counts most.
    fn share(&self, asked: &Asked) -> f32 {
        let near = |neighbour: Option<&Vec<bool>>, at: usize| neighbour.is_some_and(|has| has[at]);
        let sum: f32 = asked
            .terms
            .iter()
            .enumerate()
            .map(|(at, (_, weight))| {
                let counts = if self.has[at] {
                    1.0
                } else if self.heading[at] {
                    HEADING
                } else if near(self.before, at) {
                    BEFORE
                } else if self.title[at] {
                    TITLE
                } else if near(self.after, at) {
                    AFTER
                } else {
                    0.0
                };
                weight * counts
            })
            .sum();
        sum / asked.total
    }
}

fn bonus(asked: &Asked, unit: &Unit, text: &str) -> f32 {
    if asked.definition
        && unit.is_sentence()
        && cue::subject(text)
            .is_some_and(|subject| share(asked, &terms_in(asked, analyser::indices(subject)).0) >= SAME)
    {
        return DEFINES;
    }
    if cue::fits(asked.cue, text) { CUE } else { 0.0 }
}

const fn is_step(unit: &Unit) -> bool {
    matches!(unit.kind, Kind::Item { ordered: true, .. })
}

fn tells_how(units: &[Unit], at: usize, text: &str) -> bool {
    is_step(&units[at])
        || units[at].kind == Kind::Code
        || (text.ends_with(':') && units.get(at + 1).is_some_and(|next| !next.is_sentence()))
}

/// A passage in another language is the second choice where the question's own says something.
fn prefer(language: Language, read: &mut [Read<'_>]) {
    let is_foreign: Vec<bool> = read.iter().map(|read| read.content.language != language).collect();
    let best = |foreign: &[bool]| {
        let among = read.iter().zip(&is_foreign).filter(|(_, is_foreign)| foreign.contains(is_foreign));
        among.flat_map(|(read, _)| &read.weights).copied().fold(0.0, f32::max)
    };
    if best(&[false]) < best(&[true, false]) / 2.0 {
        return;
    }
    for (read, _) in read.iter_mut().zip(is_foreign).filter(|(_, is_foreign)| *is_foreign) {
        read.weights.iter_mut().for_each(|weight| *weight *= FOREIGN);
    }
}
