//! The parts of a passage that can be quoted alone: sentences, items, rows, blocks of code.

use std::ops::Range;

use crate::sentences::sentences;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sentence,
    Item {
        ordered: bool,
        /// Spaces before its mark.
        indent: usize,
    },
    /// The first row of a table with more than one is its header.
    Row {
        header: bool,
    },
    Code,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) kind: Kind,
    /// Bytes of the passage's text: whole lines for all but sentences.
    pub(super) range: Range<usize>,
    /// Paragraphs, lists and tables are numbered in their order; units of one block stand together.
    pub(super) block: usize,
}

impl Unit {
    pub(super) const fn is_item(&self) -> bool {
        matches!(self.kind, Kind::Item { .. })
    }

    pub(super) const fn is_sentence(&self) -> bool {
        matches!(self.kind, Kind::Sentence)
    }
}

/// The units of a chunk's text, in order.
pub(super) fn units(text: &str) -> Vec<Unit> {
    let mut reader = Reader { text, units: Vec::new(), block: 0, prose: None, fence: None };
    let mut at = 0;
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let next = lines.peek().copied().unwrap_or_default();
        reader.line(at, line.trim_end(), next);
        at += line.len();
    }
    reader.end();
    reader.units
}

struct Reader<'a> {
    text: &'a str,
    units: Vec<Unit>,
    block: usize,
    /// The paragraph that is open.
    prose: Option<Range<usize>>,
    /// The fence of the code that is open, and where it began.
    fence: Option<(&'a str, usize)>,
}

impl<'a> Reader<'a> {
    fn line(&mut self, at: usize, line: &'a str, next: &str) {
        let range = at..at + line.len();
        if let Some((fence, start)) = self.fence {
            if line == fence {
                self.fence = None;
                self.push(Kind::Code, start..range.end);
                self.block += 1;
            }
            return;
        }
        let content = line.trim_start();
        if content.is_empty() {
            self.end_prose();
            self.block += 1;
        } else if line.starts_with("```") {
            self.end_prose();
            self.block += 1;
            let length = line.len() - line.trim_start_matches('`').len();
            self.fence = Some((&line[..length], at));
        } else if let Some(ordered) = marker(content) {
            self.end_prose();
            self.push(Kind::Item { ordered, indent: line.len() - content.len() }, range);
        } else if line.starts_with(' ') && self.continues_item() {
            if let Some(last) = self.units.last_mut() {
                last.range.end = range.end;
            }
        } else if self.prose.is_none() && (is_row(line) && (self.in_table() || is_row(next.trim_end()))) {
            let header = !self.in_table();
            self.push(Kind::Row { header }, range);
        } else {
            match &mut self.prose {
                Some(prose) => prose.end = range.end,
                None => self.prose = Some(range),
            }
        }
    }

    fn in_table(&self) -> bool {
        self.units
            .last()
            .is_some_and(|last| matches!(last.kind, Kind::Row { .. }) && last.block == self.block)
    }

    fn continues_item(&self) -> bool {
        self.units.last().is_some_and(|last| last.is_item() && last.block == self.block)
            && self.prose.is_none()
    }

    fn push(&mut self, kind: Kind, range: Range<usize>) {
        self.units.push(Unit { kind, range, block: self.block });
    }

    fn end_prose(&mut self) {
        let Some(prose) = self.prose.take() else { return };
        for range in sentences(&self.text[prose.clone()]) {
            self.push(Kind::Sentence, prose.start + range.start..prose.start + range.end);
        }
        self.block += 1;
    }

    fn end(&mut self) {
        if let Some((_, start)) = self.fence.take() {
            let end = self.text.trim_end().len();
            self.push(Kind::Code, start..end);
        }
        self.end_prose();
    }
}

/// Whether a line begins with the mark of an item, and whether that is a number.
fn marker(content: &str) -> Option<bool> {
    if content.starts_with("- ") {
        return Some(false);
    }
    let rest = content.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = content.len() - rest.len();
    ((1..=3).contains(&digits) && (rest.starts_with(". ") || rest.starts_with(") "))).then_some(true)
}

fn is_row(line: &str) -> bool {
    line.contains(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_read_as_it_was_written() {
        let text = "One. Two:\n\n1. Press\n  and wait\n  - below\n2. Done\n\n```sh\nmake\n\nrun\n```\n\na | b\nc | d\n\nEnd | all.";
        let found: Vec<_> =
            units(text).into_iter().map(|unit| (unit.kind, text[unit.range].to_owned())).collect();
        let item = |ordered, indent| Kind::Item { ordered, indent };
        let wanted = [
            (Kind::Sentence, "One."),
            (Kind::Sentence, "Two:"),
            (item(true, 0), "1. Press\n  and wait"),
            (item(false, 2), "  - below"),
            (item(true, 0), "2. Done"),
            (Kind::Code, "```sh\nmake\n\nrun\n```"),
            (Kind::Row { header: true }, "a | b"),
            (Kind::Row { header: false }, "c | d"),
            (Kind::Sentence, "End | all."),
        ];
        let wanted: Vec<_> = wanted.into_iter().map(|(kind, text)| (kind, text.to_owned())).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn code_that_is_not_closed_reaches_to_the_end() {
        let text = "```\nmake\n";
        assert_eq!(units(text).first().expect("one").range, 0..8);
    }
}
