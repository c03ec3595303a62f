//! Where a part ends.

use contract::Style;

use super::cluster::is_seam;
use super::{Script, Stretch};

/// The share of the limit from which on a part is long enough to end at a good place: an earlier one is only taken
/// when there is none at all, or every heading would be a message.
const ENOUGH: usize = 3;

/// How good a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Anywhere,
    Word,
    Sentence,
    Line,
    Paragraph,
}

pub(super) struct Cutter<'a> {
    script: &'a Script,
    limit: usize,
    /// What a part can hold whole: nothing is cut within.
    whole: Vec<&'a Stretch>,
    /// Blocks of code longer than a part.
    long: Vec<&'a Stretch>,
}

impl<'a> Cutter<'a> {
    pub(super) fn new(script: &'a Script, limit: usize) -> Self {
        // A character can have two units: with less room than that there would be no end.
        let limit = limit.max(2);
        let fits = |stretch: &&Stretch| script.length(stretch.start, stretch.end) <= limit;
        let kept = |stretch: &&Stretch| {
            matches!(stretch.style, Style::Link { .. } | Style::Code | Style::Pre { .. }) && fits(stretch)
        };
        let long = |stretch: &&Stretch| matches!(stretch.style, Style::Pre { .. }) && !fits(stretch);
        Self {
            script,
            limit,
            whole: script.stretches.iter().filter(kept).collect(),
            long: script.stretches.iter().filter(long).collect(),
        }
    }

    /// The first character after a cut that is worth showing. The indentation of code is.
    pub(super) fn skip(&self, start: usize) -> usize {
        let chars = &self.script.chars;
        let mut at = start;
        let mut line = start;
        while at < chars.len() && chars[at].is_whitespace() {
            if self.begins_code(at) {
                return at;
            }
            at += 1;
            if chars[at - 1] == '\n' {
                line = at;
            }
        }
        if self.in_code(at) { line } else { at }
    }

    /// The end of the part that begins at `start`: the latest of the best places.
    pub(super) fn next(&self, start: usize) -> usize {
        let units = &self.script.units;
        let last = units.partition_point(|unit| *unit <= units[start] + self.limit) - 1;
        if last == self.script.chars.len() {
            return last;
        }
        let enough = units[start] + self.limit / ENOUGH;
        let free = || (start + 1..=last).rev().filter(|at| !self.is_within(*at));
        let mut best: Option<((bool, Place), usize)> = None;
        for at in free() {
            let place = self.place(at);
            let worth = (units[at] >= enough, place);
            if place != Place::Anywhere && best.is_none_or(|(other, _)| other < worth) {
                best = Some((worth, at));
            }
        }
        let seam = || free().find(|at| is_seam(&self.script.chars, *at));
        // A cluster of marks longer than a part is cut between two of them.
        best.map(|(_, at)| at).or_else(seam).or_else(|| free().next()).unwrap_or(last)
    }

    fn is_within(&self, at: usize) -> bool {
        self.whole.iter().any(|stretch| stretch.start < at && at < stretch.end)
    }

    fn begins_code(&self, at: usize) -> bool {
        let mut blocks = self.script.stretches.iter().filter(|one| matches!(one.style, Style::Pre { .. }));
        blocks.any(|block| block.start == at)
    }

    fn in_code(&self, at: usize) -> bool {
        self.long.iter().any(|block| block.start < at && at < block.end)
    }

    /// What ends before a character.
    fn place(&self, at: usize) -> Place {
        let chars = &self.script.chars;
        if chars[at - 1].is_whitespace() {
            return Place::Anywhere;
        }
        let gap = || chars[at..].iter().take_while(|c| c.is_whitespace());
        let breaks = gap().filter(|c| **c == '\n').count();
        if self.in_code(at) {
            // Blank lines within code are no better than others.
            let word = if gap().next().is_some() { Place::Word } else { Place::Anywhere };
            return if breaks > 0 { Place::Line } else { word };
        }
        match breaks {
            0 if gap().next().is_none() => Place::Anywhere,
            0 if ends_sentence(&chars[..at]) => Place::Sentence,
            0 => Place::Word,
            1 => Place::Line,
            _ => Place::Paragraph,
        }
    }
}

/// Whether the last character ends a sentence, with the brackets and quotation marks after it.
fn ends_sentence(chars: &[char]) -> bool {
    let closing = |c: &&char| matches!(**c, ')' | ']' | '"' | '\'' | '»' | '”' | '’');
    let end = chars.iter().rev().find(|c| !closing(c));
    end.is_some_and(|c| matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？'))
}
