//! What is quoted: the units that say most, each with what belongs to it.

use std::collections::HashSet;
use std::ops::Range;

use super::question::Asked;
use super::steps;
use super::unit::Kind;
use super::weigh::Read;
use crate::analyser;

/// Characters of an answer: what one reads at a glance on a telephone.
const LIMIT: usize = 900;
/// Characters of an answer that is a list of steps: half a list is worse than a long one.
const STEPS: usize = 1_200;
/// A list up to this many characters is quoted whole when one of its items is what was found.
const SHORT_LIST: usize = 400;
/// Below a heading that is the question, the text goes on to about this many characters.
const OPENING: usize = 350;
/// Quotes in an answer.
const QUOTES: usize = 3;
/// What a further quote must weigh against the first, and how much of the question it must add.
const FURTHER: f32 = 0.7;
const ADDS: f32 = 0.2;
/// The same for a quote of the best one's own passage, which reads on from it.
const FURTHER_HERE: f32 = 0.62;
const ADDS_HERE: f32 = 0.12;
/// A quote of that passage that says as much as this, against the first, need not add anything.
const AS_GOOD: f32 = 0.9;
/// The share of words two quotes may have in common.
const ALIKE: f32 = 0.75;
/// The share of the question from which a heading is the question.
pub(super) const SAME: f32 = 0.6;

/// Units of one passage that are quoted together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fragment {
    /// Position of the passage.
    pub(super) passage: usize,
    /// Runs of units, ascending, not touching.
    pub(super) runs: Vec<Range<usize>>,
}

impl Fragment {
    fn one(passage: usize, run: Range<usize>) -> Self {
        Self { passage, runs: one(run) }
    }

    fn units(&self) -> impl Iterator<Item = usize> + '_ {
        self.runs.iter().flat_map(Clone::clone)
    }

    fn has(&self, passage: usize, unit: usize) -> bool {
        self.passage == passage && self.runs.iter().any(|run| run.contains(&unit))
    }
}

/// The best first; empty when nothing has a term of the question.
pub(super) fn fragments(asked: &Asked, read: &[Read<'_>]) -> Vec<Fragment> {
    let mut candidates: Vec<(usize, usize, f32)> = Vec::new();
    for (passage, read) in read.iter().enumerate() {
        let weighed = read.weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
        candidates.extend(weighed.map(|(unit, weight)| (passage, unit, *weight)));
    }
    candidates.sort_by(|one, other| other.2.total_cmp(&one.2));
    let mut chosen: Vec<Fragment> = Vec::new();
    let mut covered = vec![false; asked.terms.len()];
    let mut left = LIMIT;
    let mut best = 0.0;
    for (passage, unit, weight) in candidates {
        let from = &read[passage];
        if chosen.iter().any(|fragment| fragment.has(passage, unit)) {
            continue;
        }
        if best > 0.0 {
            let adds = adds(asked, &from.has[unit], &covered);
            let here = chosen.iter().any(|fragment| fragment.passage == passage);
            let says = if here {
                weight >= best * AS_GOOD || (weight >= best * FURTHER_HERE && adds >= ADDS_HERE)
            } else {
                weight >= best * FURTHER && adds >= ADDS
            };
            if !says {
                continue;
            }
            if is_alike(read, &chosen, from.text(unit)) {
                continue;
            }
        }
        let fragment = expanded(asked, passage, from, unit);
        let length = length(from, &fragment);
        let room = if best > 0.0 { left } else { STEPS };
        if length > room || chosen.iter().any(|other| overlap(other, &fragment)) {
            continue;
        }
        if best == 0.0 {
            best = weight;
        }
        left = left.saturating_sub(length);
        for unit in fragment.units() {
            covered.iter_mut().zip(&from.has[unit]).for_each(|(covered, has)| *covered |= has);
        }
        chosen.push(fragment);
        if chosen.len() == QUOTES {
            break;
        }
    }
    chosen
}

/// The share of the question that nothing quoted has yet.
fn adds(asked: &Asked, has: &[bool], covered: &[bool]) -> f32 {
    let terms = asked.terms.iter().zip(has.iter().zip(covered));
    let sum: f32 =
        terms.filter(|(_, (has, covered))| **has && !**covered).map(|((_, weight), _)| weight).sum();
    sum / asked.total
}

fn overlap(one: &Fragment, other: &Fragment) -> bool {
    other.units().any(|unit| one.has(other.passage, unit))
}

/// Pages repeat each other: the same warning, the same step.
fn is_alike(read: &[Read<'_>], chosen: &[Fragment], text: &str) -> bool {
    let words =
        |text: &str| analyser::tokens(text).map(|token| token.folded.into_owned()).collect::<HashSet<_>>();
    let new = words(text);
    chosen.iter().any(|fragment| {
        let known: HashSet<String> =
            fragment.units().flat_map(|unit| words(read[fragment.passage].text(unit))).collect();
        let common = new.intersection(&known).count();
        #[expect(clippy::cast_precision_loss, reason = "words of a sentence")]
        let share = common as f32 / new.len().max(1) as f32;
        share > ALIKE
    })
}

fn length(read: &Read<'_>, fragment: &Fragment) -> usize {
    fragment.units().map(|unit| chars(read, unit) + 1).sum()
}

fn chars(read: &Read<'_>, unit: usize) -> usize {
    read.text(unit).chars().count()
}

/// A unit with what belongs to it.
fn expanded(asked: &Asked, passage: usize, read: &Read<'_>, at: usize) -> Fragment {
    if (asked.how_to || (read.heading >= SAME && asked.is_open()))
        && let Some(run) = steps::around(read, at, STEPS)
    {
        return Fragment::one(passage, run);
    }
    match read.units()[at].kind {
        Kind::Sentence => Fragment::one(passage, sentence(asked, read, at)),
        Kind::Item { .. } => Fragment { passage, runs: item(asked, read, at) },
        Kind::Row { .. } => Fragment { passage, runs: row(read, at) },
        Kind::Code => {
            Fragment::one(passage, at - usize::from(at > 0 && read.units()[at - 1].is_sentence())..at + 1)
        }
    }
}

fn sentence(asked: &Asked, read: &Read<'_>, at: usize) -> Range<usize> {
    let mut end = at + 1;
    let mut length = chars(read, at);
    let mut at = at;
    if let Some(before) = at.checked_sub(1)
        && points_back(read.text(at))
        && read.units()[before].is_sentence()
        && read.units()[before].block == read.units()[at].block
        && length + chars(read, before) <= OPENING
    {
        at = before;
        length += chars(read, before) + 1;
    }
    let next = |end: usize| read.units().get(end);
    if leads(read, end - 1) {
        // The list, table or code it announces.
        let Some(block) = next(end).filter(|unit| !unit.is_sentence()).map(|unit| unit.block) else {
            return at..end;
        };
        while next(end).is_some_and(|unit| unit.block == block) && length + chars(read, end) <= LIMIT {
            length += chars(read, end) + 1;
            end += 1;
        }
    } else if asked.how_to && next(end).is_some_and(|unit| unit.kind == Kind::Code) {
        if length + chars(read, end) <= LIMIT {
            end += 1;
        }
    } else if read.heading >= SAME && !asked.how_to {
        let block = read.units()[at].block;
        while next(end).is_some_and(|unit| unit.is_sentence() && unit.block == block)
            && length + chars(read, end) <= OPENING
        {
            length += chars(read, end) + 1;
            end += 1;
        }
    }
    at..end
}

/// Whether a sentence opens with a word for what the one before it was about.
fn points_back(text: &str) -> bool {
    const WORDS: &str = "\
        this these those it its they their he she his her such это этот эта эти этого этому этим этих он она \
        оно они его её ее их такой такая такое такие";
    analyser::tokens(text)
        .next()
        .is_some_and(|first| WORDS.split_ascii_whitespace().any(|word| word == first.folded))
}

/// An item with the deeper ones below it and the line that introduces the list, where that says more.
fn item(asked: &Asked, read: &Read<'_>, at: usize) -> Vec<Range<usize>> {
    let Kind::Item { indent, .. } = read.units()[at].kind else { return one(at..at + 1) };
    let block = read.units()[at].block;
    let mut end = at + 1;
    while read.units().get(end).is_some_and(|unit| {
        unit.block == block && matches!(unit.kind, Kind::Item { indent: deeper, .. } if deeper > indent)
    }) {
        end += 1;
    }
    let first = (0..at).rev().take_while(|&before| read.units()[before].block == block).last().unwrap_or(at);
    let Some(lead) =
        first.checked_sub(1).filter(|&lead| read.units()[lead].is_sentence() && leads(read, lead))
    else {
        return one(at..end);
    };
    let last = (end..read.units().len())
        .find(|&after| read.units()[after].block != block)
        .unwrap_or(read.units().len());
    let whole: usize = (first..last).map(|unit| chars(read, unit) + 1).sum();
    if whole <= SHORT_LIST {
        return one(lead..last);
    }
    if adds(asked, &read.has[lead], &read.has[at]) == 0.0 {
        return one(at..end);
    }
    if first == at { one(lead..end) } else { vec![lead..first, at..end] }
}

/// A row below its header.
fn row(read: &Read<'_>, at: usize) -> Vec<Range<usize>> {
    let block = read.units()[at].block;
    let first = (0..at).rev().take_while(|&before| read.units()[before].block == block).last();
    match first {
        Some(first) if first + 1 == at => one(first..at + 1),
        Some(first) => vec![first..first + 1, at..at + 1],
        None => one(at..at + 1),
    }
}

fn one(run: Range<usize>) -> Vec<Range<usize>> {
    std::iter::once(run).collect()
}

/// Whether a sentence announces what follows.
pub(super) fn leads(read: &Read<'_>, unit: usize) -> bool {
    read.text(unit).ends_with([':', '：'])
}
