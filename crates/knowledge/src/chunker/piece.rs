//! Blocks as pieces: what stays together when chunks are packed.

use std::borrow::Cow;

use contract::Block;

use super::cut;
use super::pack::{MAX, TARGET};

/// Characters of code that stay in one chunk. Code cut in two is of no use to who copies it; the longest
/// manifests in Kubernetes' documentation have about 3,500. Beyond it, code is cut between lines.
pub(super) const CODE: usize = 4_000;

/// A list of at most this many characters stays whole: steps belong together.
const LIST: usize = MAX;

/// A part of a section that is not cut further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) chars: usize,
    /// What stands between it and the piece before it in the same chunk.
    pub(super) gap: &'static str,
    /// What follows belongs to it: `Do this:`.
    pub(super) leads: bool,
}

/// Between blocks, between lines of one list, between parts of one paragraph.
const BLOCK: &str = "\n\n";
const LINE: &str = "\n";
const WORD: &str = " ";

impl Piece {
    fn new(text: String) -> Self {
        let chars = text.chars().count();
        Self { text, chars, gap: BLOCK, leads: false }
    }
}

pub(super) fn pieces(blocks: &[Cow<'_, Block>]) -> Vec<Piece> {
    let mut found = Vec::new();
    for block in blocks {
        match block.as_ref() {
            Block::Heading { text, .. } | Block::Paragraph { text } => paragraph(text, &mut found),
            Block::List { ordered, items } => list(*ordered, items, &mut found),
            Block::Table { header, rows } => table(header, rows, &mut found),
            Block::Code { language, text } => code(language.as_deref(), text, &mut found),
        }
    }
    found
}

fn paragraph(text: &str, found: &mut Vec<Piece>) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    if text.chars().count() <= MAX {
        found.push(Piece::new(text.to_owned()));
    } else {
        prose(text, found);
    }
    if let Some(last) = found.last_mut() {
        last.leads = last.text.ends_with([':', '：']);
    }
}

fn list(ordered: bool, items: &[String], found: &mut Vec<Piece>) {
    let mut number = 0;
    // An item with the deeper ones below it.
    let mut groups: Vec<String> = Vec::new();
    for item in items {
        let indent = item.len() - item.trim_start_matches(' ').len();
        let text = item.trim();
        if text.is_empty() {
            continue;
        }
        let marker = if ordered && indent == 0 {
            number += 1;
            format!("{number}. ")
        } else if has_number(text) {
            String::new()
        } else {
            "- ".to_owned()
        };
        // What else an item says stands below its first words, so that it does not look like a new block.
        let below = format!("\n{}  ", &item[..indent]);
        let text = text.split('\n').filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join(&below);
        let line = format!("{}{marker}{text}", &item[..indent]);
        match groups.last_mut() {
            Some(group) if indent > 0 && group.chars().count() + line.chars().count() < LIST => {
                group.push('\n');
                group.push_str(&line);
            }
            _ => groups.push(line),
        }
    }
    joined(groups, LIST, found);
}

/// `3. Press Save`: extraction writes the numbers into items it had to part from the first ones.
fn has_number(item: &str) -> bool {
    let rest = item.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < item.len() && (rest.starts_with(". ") || rest.starts_with(") "))
}

fn table(header: &[String], rows: &[Vec<String>], found: &mut Vec<Piece>) {
    let head = row(header);
    let mut part = head.clone();
    let mut length = part.chars().count();
    let mut has_rows = false;
    for cells in rows {
        let line = row(cells);
        if line.is_empty() {
            continue;
        }
        let chars = line.chars().count();
        // The header row is repeated, so nothing is lost by parting a table.
        if has_rows && length + 1 + chars > MAX {
            found.push(Piece::new(std::mem::replace(&mut part, head.clone())));
            length = part.chars().count();
        }
        if !part.is_empty() {
            part.push('\n');
        }
        part.push_str(&line);
        length += 1 + chars;
        has_rows = true;
    }
    if !part.is_empty() {
        bounded(part, found);
    }
}

/// One line a row, whatever the cells hold.
fn row(cells: &[String]) -> String {
    if cells.iter().all(|cell| cell.trim().is_empty()) {
        return String::new();
    }
    let cells: Vec<String> =
        cells.iter().map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    cells.join(" | ")
}

fn code(language: Option<&str>, text: &str, found: &mut Vec<Piece>) {
    let text = text.trim_matches(['\n', '\r']).trim_end();
    if text.trim().is_empty() {
        return;
    }
    // A fence longer than any in the code itself.
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    let language = language.unwrap_or_default();
    for part in cut::lines(text, CODE) {
        found.push(Piece::new(format!("{fence}{language}\n{part}\n{fence}")));
    }
}

/// Lines in pieces: whole when they fit into `whole` characters, otherwise in parts of about the target.
fn joined(lines: Vec<String>, whole: usize, found: &mut Vec<Piece>) {
    let total: usize = lines.iter().map(|line| line.chars().count() + 1).sum();
    let limit = if total <= whole { whole } else { TARGET };
    let mut part = String::new();
    let mut length = 0;
    let mut first = true;
    let mut finish = |part: &mut String| {
        let from = found.len();
        bounded(std::mem::take(part), found);
        for piece in &mut found[from..] {
            // The parts of one long item keep the gap of prose.
            if !first && piece.gap == BLOCK {
                piece.gap = LINE;
            }
            first = false;
        }
    };
    for line in lines {
        let chars = line.chars().count();
        if !part.is_empty() && length + 1 + chars > limit {
            finish(&mut part);
            length = 0;
        }
        if !part.is_empty() {
            part.push('\n');
        }
        part.push_str(&line);
        length += 1 + chars;
    }
    if !part.is_empty() {
        finish(&mut part);
    }
}

/// An item or a row that is longer than a chunk is cut like prose.
fn bounded(text: String, found: &mut Vec<Piece>) {
    let piece = Piece::new(text);
    if piece.chars <= MAX {
        found.push(piece);
    } else {
        prose(&piece.text, found);
    }
}

fn prose(text: &str, found: &mut Vec<Piece>) {
    let parts = cut::prose(text, TARGET, MAX).into_iter().map(Piece::new);
    let joined = parts.enumerate().map(|(n, part)| if n > 0 { Piece { gap: WORD, ..part } } else { part });
    found.extend(joined);
}
