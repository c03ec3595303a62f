//! The text of an answer out of its quotes.

use super::expand::{Fragment, leads};
use super::unit::Kind;
use super::weigh::Read;
use super::{Cited, Extract};

/// Characters of one quote; only a sentence without end is longer.
const QUOTE: usize = 1_400;

/// `None` without quotes.
pub(super) fn composed(read: &[Read<'_>], fragments: &[Fragment]) -> Option<Extract> {
    let fragments = ordered(fragments);
    let mut text = String::new();
    let mut citations: Vec<(usize, Cited)> = Vec::new();
    let mut after_prose = None;
    for fragment in &fragments {
        let from = &read[fragment.passage];
        let known = citations.iter().position(|(passage, _)| *passage == fragment.passage);
        let number = known.unwrap_or(citations.len()) + 1;
        let quotes: Vec<&str> = fragment.runs.iter().map(|run| quote(from, run)).collect();
        let is_prose =
            fragment.runs.iter().flat_map(Clone::clone).all(|unit| from.units()[unit].is_sentence());
        if is_prose && after_prose == Some(fragment.passage) {
            // Sentences of one passage read on, under one mark.
            text.truncate(text.len() - format!(" [{number}]").len());
            text.push_str(" … ");
        } else if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&marked(from, fragment, &quotes, number));
        after_prose = is_prose.then_some(fragment.passage);
        let quote = quotes.join(" … ");
        match known {
            Some(known) => {
                let (_, cited) = &mut citations[known];
                cited.quote.push_str(" … ");
                cited.quote.push_str(&quote);
            }
            None => citations.push((fragment.passage, Cited { passage: from.passage.number, quote })),
        }
    }
    let citations: Vec<Cited> = citations.into_iter().map(|(_, cited)| cited).collect();
    (!citations.is_empty()).then_some(Extract { text, citations })
}

/// The best first, and what comes from the same passage in the passage's order; neighbours are one quote.
fn ordered(fragments: &[Fragment]) -> Vec<Fragment> {
    let mut passages: Vec<usize> = Vec::new();
    for fragment in fragments {
        if !passages.contains(&fragment.passage) {
            passages.push(fragment.passage);
        }
    }
    let mut ordered: Vec<Fragment> = Vec::new();
    for passage in passages {
        let mut same: Vec<Fragment> =
            fragments.iter().filter(|one| one.passage == passage).cloned().collect();
        same.sort_by_key(|fragment| fragment.runs.first().map(|run| run.start));
        for fragment in same {
            match ordered.last_mut().filter(|last| last.passage == passage && touches(last, &fragment)) {
                Some(last) => {
                    if let (Some(end), Some(first)) = (last.runs.last_mut(), fragment.runs.first()) {
                        end.end = first.end;
                    }
                    last.runs.extend(fragment.runs.into_iter().skip(1));
                }
                None => ordered.push(fragment),
            }
        }
    }
    ordered
}

fn touches(one: &Fragment, other: &Fragment) -> bool {
    one.runs.last().map(|run| run.end) == other.runs.first().map(|run| run.start)
}

/// The text of a run of units, with what stands between them.
fn quote<'a>(read: &Read<'a>, run: &std::ops::Range<usize>) -> &'a str {
    let text: &'a str = read.passage.text;
    let (Some(first), Some(last)) = (read.units().get(run.start), read.units().get(run.end - 1)) else {
        return "";
    };
    let quote = &text[first.range.start..last.range.end];
    // A deeper item alone has nothing to be indented against.
    let quote = quote.trim_start();
    quote.char_indices().nth(QUOTE).map_or(quote, |(end, _)| &quote[..end])
}

/// The quotes of a fragment with their mark: behind the line that introduces, otherwise at the end.
fn marked(read: &Read<'_>, fragment: &Fragment, quotes: &[&str], number: usize) -> String {
    let mark = format!("[{number}]");
    let first = fragment.runs.first().map_or(0, |run| run.start);
    let last = fragment.runs.last().map_or(0, |run| run.end - 1);
    let whole = quotes.join("\n");
    if read.units()[first].is_sentence() && leads(read, first) && last > first {
        let end = read.text(first).trim_start().len().min(whole.len());
        if whole.is_char_boundary(end) {
            return format!("{} {mark}{}", &whole[..end], &whole[end..]);
        }
    }
    // A mark inside a fence would be code.
    let gap = if read.units()[last].kind == Kind::Code { "\n" } else { " " };
    format!("{whole}{gap}{mark}")
}
