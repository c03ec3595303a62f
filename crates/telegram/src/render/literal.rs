//! Where Markdown would see markup and people see their own characters.

use std::ops::Range;

use pulldown_cmark::{Event, Tag, TagEnd};

/// Whether there is no markup at all: paragraphs whose words are those of the source.
pub(super) fn is_plain(source: &str, events: &[(Event<'_>, Range<usize>)]) -> bool {
    let mut words = String::with_capacity(source.len());
    for (event, _) in events {
        match event {
            Event::Text(text) => words.extend(text.chars().filter(|c| !c.is_whitespace())),
            Event::Start(Tag::Paragraph)
            | Event::End(TagEnd::Paragraph)
            | Event::SoftBreak
            | Event::HardBreak => {}
            _ => return false,
        }
    }
    source.chars().filter(|c| !c.is_whitespace()).eq(words.chars())
}

/// The characters at both ends of an emphasis that are no markup: stars between the letters and digits of one
/// word (`2*3*4`), and a single `~`, which people write for "about".
pub(super) fn marker(tag: &Tag<'_>, source: &str, start: usize, end: usize) -> Option<&'static str> {
    let emphasis = &source[start..end];
    let before = source[..start].chars().next_back().is_some_and(char::is_alphanumeric);
    let after = source[end..].chars().next().is_some_and(char::is_alphanumeric);
    match tag {
        Tag::Strikethrough => (!emphasis.starts_with("~~")).then_some("~"),
        _ if !(before && after && emphasis.starts_with('*')) => None,
        Tag::Strong => Some("**"),
        _ => Some("*"),
    }
}

/// Whether a link is written as `[12]…`: its brackets are those of a citation.
pub(super) fn is_citation(link: &str) -> bool {
    let label = link.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    label.is_some_and(|(digits, _)| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}
