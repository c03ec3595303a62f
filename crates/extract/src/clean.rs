//! Characters no document keeps, wherever they came from: the bytes, or a character reference.
//!
//! NUL, which PostgreSQL stores in no text; other control characters; and what is invisible but cuts words in
//! two (soft hyphens, zero-width spaces) or hides a text in another one (direction overrides, tag
//! characters).

use contract::{Block, Document};

/// Cleans every text of a document, in place, and drops what is empty afterwards.
pub(crate) fn document(document: &mut Document) {
    for text in texts(document) {
        clean(text);
    }
    document.title.take_if(|title| title.trim().is_empty());
    document.blocks.retain(|block| match block {
        Block::Heading { text, .. } | Block::Paragraph { text } | Block::Code { text, .. } => {
            !text.trim().is_empty()
        }
        Block::List { items, .. } => !items.is_empty(),
        Block::Table { header, rows } => {
            header.iter().chain(rows.iter().flatten()).any(|cell| !cell.is_empty())
        }
    });
}

/// Bytes of all texts of a document.
pub(crate) fn bytes(document: &Document) -> usize {
    let of_blocks: usize = document
        .blocks
        .iter()
        .map(|block| match block {
            Block::Heading { text, .. } | Block::Paragraph { text } | Block::Code { text, .. } => text.len(),
            Block::List { items, .. } => items.iter().map(String::len).sum(),
            Block::Table { header, rows } => {
                header.iter().chain(rows.iter().flatten()).map(String::len).sum()
            }
        })
        .sum();
    of_blocks + document.title.as_ref().map_or(0, String::len)
}

fn texts(document: &mut Document) -> impl Iterator<Item = &mut String> {
    let Document { title, url, tags, blocks } = document;
    let of_blocks = blocks.iter_mut().flat_map(|block| -> Box<dyn Iterator<Item = &mut String>> {
        match block {
            Block::Heading { text, .. } | Block::Paragraph { text } => Box::new(std::iter::once(text)),
            Block::Code { language, text } => Box::new(language.iter_mut().chain(std::iter::once(text))),
            Block::List { items, .. } => Box::new(items.iter_mut()),
            Block::Table { header, rows } => Box::new(header.iter_mut().chain(rows.iter_mut().flatten())),
        }
    });
    title.iter_mut().chain(url.iter_mut()).chain(tags.iter_mut()).chain(of_blocks)
}

fn clean(text: &mut String) {
    // Nearly every text is clean: looking is cheaper than copying.
    if text.contains(is_dropped) {
        text.retain(|character| !is_dropped(character));
    }
}

/// Whether a character is no part of any text.
pub(crate) fn is_dropped(character: char) -> bool {
    match character {
        '\t' | '\n' => false,
        // Soft hyphen, Mongolian vowel separator, zero-width space, word joiner, byte order mark. Direction
        // overrides and isolates; tag characters. Zero-width joiners stay: emoji and Farsi need them.
        '\u{AD}'
        | '\u{180E}'
        | '\u{200B}'
        | '\u{2060}'
        | '\u{FEFF}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2066}'..='\u{2069}'
        | '\u{E0000}'..='\u{E007F}' => true,
        _ => character.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_or_invisible_character_is_left() {
        let mut dirty = Document {
            title: Some("Ti\u{0}tle".to_owned()),
            url: None,
            tags: vec![],
            blocks: vec![
                Block::Paragraph {
                    text: "со\u{AD}кра\u{200B}щение\u{202E}\u{E0041}\u{1b}".to_owned()
                },
                Block::Paragraph { text: "\u{0}\u{7f}".to_owned() },
            ],
        };
        document(&mut dirty);
        assert_eq!(dirty.title.as_deref(), Some("Title"));
        assert_eq!(dirty.blocks, [Block::Paragraph { text: "сокращение".to_owned() }]);
    }
}
