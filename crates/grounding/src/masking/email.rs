//! E-mail addresses, also with Russian letters (`почта@пример.рф`).

use super::find::Span;
use super::token::Kind;

/// Longest local part (RFC 5321, 4.5.3.1.1), in bytes.
const LOCAL: usize = 64;
/// Longest domain (RFC 1035, 2.3.4), in bytes.
const DOMAIN: usize = 255;

pub(super) fn find(text: &str) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let floor = found.last().map_or(0, |last| last.range.end);
        if let (Some(start), Some(end)) = (local(text, floor, at), domain(text, at + 1)) {
            let normal = text[start..end].to_lowercase();
            found.push(Span { range: start..end, kind: Kind::Email, normal });
        }
    }
    found
}

/// Where the local part begins that ends at `at`; not before `floor`.
fn local(text: &str, floor: usize, at: usize) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    let from = text.ceil_char_boundary(floor.max(at.saturating_sub(LOCAL)));
    let before = &text[from..at];
    let start = from
        + before
            .rfind(|c| !part(c))
            .map_or(0, |last| last + before[last..].chars().next().map_or(1, char::len_utf8));
    // Dots and signs in front of it are the sentence's.
    let start = start + text[start..at].find(char::is_alphanumeric)?;
    let whole = text[..start].chars().next_back().is_none_or(|c| !part(c) || !c.is_alphanumeric());
    whole.then_some(start)
}

/// Where the domain ends that begins at `at`: labels with dots, the last of letters alone.
fn domain(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    let limit = rest.floor_char_boundary(DOMAIN);
    let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    let length = rest[..limit].find(|c| !part(c)).unwrap_or(limit);
    if rest[length..].starts_with(char::is_alphanumeric) {
        return None;
    }
    let domain = rest[..length].trim_end_matches(['.', '-']);
    let (name, last) = domain.rsplit_once('.')?;
    let labels = name.split('.').all(|label| !label.is_empty() && !label.starts_with('-'));
    let top =
        last.chars().count() >= 2 && (last.chars().all(char::is_alphabetic) || last.starts_with("xn--"));
    // `git@host.org:path` is where a repository lies.
    let path =
        rest[domain.len()..].strip_prefix(':').is_some_and(|path| path.starts_with(char::is_alphabetic));
    (labels && top && !path).then_some(at + domain.len())
}
