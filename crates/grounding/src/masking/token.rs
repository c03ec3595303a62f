//! Tokens as they are written, and as a model gives them back.

use std::ops::Range;

/// What a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Phone,
    Email,
    Card,
    Passport,
    Inn,
    Snils,
    /// What looked like a token already in the text given: hidden, so that it is never taken for one of ours.
    Literal,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Phone, Self::Email, Self::Card, Self::Passport, Self::Inn, Self::Snils, Self::Literal];

    /// Its name in tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "PHONE",
            Self::Email => "EMAIL",
            Self::Card => "CARD",
            Self::Passport => "PASSPORT",
            Self::Inn => "INN",
            Self::Snils => "SNILS",
            Self::Literal => "LITERAL",
        }
    }
}

/// A token in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
    pub(super) number: usize,
    pub(super) spelling: usize,
}

/// `[PHONE_1]`, for another spelling than the first `[PHONE_1_2]`.
pub(super) fn write(kind: Kind, number: usize, spelling: usize) -> String {
    match spelling {
        1 => format!("[{}_{number}]", kind.as_str()),
        _ => format!("[{}_{number}_{spelling}]", kind.as_str()),
    }
}

/// The tokens of a text in their order, written as [`write`] does it or nearly so.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Token> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() {
            let start = at + text[at..].find(may_begin)?;
            if let Read::Token(token) = read(text, start) {
                at = token.range.end;
                return Some(token);
            }
            at = start + 1;
        }
        None
    })
}

/// Up to where a text that goes on can be read: before a token at its end that may not be complete.
pub(super) fn settled(text: &str) -> usize {
    // The longest unfinished token that is waited for: brackets, a name, two numbers, spaces.
    const LONGEST: usize = 48;
    let from = text.floor_char_boundary(text.len().saturating_sub(LONGEST));
    let mut at = from;
    while let Some(begin) = text[at..].find(may_begin) {
        match read(text, at + begin) {
            Read::Partial => return at + begin,
            // More digits may come, or a separator.
            Read::Token(token)
                if matches!(&text[token.range.end..], "" | "\\")
                    && !text[token.range.clone()].ends_with(']') =>
            {
                return token.range.start;
            }
            Read::Token(token) => at = token.range.end,
            Read::Other => at += begin + 1,
        }
    }
    text.len()
}

fn may_begin(c: char) -> bool {
    matches!(c, '[' | '\\' | 'P' | 'E' | 'C' | 'I' | 'S' | 'L')
}

enum Read {
    Token(Token),
    /// The text ended before it could be told.
    Partial,
    Other,
}

/// What begins at `start`, which is at one of the characters that may begin a token.
fn read(text: &str, start: usize) -> Read {
    let bytes = text.as_bytes();
    let mut reader = Reader { bytes, at: start };
    let escaped = reader.take(b'\\');
    if escaped && reader.at == bytes.len() {
        return Read::Partial;
    }
    let bracket = reader.take(b'[');
    if escaped && !bracket {
        return Read::Other;
    }
    if !bracket {
        // `MY_PHONE_1` is another name; `[PHONE_1` lost its end, and may have been `[PHONE_12]`.
        let before = text[..start].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '[' | '\\')) {
            return Read::Other;
        }
    }
    reader.spaces(bracket);
    let Some(kind) = reader.name(bracket) else {
        return if reader.is_name_begun(bracket) { Read::Partial } else { Read::Other };
    };
    if !reader.separator(bracket) {
        return reader.or_partial();
    }
    let Some(number) = reader.number() else { return reader.or_partial() };
    let mut spelling = 1;
    let before = reader.at;
    if reader.separator(false) {
        match reader.number() {
            Some(read) => spelling = read,
            None if reader.at == bytes.len() => return Read::Partial,
            None => reader.at = before,
        }
    }
    if bracket {
        reader.spaces(true);
        let end_escaped = reader.take(b'\\');
        if !reader.take(b']') {
            return reader.or_partial();
        }
        // A backslash is part of the token only when both brackets have one.
        if escaped != end_escaped {
            if end_escaped {
                return Read::Other;
            }
            return Read::Token(Token { range: start + 1..reader.at, kind, number, spelling });
        }
    } else if text[reader.at..].starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        return Read::Other;
    }
    Read::Token(Token { range: start..reader.at, kind, number, spelling })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, byte: u8) -> bool {
        let taken = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(taken);
        taken
    }

    fn spaces(&mut self, allowed: bool) {
        // More would be no slip of a model.
        for _ in 0..2 {
            if !allowed || !self.take(b' ') {
                return;
            }
        }
    }

    /// Any case inside brackets, capitals without.
    fn name(&mut self, any_case: bool) -> Option<Kind> {
        let rest = &self.bytes[self.at..];
        let kind = Kind::ALL.into_iter().find(|kind| {
            let name = kind.as_str().as_bytes();
            rest.get(..name.len()).is_some_and(|begin| same(begin, name, any_case))
        })?;
        self.at += kind.as_str().len();
        Some(kind)
    }

    /// Whether the text ends within a name, or right before it.
    fn is_name_begun(&self, any_case: bool) -> bool {
        let rest = &self.bytes[self.at..];
        Kind::ALL.iter().any(|kind| {
            kind.as_str().as_bytes().get(..rest.len()).is_some_and(|begin| same(rest, begin, any_case))
        })
    }

    /// `_`, also as Markdown escapes it; inside brackets also a hyphen, spaces or nothing.
    fn separator(&mut self, loose: bool) -> bool {
        let before = self.at;
        self.spaces(loose);
        self.take(b'\\');
        let found = self.take(b'_') || (loose && self.take(b'-'));
        self.spaces(loose && found);
        if !found && !loose {
            self.at = before;
        }
        found || loose
    }

    /// A number too large to be ours is one all the same: nobody's.
    fn number(&mut self) -> Option<usize> {
        let digits = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let read = &self.bytes[self.at..self.at + digits];
        self.at += digits;
        (digits > 0).then(|| {
            let digit =
                |number: usize, byte: &u8| number.saturating_mul(10).saturating_add(usize::from(byte - b'0'));
            read.iter().fold(0, digit)
        })
    }

    const fn or_partial(&self) -> Read {
        if self.at == self.bytes.len() { Read::Partial } else { Read::Other }
    }
}

fn same(one: &[u8], other: &[u8], any_case: bool) -> bool {
    if any_case { one.eq_ignore_ascii_case(other) } else { one == other }
}
