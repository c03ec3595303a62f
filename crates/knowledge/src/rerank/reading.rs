//! The words of a passage, read once: what a question looks for in it is found again without reading its text.

use crate::analyser::{Beginning, Written, written};

/// The words of a passage, of its title, its headings and its text. Which one a word is, its text still tells; here is
/// where it stands and how it begins, in 8 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The title, the headings from the outermost, the text.
    pub(super) fields: Box<[Box<[Mark]>]>,
}

/// A word of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// In bytes of its field.
    start: u32,
    /// [`key`] of how it begins.
    pub(super) key: u16,
    /// A sentence ends between the word before and this one.
    pub(super) opens: bool,
}

impl Reading {
    pub fn of(title: &str, heading: &[String], text: &str) -> Self {
        let fields = std::iter::once(title).chain(heading.iter().map(String::as_str)).chain([text]);
        Self { fields: fields.map(marks).collect() }
    }

    /// Of memory, without the allocator's share.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.fields) + self.fields.iter().map(|field| size_of_val(&**field)).sum::<usize>()
    }
}

impl Mark {
    /// The word itself; `field` is what was read.
    pub(super) fn word(self, field: &str) -> Option<Written<'_>> {
        written(field.get(usize::try_from(self.start).ok()?..)?).next()
    }
}

/// Equal for words that begin alike, and for one in 65,536 others.
pub(super) fn key(beginning: Beginning) -> u16 {
    let mixed = beginning.iter().fold(0u32, |mixed, &c| (mixed ^ u32::from(c)).wrapping_mul(0x9e37_79b1));
    // The high half is the well-mixed one.
    (mixed >> 16) as u16
}

fn marks(field: &str) -> Box<[Mark]> {
    let mut marks = Vec::with_capacity(field.len() / 6);
    let mut end = None;
    for word in written(field) {
        let beginning = word.beginning();
        // Nothing but marks that folding takes away.
        if beginning == Beginning::default() {
            continue;
        }
        // A field of 4 GiB has no place here; a chunk has some kilobytes.
        let Ok(start) = u32::try_from(word.start) else { break };
        let opens = end.is_some_and(|end| parts_sentences(&field[end..word.start]));
        end = Some(word.end);
        marks.push(Mark { start, key: key(beginning), opens });
    }
    marks.into()
}

/// Whether a sentence ends in what stands between two words.
fn parts_sentences(between: &str) -> bool {
    between.contains('\n')
        || between.char_indices().any(|(at, c)| {
            matches!(c, '.' | '!' | '?' | '…')
                && between[at + c.len_utf8()..].starts_with(char::is_whitespace)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::{beginning, tokens};

    const TEXT: &str = "Смените Пароль. Then и\u{306}од, see v1.2! \u{301} Ёлка\n№5 ﬁle — end";

    #[test]
    fn its_words_are_those_of_the_text() {
        let reading = Reading::of("", &[], TEXT);
        let words = reading.fields[1].iter().map(|mark| mark.word(TEXT).expect("a word").folded());
        let wanted: Vec<_> = tokens(TEXT).map(|token| token.folded).collect();
        assert_eq!(words.collect::<Vec<_>>(), wanted);
        for (mark, word) in reading.fields[1].iter().zip(&wanted) {
            assert_eq!(mark.key, key(beginning(word)), "{word}");
        }
    }

    #[test]
    fn a_word_tells_whether_it_opens_a_sentence() {
        let reading = Reading::of("", &[], TEXT);
        let opening = reading.fields[1].iter().filter(|mark| mark.opens);
        let opening: Vec<_> = opening.map(|mark| mark.word(TEXT).expect("a word").text).collect();
        assert_eq!(opening, ["Then", "Ёлка", "5"]);
    }

    #[test]
    fn each_field_is_read_apart() {
        let reading = Reading::of("Billing", &["Refunds".to_owned(), "How long".to_owned()], "Five days.");
        assert_eq!(reading.fields.iter().map(|field| field.len()).collect::<Vec<_>>(), [1, 1, 2, 2]);
        assert!(reading.bytes() >= 6 * size_of::<Mark>());
    }
}
