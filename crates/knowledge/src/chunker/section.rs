//! Sections: the blocks below one heading, up to the next.

use std::borrow::Cow;

use contract::Block;

use super::cut;

/// Characters of a heading or title that are kept. It is repeated in every chunk below it, so a line of a
/// megabyte that calls itself a heading must not be; the longest honest one in 800 files has 130.
const HEADING: usize = 200;

pub(super) struct Section<'a> {
    /// The headings above, from the outermost.
    pub(super) path: Vec<String>,
    pub(super) blocks: Vec<Cow<'a, Block>>,
}

/// The sections that have text. A heading with nothing below it, neither text nor deeper headings, is text of
/// the section above: a list of questions is worth finding too.
pub(super) fn sections(blocks: &[Block]) -> Vec<Section<'_>> {
    let mut walk = Walk { path: Vec::new(), sections: Vec::new(), bare: false };
    for block in blocks {
        if let Block::Heading { level, text } = block {
            walk.heading(*level, text);
        } else {
            walk.bare = false;
            let path = walk.path();
            walk.add(path, Cow::Borrowed(block));
        }
    }
    walk.close_bare(0);
    walk.sections
}

/// A heading as it is shown: on one line, of bounded length.
pub(super) fn heading(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= HEADING {
        return line;
    }
    format!("{}…", cut::head(&line, HEADING))
}

struct Walk<'a> {
    /// Level and text of the open headings.
    path: Vec<(u8, String)>,
    sections: Vec<Section<'a>>,
    /// Nothing has followed the last heading yet.
    bare: bool,
}

impl<'a> Walk<'a> {
    fn heading(&mut self, level: u8, text: &str) {
        self.close_bare(level);
        while self.path.last().is_some_and(|(above, _)| *above >= level) {
            self.path.pop();
        }
        let text = heading(text);
        if text.is_empty() {
            return;
        }
        self.path.push((level, text));
        self.bare = true;
    }

    /// Before a heading of this level: a bare heading of the same or a deeper one has nothing below it.
    fn close_bare(&mut self, level: u8) {
        if !self.bare || self.path.last().is_none_or(|(last, _)| *last < level) {
            return;
        }
        self.bare = false;
        if let Some((_, text)) = self.path.pop() {
            let path = self.path();
            self.add(path, Cow::Owned(Block::Paragraph { text }));
        }
    }

    fn path(&self) -> Vec<String> {
        self.path.iter().map(|(_, text)| text.clone()).collect()
    }

    fn add(&mut self, path: Vec<String>, block: Cow<'a, Block>) {
        match self.sections.last_mut() {
            Some(last) if last.path == path => last.blocks.push(block),
            _ => self.sections.push(Section { path, blocks: vec![block] }),
        }
    }
}
