//! Marks of citations as models write them: `[1]`, `[1, 2]`, `[1][3]`, `[1-3]`, `[^1]`, `【1†source】`, `［１］`,
//! `[Source 2]`, `[1](https://…)`.

use std::ops::Range;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) range: Range<usize>,
    pub(super) numbers: Vec<u32>,
}

/// Bytes of a mark's brackets and what is between them, and bytes of a link behind them.
const LONGEST: usize = 64;
const LINK: usize = 300;
/// More passages are never given; `[404]` is no citation.
const HIGHEST: u32 = 99;
const BRACKETS: [(char, char); 3] = [('[', ']'), ('【', '】'), ('［', '］')];
const OPENING: [char; 3] = [BRACKETS[0].0, BRACKETS[1].0, BRACKETS[2].0];

enum Read {
    Mark(Mark),
    /// The text ended before it could be told; what it is when it ends there.
    Partial(Option<Mark>),
    Other,
}

/// The marks of a text outside inline code, in their order.
pub(super) fn marks(text: &str) -> Vec<Mark> {
    let code = code(text);
    let mut spans = code.iter().peekable();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(OPENING).map(|begin| at + begin) {
        at = text.ceil_char_boundary(start + 1);
        while spans.next_if(|span| span.end <= start).is_some() {}
        if spans.peek().is_none_or(|span| start < span.start)
            && let Read::Mark(mark) | Read::Partial(Some(mark)) = read(text, start)
        {
            at = mark.range.end;
            found.push(mark);
        }
    }
    found
}

/// Inline code with its backticks. It ends on the line it begins on; a backtick without its pair begins none.
pub(super) fn code(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut open = None;
    for (at, sign) in text.match_indices(['`', '\n']) {
        open = match (sign, open) {
            ("`", Some(start)) => {
                spans.push(start..at + 1);
                None
            }
            ("`", None) => Some(at),
            _ => None,
        };
    }
    spans
}

/// Up to where a text that goes on can be read: before a backtick whose line goes on without its pair, and before a mark
/// that may not be complete. No mark has a backtick in it, so neither changes what the other is.
pub(super) fn settled(text: &str) -> usize {
    let line = text.rfind('\n').map_or(0, |at| at + 1);
    let alone = text[line..].matches('`').count() % 2 == 1;
    let text = &text[..text.rfind('`').filter(|_| alone).unwrap_or(text.len())];
    let mut at = 0;
    while let Some(start) = text[at..].find(OPENING).map(|begin| at + begin) {
        at = match read(text, start) {
            Read::Partial(_) => return start,
            Read::Mark(mark) => mark.range.end,
            Read::Other => text.ceil_char_boundary(start + 1),
        };
    }
    text.len()
}

fn read(text: &str, start: usize) -> Read {
    let rest = &text[start..];
    let Some((open, close)) =
        rest.chars().next().and_then(|c| BRACKETS.into_iter().find(|(open, _)| *open == c))
    else {
        return Read::Other;
    };
    let inside = &rest[open.len_utf8()..rest.floor_char_boundary(LONGEST)];
    let Some(length) = inside.find([close, '\n', '`']) else {
        let goes_on = rest.len() < LONGEST;
        return if goes_on { Read::Partial(None) } else { Read::Other };
    };
    if !inside[length..].starts_with(close) {
        return Read::Other;
    }
    let Some(numbers) = numbers(&inside[..length]) else { return Read::Other };
    let mut end = start + open.len_utf8() + length + close.len_utf8();
    if text[end..].starts_with("(http") || text[end..].starts_with("(#") {
        let link = &text[end..text.floor_char_boundary(end + LINK)];
        match link_length(link) {
            Some(length) => end += length,
            None if end + link.len() == text.len() => {
                return Read::Partial(Some(Mark { range: start..text.len(), numbers }));
            }
            None => {}
        }
    }
    Read::Mark(Mark { range: start..end, numbers })
}

/// How many bytes a link is: `(https://…)`, `(https://… "Title")`. One that is never closed ends with its address, so that
/// no backtick and no line's end is in it. `None`: it may go on.
fn link_length(link: &str) -> Option<usize> {
    let address = link.find(|c: char| matches!(c, ')' | '`') || c.is_whitespace())?;
    let rest = link[address..].trim_start_matches(' ');
    if rest.is_empty() {
        return None;
    }
    if rest.starts_with('"') {
        let title = rest.find([')', '`', '\n'])?;
        let closed = usize::from(rest[title..].starts_with(')'));
        return Some(link.len() - rest.len() + title + closed);
    }
    Some(address + usize::from(link[address..].starts_with(')')))
}

/// The numbers a mark names, each once; `None`: it is no mark.
fn numbers(inside: &str) -> Option<Vec<u32>> {
    let mut found = Vec::new();
    // `【1†source】`, `【4:0†file】`.
    let inside = inside.split(['†', ':']).next().filter(|_| inside.contains('†')).unwrap_or(inside);
    for part in inside.split([',', ';', '，']) {
        let part = name(part.trim().trim_start_matches('^')).trim();
        let (first, last) = part.split_once(['-', '–']).unwrap_or((part, part));
        let (first, last) = (number(first.trim())?, number(last.trim())?);
        // `[2-40]` is no list of sources.
        if first > last || last - first > 9 {
            return None;
        }
        for number in first..=last {
            if !found.contains(&number) {
                found.push(number);
            }
        }
    }
    Some(found)
}

/// Without the word in front: `Source 1`, `Источник №1`.
fn name(part: &str) -> &str {
    const NAMES: [&str; 9] =
        ["passage", "source", "document", "doc", "ref", "отрывок", "источник", "фрагмент", "документ"];
    let word = part.find(|c: char| !c.is_alphabetic()).unwrap_or(part.len());
    let known = NAMES.contains(&part[..word].to_lowercase().as_str());
    let rest = if known { &part[word..] } else { part };
    rest.trim_start().trim_start_matches(['#', '№', ':', '^']).trim_start()
}

fn number(digits: &str) -> Option<u32> {
    if digits.is_empty() || digits.chars().count() > 2 {
        return None;
    }
    let read = digits.chars().try_fold(0, |number, c| {
        let digit = match c {
            '０'..='９' => u32::from(c) - u32::from('０'),
            _ => c.to_digit(10)?,
        };
        Some(number * 10 + digit)
    })?;
    (read <= HIGHEST).then_some(read)
}

/// A text without marks, and where they were.
#[derive(Debug, Default)]
pub(super) struct Plain {
    pub(super) text: String,
    cuts: Vec<Cut>,
}

#[derive(Debug)]
struct Cut {
    /// In the plain text.
    at: usize,
    /// Bytes taken out, the space before the mark with it.
    removed: usize,
    numbers: Vec<u32>,
}

impl Plain {
    pub(super) fn of(text: &str) -> Self {
        let mut plain = Self::default();
        let mut end = 0;
        for mark in marks(text) {
            let before = &text[end..mark.range.start];
            let after = text[mark.range.end..].chars().next();
            // The space before a mark goes with it, unless it parts two words.
            let joins = after.is_none_or(|c| !c.is_alphanumeric());
            let kept = if joins { before.trim_end_matches([' ', '\u{a0}']) } else { before };
            plain.text.push_str(kept);
            plain.cuts.push(Cut {
                at: plain.text.len(),
                removed: mark.range.end - end - kept.len(),
                numbers: mark.numbers,
            });
            end = mark.range.end;
        }
        plain.text.push_str(&text[end..]);
        plain
    }

    /// Where a place of the plain text was, before a mark that stood right there.
    pub(super) fn origin(&self, at: usize) -> usize {
        at + self.cuts.iter().take_while(|cut| cut.at < at).map(|cut| cut.removed).sum::<usize>()
    }

    /// What is cited in each of the ranges: a mark belongs to what it follows, at the beginning of a line to what
    /// follows it.
    pub(super) fn cited(&self, ranges: &[Range<usize>]) -> Vec<Vec<u32>> {
        let mut cited: Vec<Vec<u32>> = vec![Vec::new(); ranges.len()];
        for cut in &self.cuts {
            let follows = ranges.partition_point(|range| range.start < cut.at);
            let here = ranges.get(follows).is_some_and(|range| range.start == cut.at);
            let of = if here { follows } else { follows.saturating_sub(1) };
            if let Some(numbers) = cited.get_mut(of) {
                for number in &cut.numbers {
                    if !numbers.contains(number) {
                        numbers.push(*number);
                    }
                }
            }
        }
        cited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<Vec<u32>> {
        marks(text).into_iter().map(|mark| mark.numbers).collect()
    }

    #[test]
    fn marks_are_read_in_all_their_forms() {
        for (text, wanted) in [
            ("a [1].", vec![vec![1]]),
            ("a [1, 2] b[3]", vec![vec![1, 2], vec![3]]),
            ("a [1][3]", vec![vec![1], vec![3]]),
            ("a [1-3]", vec![vec![1, 2, 3]]),
            ("【1】 【2†source】 【4:0†x.md】", vec![vec![1], vec![2], vec![4]]),
            ("[^1] [ 2 ] ［１２］", vec![vec![1], vec![2], vec![12]]),
            ("[Source 2] [источник №1] [passage 1; passage 3]", vec![vec![2], vec![1], vec![1, 3]]),
            ("see [1](https://x.org/a) b", vec![vec![1]]),
        ] {
            assert_eq!(found(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_link_goes_with_its_mark() {
        for (text, wanted) in [
            ("see [1](https://x.org/a) b", "see b"),
            ("see [1](https://x.org/a \"The way\") b", "see b"),
            ("see [1](https://x.org/a b", "see b"),
            ("see [1](https://x.org/a\nb", "see\nb"),
        ] {
            assert_eq!(Plain::of(text).text, wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_mark_is_left() {
        for text in [
            "[x]",
            "[]",
            "[404]",
            "[2024]",
            "`a[1]`",
            "[1, b]",
            "[link](https://x.org)",
            "[a 1]",
            "[3-1]",
            "[1.5]",
        ] {
            assert_eq!(found(text), Vec::<Vec<u32>>::new(), "{text}");
        }
    }

    #[test]
    fn a_mark_that_may_go_on_is_waited_for() {
        for (text, wanted) in [
            ("a [", 2),
            ("a [1", 2),
            ("a [1, ", 2),
            ("a [1](http", 2),
            ("a [1]", 5),
            ("a [x] b", 7),
            ("a ` b [^1`", 10),
            ("a `b` [1", 6),
            ("a [1](http b` c", 12),
            ("a [1](http ", 2),
            ("a [1](http \"b c", 2),
            ("a [1](http`", 2),
        ] {
            assert_eq!(settled(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_mark_belongs_to_what_it_follows() {
        let plain = Plain::of("One. [1] Two [2].\n[3] Three.");
        assert_eq!(plain.text, "One. Two.\n Three.");
        assert_eq!(plain.cited(&[0..4, 5..9, 11..17]), [vec![1], vec![2, 3], vec![]]);
        assert_eq!(plain.origin(5), 9);
    }
}
