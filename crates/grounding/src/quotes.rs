//! The sentence of a passage that supports an answer best: what a citation quotes.

use knowledge::sentences::sentences;

use crate::Passage;
use crate::citations::stems;

/// Characters of a quote at the most.
pub const LONGEST: usize = 300;

/// The sentence of the passage that has most of the words of `claims`, verbatim; cut at a word, with `…`, when it is
/// longer than [`LONGEST`]. The first one of equals; empty for an empty passage.
pub fn quote(passage: &Passage<'_>, claims: &[&str]) -> String {
    let claimed: Vec<_> = claims.iter().map(|claim| stems(claim)).collect();
    let mut best: Option<(usize, usize, &str)> = None;
    for line in passage.text.lines() {
        for range in sentences(line) {
            let sentence = &line[range];
            let words = stems(sentence);
            let shared = claimed.iter().map(|claim| claim.intersection(&words).count()).max().unwrap_or(0);
            // Of two that have as much, the shorter one says less else.
            let better = best.is_none_or(|(most, length, _)| {
                shared > most || (shared == most && shared > 0 && words.len() < length)
            });
            if better && !words.is_empty() {
                best = Some((shared, words.len(), sentence));
            }
        }
    }
    best.map(|(_, _, sentence)| cut(sentence)).unwrap_or_default()
}

fn cut(sentence: &str) -> String {
    let Some((end, _)) = sentence.char_indices().nth(LONGEST) else { return sentence.to_owned() };
    let head = &sentence[..end];
    let word = head.rfind(char::is_whitespace).unwrap_or(end);
    format!("{}…", head[..word].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(text: &str) -> Passage<'_> {
        Passage { title: "", heading: &[], text, url: None }
    }

    #[test]
    fn the_sentence_that_says_it_is_quoted() {
        let text = "Refunds are simple. We return money within 14 days.\nExchanges take 30 days.";
        assert_eq!(
            quote(&passage(text), &["Money is returned in 14 days."]),
            "We return money within 14 days."
        );
        assert_eq!(quote(&passage(text), &["Exchange: 30 days"]), "Exchanges take 30 days.");
        assert_eq!(quote(&passage(text), &["Что-то другое"]), "Refunds are simple.");
        assert_eq!(quote(&passage(""), &["a"]), "");
    }

    #[test]
    fn a_long_sentence_is_cut_at_a_word() {
        let text = "слово ".repeat(100);
        let quote = quote(&passage(&text), &["слово"]);
        assert!(quote.chars().count() <= LONGEST + 1 && quote.ends_with("слово…"));
    }
}
