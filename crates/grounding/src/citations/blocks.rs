//! A growing Markdown text in units that can be checked: sentences, items, rows, headings, blocks of code.
//!
//! A unit is given out once, when what follows it can no longer change it. **Invariant:** the units of a text are how
//! the units of every text begin that continues it.

use std::ops::Range;

use knowledge::sentences::sentences;

use super::marks::{self, Plain};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Sentence,
    /// Its marker with the space behind it: `1. `, `- `.
    Item(String),
    Row,
    /// A heading, a rule, the header of a table: says nothing alone.
    Frame,
    /// With its fences.
    Code,
}

/// A sentence of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// White space before it, in its unit.
    pub(super) gap: String,
    /// Without marks.
    pub(super) text: String,
    pub(super) marks: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    /// White space before it.
    pub(super) gap: String,
    pub(super) shape: Shape,
    /// One, but for items of several sentences.
    pub(super) parts: Vec<Part>,
}

/// Bytes of a paragraph looked at together; a sentence that is longer is cut.
const WINDOW: usize = 4096;

/// Reads units, from where it came to.
#[derive(Debug, Default)]
pub(super) struct Reader {
    at: usize,
}

/// How a block ended.
enum Block {
    /// The block, and its length in bytes.
    Whole(Shape, usize),
    /// A paragraph, as far as it is there; whether its end is.
    Paragraph(usize, bool),
    /// More text must come.
    Wait,
}

impl Reader {
    /// The units that are complete in `text`, which continues the texts given before. `done`: it is the last one.
    pub(super) fn read(&mut self, text: &str, done: bool) -> Vec<Unit> {
        let mut units = Vec::new();
        loop {
            // Nothing: the text was cut off within what was read.
            let rest = text.get(self.at..).unwrap_or_default();
            let content = rest.trim_start();
            if content.is_empty() {
                return units;
            }
            let gap = &rest[..rest.len() - content.len()];
            let at_line = self.at == 0 || gap.contains('\n');
            let block = if at_line { block(content, done) } else { paragraph(content, done) };
            let read = match block {
                Block::Wait => return units,
                Block::Whole(shape, length) => {
                    let block = content[..length].trim_end();
                    units.push(whole(gap, shape, block));
                    block.len()
                }
                Block::Paragraph(length, closed) => {
                    match paragraph_units(gap, &content[..length], closed, &mut units) {
                        0 => return units,
                        read => read,
                    }
                }
            };
            self.at += gap.len() + read;
        }
    }
}

/// What begins at the beginning of a line.
fn block(content: &str, done: bool) -> Block {
    let line = content.lines().next().unwrap_or_default();
    let ended = done || content.contains('\n');
    if !ended
        && (content.len() < 4 || content.chars().all(|c| "#*-+•`~|.)_ ".contains(c) || c.is_ascii_digit()))
    {
        return Block::Wait;
    }
    if line.starts_with("```") || line.starts_with("~~~") {
        return fence(content, line, done);
    }
    if is_heading(line) || is_rule(line) {
        return if ended { Block::Whole(Shape::Frame, line.len()) } else { Block::Wait };
    }
    if line.starts_with('|') {
        return row(content, line, done);
    }
    if marker(line).is_some() {
        return item(content, done);
    }
    paragraph(content, done)
}

fn fence(content: &str, first: &str, done: bool) -> Block {
    let mark = &first[..first.len() - first.trim_start_matches(&first[..1]).len()];
    let mut end = 0;
    for (at, line) in content.split_inclusive('\n').enumerate() {
        end += line.len();
        // The line may still grow into one that closes nothing.
        let complete = done || line.ends_with('\n');
        if at > 0 && complete && line.trim() == mark {
            return Block::Whole(Shape::Code, end - (line.len() - line.trim_end().len()));
        }
    }
    if done { Block::Whole(Shape::Code, content.trim_end().len()) } else { Block::Wait }
}

/// A row; a header comes with the line below it.
fn row(content: &str, line: &str, done: bool) -> Block {
    let mut lines = content.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    let next = lines.next().unwrap_or_default();
    if !done && !next.ends_with('\n') {
        return Block::Wait;
    }
    let ruled = next.contains('-') && next.trim().chars().all(|c| matches!(c, '|' | '-' | ':' | ' '));
    if ruled {
        Block::Whole(Shape::Frame, first.len() + next.trim_end().len())
    } else {
        Block::Whole(Shape::Row, line.trim_end().len())
    }
}

/// An item goes on in lines that are indented and begin nothing else.
fn item(content: &str, done: bool) -> Block {
    let mut end = 0;
    for (at, line) in content.split_inclusive('\n').enumerate() {
        let ended = done || line.ends_with('\n');
        let goes_on =
            line.starts_with([' ', '\t']) && !line.trim().is_empty() && !begins_block(line.trim_start());
        if at > 0 && !goes_on {
            // The beginning of a line does not tell what it is before its first letters are there.
            return if ended || line.trim_start().len() > 3 {
                Block::Whole(Shape::Item(String::new()), end)
            } else {
                Block::Wait
            };
        }
        if !ended {
            return Block::Wait;
        }
        end += line.len();
        if end > WINDOW {
            break;
        }
    }
    if done || end > WINDOW { Block::Whole(Shape::Item(String::new()), end) } else { Block::Wait }
}

fn paragraph(content: &str, done: bool) -> Block {
    let window = &content[..content.floor_char_boundary(WINDOW)];
    for (at, _) in window.match_indices('\n') {
        let next = &content[at + 1..];
        let line = next.lines().next().unwrap_or_default();
        let introduces = window[..at].trim_end().ends_with(':');
        if introduces || (next.contains('\n') && line.trim().is_empty()) || begins_block(line.trim_start()) {
            return Block::Paragraph(at, true);
        }
    }
    Block::Paragraph(window.len(), done && window.len() == content.len())
}

fn begins_block(line: &str) -> bool {
    marker(line).is_some()
        || is_heading(line)
        || line.starts_with("```")
        || line.starts_with("~~~")
        || line.starts_with('|')
}

fn is_heading(line: &str) -> bool {
    let level = line.len() - line.trim_start_matches('#').len();
    (1..=6).contains(&level) && line[level..].starts_with(' ')
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3 && ["-", "*", "_"].iter().any(|sign| line.replace(sign, "").trim().is_empty())
}

/// The marker of an item with the space behind it.
pub(super) fn marker(line: &str) -> Option<&str> {
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let sign = match digits {
        0 => line.chars().next().filter(|c| matches!(c, '-' | '*' | '+' | '•' | '–' | '—'))?.len_utf8(),
        1..=3 if line[digits..].starts_with(['.', ')']) => digits + 1,
        _ => return None,
    };
    let spaces = line[sign..].len() - line[sign..].trim_start_matches([' ', '\t']).len();
    (spaces > 0).then(|| &line[..sign + spaces])
}

fn whole(gap: &str, shape: Shape, text: &str) -> Unit {
    let gap = gap.to_owned();
    match shape {
        Shape::Item(_) => {
            let marker = marker(text).unwrap_or_default();
            Unit { gap, shape: Shape::Item(marker.to_owned()), parts: parts(text[marker.len()..].trim_end()) }
        }
        Shape::Code => {
            let part = Part { gap: String::new(), text: text.to_owned(), marks: Vec::new() };
            Unit { gap, shape, parts: vec![part] }
        }
        _ => {
            let plain = Plain::of(text);
            let marks = plain.cited(std::slice::from_ref(&(0..plain.text.len()))).concat();
            let part = Part { gap: String::new(), text: plain.text.trim_end().to_owned(), marks };
            Unit { gap, shape, parts: vec![part] }
        }
    }
}

/// Sentences, none of which ends inside inline code.
fn whole_sentences(text: &str) -> Vec<Range<usize>> {
    let code = marks::code(text);
    let mut spans = code.iter().peekable();
    let mut found: Vec<Range<usize>> = Vec::new();
    for range in sentences(text) {
        while spans.next_if(|span| span.end <= range.start).is_some() {}
        match found.last_mut() {
            Some(last) if spans.peek().is_some_and(|span| span.start < range.start) => last.end = range.end,
            _ => found.push(range),
        }
    }
    found
}

/// The sentences of an item.
fn parts(body: &str) -> Vec<Part> {
    let plain = Plain::of(body);
    let ranges = whole_sentences(&plain.text);
    let cited = plain.cited(&ranges);
    let mut end = 0;
    ranges
        .into_iter()
        .zip(cited)
        .map(|(range, marks)| {
            let gap = plain.text[end..range.start].to_owned();
            end = range.end;
            Part { gap, text: plain.text[range].to_owned(), marks }
        })
        .collect()
}

/// Adds the sentences that are complete and says how many bytes they were.
fn paragraph_units(gap: &str, text: &str, closed: bool, units: &mut Vec<Unit>) -> usize {
    let seen = if closed { text } else { &text[..marks::settled(text)] };
    let plain = Plain::of(seen);
    let ranges = whole_sentences(&plain.text);
    let cited = plain.cited(&ranges);
    let full = text.len() + 4 > WINDOW;
    let complete = match ranges.as_slice() {
        all if closed => all.len(),
        // Whether a full stop was the end is told by the whole of the next word.
        [.., last] if word_is_complete(&plain.text[last.clone()]) => ranges.len() - 1,
        all => all.len().saturating_sub(2),
    };
    if complete == 0 {
        return if closed || full { cut(gap, text, closed, units) } else { 0 };
    }
    for (at, (range, marks)) in ranges[..complete].iter().zip(cited).enumerate() {
        // White space behind a mark, or in front of one that begins a line: as it is where the sentence before was given
        // out alone.
        let (above, below) = seen.split_at(plain.origin(range.start));
        let above = &seen[..above.len() + below.len() - below.trim_start().len()];
        let before = if at == 0 { gap } else { &above[above.trim_end().len()..] };
        let part = Part { gap: String::new(), text: plain.text[range.clone()].to_owned(), marks };
        units.push(Unit { gap: before.to_owned(), shape: Shape::Sentence, parts: vec![part] });
    }
    let next = ranges.get(complete).map_or(seen.len(), |next| plain.origin(next.start));
    seen[..next].trim_end().len()
}

/// A paragraph of marks alone is passed over; one without an end is cut between two words.
fn cut(gap: &str, text: &str, closed: bool, units: &mut Vec<Unit>) -> usize {
    if closed {
        return text.len();
    }
    let end = text.rfind(char::is_whitespace).filter(|&at| at > 0).unwrap_or(text.len());
    let part = Part { gap: String::new(), text: Plain::of(&text[..end]).text, marks: Vec::new() };
    units.push(Unit { gap: gap.to_owned(), shape: Shape::Sentence, parts: vec![part] });
    end
}

fn word_is_complete(sentence: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '-';
    // A dash alone is no word: what follows it may still turn out to belong to the sentence before.
    sentence.find(char::is_alphanumeric).is_some_and(|start| sentence[start..].contains(|c| !word(c)))
}
