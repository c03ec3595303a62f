//! A text in parts that Telegram takes.
//!
//! A part ends where a reader would pause: at the end of a paragraph, else of a line, a sentence, a word. Code and
//! links stay whole when a part can hold them; formatting that goes over a cut goes on in the next part.

use contract::{Content, Span, Style};

use crate::spans::tidy;

mod cluster;
mod cut;

#[cfg(test)]
mod tests;

use cut::Cutter;

/// UTF-16 units of one message (Bot API, `sendMessage`).
pub const LIMIT: usize = 4096;

/// A span of a [`Script`], in characters.
#[derive(Debug, Clone)]
struct Stretch {
    start: usize,
    end: usize,
    style: Style,
}

/// A text by its characters, as every decision is about one.
struct Script {
    chars: Vec<char>,
    /// UTF-16 units before each character, and at the end those of the whole.
    units: Vec<usize>,
    stretches: Vec<Stretch>,
}

/// Cuts a message into parts of at most `limit` UTF-16 units, each with something to read. Nothing but whitespace at
/// the cuts is lost. The first part answers `reply_to`, the last one has the buttons.
///
/// A text of whitespace alone has no parts; a copy of another message stays as it is.
pub fn split(content: &Content, limit: usize) -> Vec<Content> {
    if content.copy_of.is_some() {
        return vec![content.clone()];
    }
    let script = Script::new(content);
    let cutter = Cutter::new(&script, limit);
    let mut parts: Vec<Content> = Vec::new();
    let mut start = 0;
    while start < script.chars.len() {
        start = cutter.skip(start);
        let cut = cutter.next(start);
        parts.extend(script.part(start, cut));
        start = cut;
    }
    if let Some(first) = parts.first_mut() {
        first.reply_to.clone_from(&content.reply_to);
    }
    if let Some(last) = parts.last_mut() {
        last.buttons.clone_from(&content.buttons);
    }
    parts
}

impl Script {
    fn new(content: &Content) -> Self {
        let chars: Vec<char> = content.text.chars().collect();
        let mut units = Vec::with_capacity(chars.len() + 1);
        let mut passed = 0;
        for ch in &chars {
            units.push(passed);
            passed += ch.len_utf16();
        }
        units.push(passed);
        let stretch = |span: Span| {
            let place = |unit: u32| units.binary_search(&(unit as usize)).ok();
            Some(Stretch {
                start: place(span.start)?,
                end: place(span.start + span.length)?,
                style: span.style,
            })
        };
        let spans = tidy(content.spans.clone(), crate::utf16::narrow(passed));
        let stretches = spans.into_iter().filter_map(stretch).collect();
        Self { chars, units, stretches }
    }

    fn length(&self, start: usize, end: usize) -> usize {
        self.units[end] - self.units[start]
    }

    /// What lies between two characters, without whitespace at its end; `None` when nothing else does.
    fn part(&self, start: usize, end: usize) -> Option<Content> {
        let blank = self.chars[start..end].iter().rev().take_while(|c| c.is_whitespace()).count();
        let end = end - blank;
        let text: String = self.chars[start..end].iter().collect();
        let span = |stretch: &Stretch| {
            let (from, to) = (stretch.start.max(start), stretch.end.min(end));
            let narrow = crate::utf16::narrow;
            (from < to).then(|| Span {
                start: narrow(self.length(start, from)),
                length: narrow(self.length(from, to)),
                style: stretch.style.clone(),
            })
        };
        let spans = self.stretches.iter().filter_map(span).collect();
        (start < end).then(|| Content { text, spans, ..Content::default() })
    }
}
