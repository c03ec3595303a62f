//! Steps: numbered items, with the code and the remarks between them.

use std::ops::Range;

use super::expand::{SAME, leads};
use super::unit::Kind;
use super::weigh::Read;

/// Units of prose that may stand between a sentence and the steps it is about.
const REACH: usize = 3;

/// The steps that a unit is one of, or speaks of, with the line that introduces them; at most `limit`
/// characters of them.
pub(super) fn around(read: &Read<'_>, at: usize, limit: usize) -> Option<Range<usize>> {
    let runs = runs(read);
    let inside = runs.iter().find(|run| run.contains(&at));
    let below = || {
        let run = runs.iter().find(|run| run.start > at)?;
        let between = &read.units()[at + 1..run.start];
        (between.len() <= REACH && between.iter().all(super::unit::Unit::is_sentence)).then_some(run)
    };
    let under_the_heading = || runs.first().filter(|_| read.heading >= SAME);
    let run = inside.or_else(below).or_else(under_the_heading)?;
    let mut start = run.start;
    if start > 0 && read.units()[start - 1].is_sentence() && (leads(read, start - 1) || start - 1 == at) {
        start -= 1;
    }
    let mut end = start;
    let mut length = 0;
    while end < run.end {
        length += read.text(end).chars().count() + 1;
        if length > limit && end > start {
            break;
        }
        end += 1;
    }
    // Cut in the middle of a step, the last one would be half: its code is missing.
    (end > start).then_some(start..end)
}

/// Lists of at least two steps whose numbers rise.
fn runs(read: &Read<'_>) -> Vec<Range<usize>> {
    let mut found: Vec<(Range<usize>, usize)> = Vec::new();
    let mut open: Option<(Range<usize>, usize, usize, usize)> = None; // units, indent, number, count
    for (at, unit) in read.units().iter().enumerate() {
        let Kind::Item { ordered: true, indent } = unit.kind else { continue };
        let number = number(read.text(at));
        open = match open.take() {
            Some((run, first, last, count)) if indent == first && number > last => {
                Some((run.start..at + 1, first, number, count + 1))
            }
            Some((run, first, last, count)) if indent > first => {
                Some((run.start..at + 1, first, last, count))
            }
            other => {
                found.extend(other.map(|(run, _, _, count)| (run, count)));
                Some((at..at + 1, indent, number, 1))
            }
        };
    }
    found.extend(open.map(|(run, _, _, count)| (run, count)));
    found.into_iter().filter(|(_, count)| *count > 1).map(|(run, _)| run.start..tail(read, run.end)).collect()
}

/// What belongs to the last step: deeper items and code right behind it.
fn tail(read: &Read<'_>, mut end: usize) -> usize {
    while let Some(unit) = read.units().get(end) {
        match unit.kind {
            Kind::Item { indent, .. } if indent > 0 => end += 1,
            Kind::Code => return end + 1,
            _ => break,
        }
    }
    end
}

fn number(item: &str) -> usize {
    let item = item.trim_start();
    let digits = item.len() - item.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    item[..digits].parse().unwrap_or(0)
}
