//! Cutting text that is too long, where it hurts least: between sentences, between words, anywhere.

use crate::sentences::sentences;

/// At most `limit` characters from the beginning, ending with a word if one ends in the second half.
pub(super) fn head(text: &str, limit: usize) -> &str {
    let Some((end, _)) = text.char_indices().nth(limit) else { return text };
    let cut = &text[..end];
    if text[end..].starts_with(char::is_whitespace) {
        return cut.trim_end();
    }
    match cut.rfind(char::is_whitespace) {
        Some(space) if space >= end / 2 => cut[..space].trim_end(),
        _ => cut,
    }
}

/// Prose in parts of about `target` characters and at most `max`, cut between sentences; a sentence longer
/// than `max` is cut between words.
pub(super) fn prose(text: &str, target: usize, max: usize) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut length = 0;
    for range in sentences(text) {
        for part in words(&text[range], max) {
            let chars = part.chars().count();
            match parts.last_mut() {
                Some(last) if length + 1 + chars <= target => {
                    last.push(' ');
                    last.push_str(part);
                    length += 1 + chars;
                }
                _ => {
                    parts.push(part.to_owned());
                    length = chars;
                }
            }
        }
    }
    parts
}

/// Parts of at most `max` characters, cut between words where there are any.
pub(super) fn words(text: &str, max: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let part = head(rest, max);
        parts.push(part);
        rest = rest[part.len()..].trim_start();
    }
    parts
}

/// Lines in groups of at most `max` characters; a longer line is cut.
pub(super) fn lines(text: &str, max: usize) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut length = 0;
    for line in text.lines() {
        let mut rest = line;
        loop {
            let end = rest.char_indices().nth(max).map_or(rest.len(), |(end, _)| end);
            let (part, more) = rest.split_at(end);
            let chars = part.chars().count();
            match parts.last_mut() {
                Some(last) if length + 1 + chars <= max => {
                    last.push('\n');
                    last.push_str(part);
                    length += 1 + chars;
                }
                _ => {
                    parts.push(part.to_owned());
                    length = chars;
                }
            }
            if more.is_empty() {
                break;
            }
            rest = more;
        }
    }
    parts
}
