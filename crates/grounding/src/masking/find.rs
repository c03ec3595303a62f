//! All the personal data of a text.

use std::ops::Range;

use super::token::{self, Kind};
use super::{email, number};

/// A value where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) range: Range<usize>,
    pub(crate) kind: Kind,
    /// What is equal in all spellings of the value.
    pub(crate) normal: String,
}

/// In their order, none overlapping another. What looks like a token wins over all, an address over its digits.
///
/// A span neither begins nor ends inside a word: what is put in its place joins nothing to another token.
pub(crate) fn find(text: &str) -> Vec<Span> {
    let mut found: Vec<Span> = token::tokens(text)
        .map(|token| {
            let normal = text[token.range.clone()].to_owned();
            Span { range: token.range, kind: Kind::Literal, normal }
        })
        .collect();
    add(&mut found, email::find(text));
    add(&mut found, number::find(text));
    found
}

/// Merges two ordered lists; what overlaps one of the first is left out.
fn add(found: &mut Vec<Span>, more: Vec<Span>) {
    let mut kept = found.iter().map(|span| span.range.clone()).peekable();
    let mut free = |span: &Span| {
        while kept.next_if(|range| range.end <= span.range.start).is_some() {}
        kept.peek().is_none_or(|range| range.start >= span.range.end)
    };
    let more: Vec<Span> = more.into_iter().filter(|span| free(span)).collect();
    found.extend(more);
    found.sort_by_key(|span| span.range.start);
}
