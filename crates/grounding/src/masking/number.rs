//! Groups of digits, and which of them are somebody's: telephone, card, document.
//!
//! A run of groups ("8 800 555-35-35 и 2024") may hold several numbers and things that are none, so every stretch of
//! its groups is looked at, the longest first. A stretch begins and ends where a number can: not inside a word, a
//! version, a date, a UUID.

use std::ops::Range;

use super::find::Span;
use super::token::Kind;
use super::{document, phone};

/// Groups one number may have: a telephone of pairs.
const GROUPS: usize = 7;
/// Bytes before a number in which it may be named ("ИНН организации:").
const CONTEXT: usize = 64;

/// Some groups of digits, with what stands around them.
#[derive(Debug)]
pub(super) struct Number<'a> {
    pub(super) digits: String,
    /// Digits in each group.
    pub(super) groups: Vec<usize>,
    /// What parts them, one less than groups.
    pub(super) separators: Vec<&'a str>,
    pub(super) plus: bool,
    /// The first group stands in brackets, or the second after a country's code.
    pub(super) brackets: bool,
    /// What stands before it, in lower case.
    pub(super) before: String,
    /// There is nothing else in the text.
    pub(super) alone: bool,
}

impl Number<'_> {
    pub(super) fn is_named(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.before.contains(name))
    }

    /// The digits stand together.
    pub(super) fn is_solid(&self) -> bool {
        self.groups.len() == 1
    }

    /// `1 234 567`: groups of three behind a first one of three at most.
    pub(super) fn is_amount(&self) -> bool {
        self.groups.len() > 1
            && self.groups[0] <= 3
            && self.groups[1..].iter().all(|&group| group == 3)
            && self.separators.iter().all(|separator| separator.trim().is_empty() || *separator == ".")
    }

    /// `№ 123`, `#123`: the number of an order.
    pub(super) fn is_numbered(&self) -> bool {
        self.before.trim_end().ends_with(['№', '#'])
    }
}

pub(super) fn find(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    for run in runs(text) {
        let mut first = 0;
        while first < run.len() {
            match longest(text, &run, first) {
                Some((groups, span)) => {
                    first += groups;
                    found.push(span);
                }
                None => first += 1,
            }
        }
    }
    found
}

/// The longest number that begins with a group, and of how many groups it is.
fn longest(text: &str, run: &[Range<usize>], first: usize) -> Option<(usize, Span)> {
    let most = GROUPS.min(run.len() - first);
    (1..=most).rev().find_map(|count| {
        let groups = &run[first..first + count];
        let range = bounds(text, groups)?;
        let number = number(text, groups, &range);
        let kind = kind(&number)?;
        let normal = match kind {
            Kind::Phone => phone::normal(&number),
            _ => number.digits,
        };
        Some((count, Span { range, kind, normal }))
    })
}

fn kind(number: &Number<'_>) -> Option<Kind> {
    if number.is_numbered() && !number.is_named(&["паспорт", "passport"]) {
        return None;
    }
    if document::is_card(number) {
        Some(Kind::Card)
    } else if document::is_snils(number) {
        Some(Kind::Snils)
    } else if document::is_inn(number) {
        Some(Kind::Inn)
    } else if document::is_passport(number) {
        Some(Kind::Passport)
    } else if phone::is_phone(number) {
        Some(Kind::Phone)
    } else {
        None
    }
}

/// Groups of digits that little stands between, as byte ranges.
fn runs(text: &str) -> Vec<Vec<Range<usize>>> {
    let mut runs: Vec<Vec<Range<usize>>> = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(begin) = text[at..].find(|c: char| c.is_ascii_digit()) {
        let start = at + begin;
        let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        at = start + length;
        let joined =
            runs.last_mut().filter(|run| run.last().is_some_and(|last| is_separator(&text[last.end..start])));
        match joined {
            Some(run) => run.push(start..at),
            None => runs.push(std::iter::once(start..at).collect()),
        }
    }
    runs
}

/// What may stand between two groups of one number.
fn is_separator(between: &str) -> bool {
    // ` (` and `) ` with spaces; ", номер " between the series and the number of a passport.
    const LONGEST: usize = 24;
    if between.len() > LONGEST {
        return false;
    }
    let sign = |c: char| is_space(c) || is_dash(c) || matches!(c, '(' | ')' | '.');
    (between.chars().count() <= 3 && between.chars().all(sign)) || document::names_number(between)
}

pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}')
}

pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Where the number of these groups begins and ends, its sign and bracket with it. `None` inside a word, a version, a
/// date.
fn bounds(text: &str, groups: &[Range<usize>]) -> Option<Range<usize>> {
    let (first, last) = (groups.first()?, groups.last()?);
    let mut start = first.start;
    let closed = text[first.end..last.end].contains(')');
    for sign in ["(", "+"] {
        if text[..start].ends_with(sign) && (sign == "+" || closed) {
            start -= sign.len();
        }
    }
    let mut before = text[..start].chars().rev();
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '_');
    let free = match before.next() {
        Some(c) if joins(c) => false,
        // `1.2.3`, `2024-01-15`, `a/12`, `x=5.7`: part of something longer.
        Some(c) if is_dash(c) || matches!(c, '.' | ',' | '/' | '\\' | ':' | '+') => {
            !before.next().is_some_and(char::is_alphanumeric)
        }
        _ => true,
    };
    let mut after = text[last.end..].chars();
    let ends = match after.next() {
        Some(c) if joins(c) || c == '%' => false,
        Some(c) if is_dash(c) || matches!(c, '.' | ',' | '/' | ':' | '@') => {
            !after.next().is_some_and(char::is_alphanumeric)
        }
        _ => true,
    };
    (free && ends).then_some(start..last.end)
}

fn number<'a>(text: &'a str, groups: &[Range<usize>], range: &Range<usize>) -> Number<'a> {
    let from = text.ceil_char_boundary(range.start.saturating_sub(CONTEXT));
    // What another line names is not this number.
    let line = text[from..range.start].rsplit('\n').next().unwrap_or_default();
    let separators: Vec<&str> = groups.windows(2).map(|pair| &text[pair[0].end..pair[1].start]).collect();
    Number {
        digits: groups.iter().map(|group| &text[group.clone()]).collect(),
        groups: groups.iter().map(Range::len).collect(),
        plus: text[range.clone()].starts_with('+'),
        brackets: separators.iter().any(|separator| separator.contains(')')),
        separators,
        before: line.to_lowercase(),
        alone: text.trim() == &text[range.clone()],
    }
}
