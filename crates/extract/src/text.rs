//! Plain text: paragraphs between blank lines.
//!
//! A line that looks like a heading stays a paragraph: whether `1. Setup` is a heading, the first point of a
//! list or a sentence cannot be known. Line breaks inside a paragraph are kept: they may be an address or a
//! table.

use contract::{Block, Document};

use crate::{
    Reading,
    encoding::decode,
    error::{ExtractError, Resource},
    limits::Limits,
};

pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Reading, ExtractError> {
    let text = decode(bytes, None)?;
    limits.check(Resource::Text, text.len())?;
    let document = Document { blocks: paragraphs(&text), ..Document::default() };
    Ok(Reading { document, front_matter: false })
}

fn paragraphs(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut paragraph = String::new();
    for line in lines(text) {
        let line = line.trim_end();
        if line.trim_start().is_empty() {
            finish(&mut paragraph, &mut blocks);
        } else {
            if !paragraph.is_empty() {
                paragraph.push('\n');
            }
            paragraph.push_str(line);
        }
    }
    finish(&mut paragraph, &mut blocks);
    blocks
}

/// Lines however they end, old Macintosh included. A form feed ends a paragraph, as a page does.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\u{c}').flat_map(|page| {
        page.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r')).chain([""])
    })
}

fn finish(paragraph: &mut String, blocks: &mut Vec<Block>) {
    let text = std::mem::take(paragraph);
    if !text.is_empty() {
        // The indentation of the first line says nothing without the lines above it.
        blocks.push(Block::Paragraph { text: text.trim_start().to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let Reading { document, .. } = read(text.as_bytes(), &Limits::default()).unwrap();
        document
            .blocks
            .into_iter()
            .map(|block| match block {
                Block::Paragraph { text } => text,
                other => panic!("{other:?} in plain text"),
            })
            .collect()
    }

    #[test]
    fn blank_lines_divide_paragraphs_however_lines_end() {
        assert_eq!(texts("# One\n\n\n  two\n  three  \n \t\nfour"), ["# One", "two\n  three", "four"]);
        assert_eq!(texts("a\r\n\r\nb\r\nc\r\n"), ["a", "b\nc"]);
        assert_eq!(texts("a\r\rb\rc"), ["a", "b\nc"]);
        assert_eq!(texts("page one\u{c}page two"), ["page one", "page two"]);
    }

    #[test]
    fn a_text_over_the_limit_is_refused() {
        let limits = Limits { text: 10, ..Limits::default() };
        let error = read(b"01234567890", &limits).unwrap_err();
        assert_eq!(error, ExtractError::TooLarge { what: Resource::Text, limit: 10 });
    }
}
