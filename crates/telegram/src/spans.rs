//! Spans put in order: within the text, nested or apart, nothing inside code.
//!
//! Telegram repairs most of what is wrong with entities and refuses the rest; what we store and split must not
//! depend on which.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::mem::discriminant;

use contract::{Span, Style};

/// Whether Telegram shows it as it is, so that nothing else can be within it.
pub(crate) const fn is_code(style: &Style) -> bool {
    matches!(style, Style::Code | Style::Pre { .. })
}

pub(crate) const fn end(span: &Span) -> u32 {
    span.start.saturating_add(span.length)
}

/// The same formatting without what cannot be: spans are clipped to `0..units`, a span that crosses another is cut
/// where that one ends, and what lies within code or within a span of its own kind is left out.
pub(crate) fn tidy(spans: Vec<Span>, units: u32) -> Vec<Span> {
    let mut waiting: Vec<Span> = spans.into_iter().filter_map(|span| part(&span, 0, units)).collect();
    waiting.sort_by_key(order);
    let mut waiting = VecDeque::from(waiting);
    let mut done: Vec<Span> = Vec::with_capacity(waiting.len());
    // Indices into `done` of the spans that are open where the next one starts: each lies within the one before.
    let mut open: Vec<usize> = Vec::new();
    while let Some(span) = waiting.pop_front() {
        open.retain(|&at| end(&done[at]) > span.start);
        let shut = open.iter().map(|&at| &done[at]).filter(|outer| shuts_out(outer, &span)).map(end).max();
        if let Some(shut) = shut {
            later(&mut waiting, part(&span, shut, end(&span)));
            continue;
        }
        let inner = open.last().map_or(u32::MAX, |&at| end(&done[at]));
        later(&mut waiting, part(&span, inner, end(&span)));
        if let Some(span) = part(&span, span.start, inner) {
            open.push(done.len());
            done.push(span);
        }
    }
    done
}

/// What of a span lies in `from..to`, if anything does.
pub(crate) fn part(span: &Span, from: u32, to: u32) -> Option<Span> {
    let (start, end) = (span.start.max(from), end(span).min(to));
    (start < end).then(|| Span { start, length: end - start, style: span.style.clone() })
}

fn shuts_out(outer: &Span, inner: &Span) -> bool {
    is_code(&outer.style) || discriminant(&outer.style) == discriminant(&inner.style)
}

/// Outer before inner; code is the innermost.
fn order(span: &Span) -> (u32, Reverse<u32>, bool) {
    (span.start, Reverse(span.length), is_code(&span.style))
}

fn later(waiting: &mut VecDeque<Span>, span: Option<Span>) {
    if let Some(span) = span {
        let at = waiting.partition_point(|other| order(other) <= order(&span));
        waiting.insert(at, span);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn span(start: u32, length: u32, style: Style) -> Span {
        Span { start, length, style }
    }

    /// Panics unless the spans of a content are what the protocol promises.
    pub(crate) fn check(content: &contract::Content) {
        let units: Vec<u16> = content.text.encode_utf16().collect();
        for (at, one) in content.spans.iter().enumerate() {
            assert!(one.length > 0, "empty: {one:?}");
            assert!(end(one) as usize <= units.len(), "out of bounds: {one:?} in {} units", units.len());
            let text = &units[one.start as usize..end(one) as usize];
            assert!(String::from_utf16(text).is_ok(), "cuts a character: {one:?}");
            for two in &content.spans[at + 1..] {
                let apart = end(one) <= two.start || end(two) <= one.start;
                let holds = one.start <= two.start && end(two) <= end(one);
                let held = two.start <= one.start && end(one) <= end(two);
                assert!(apart || holds || held, "cross: {one:?} {two:?}");
                assert!(apart || !holds || !is_code(&one.style), "within code: {one:?} {two:?}");
            }
        }
    }

    #[test]
    fn a_crossing_span_is_cut() {
        let spans = tidy(vec![span(0, 6, Style::Bold), span(4, 6, Style::Italic)], 8);
        let expected = [span(0, 6, Style::Bold), span(4, 2, Style::Italic), span(6, 2, Style::Italic)];
        assert_eq!(spans, expected);
    }

    #[test]
    fn nothing_lies_within_code() {
        let inside = vec![span(0, 4, Style::Code), span(1, 6, Style::Bold), span(0, 9, Style::Spoiler)];
        let expected = [span(0, 9, Style::Spoiler), span(0, 4, Style::Code), span(4, 3, Style::Bold)];
        assert_eq!(tidy(inside, 9), expected);
    }

    #[test]
    fn a_span_outside_the_text_or_twice_is_left_out() {
        let twice = vec![span(1, 2, Style::Bold), span(0, 4, Style::Bold), span(9, 2, Style::Italic)];
        assert_eq!(tidy(twice, 4), [span(0, 4, Style::Bold)]);
        assert_eq!(tidy(vec![span(3, u32::MAX, Style::Bold)], 4), [span(3, 1, Style::Bold)]);
    }
}
