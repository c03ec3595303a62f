//! Cutting text into words: where they are, and how they look folded (NFKC, lower case, ё → е, no accents).

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{parts, recipe};

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'text> {
    /// Folded: NFKC, lower case, ё → е, Latin letters without diacritics, no stress marks, no soft hyphens.
    /// Never empty, letters and digits only.
    pub folded: Cow<'text, str>,
    /// Where it begins in the text given, in bytes.
    pub start: usize,
    /// Where it ends in the text given, in bytes, exclusive.
    pub end: usize,
}

/// The words of a text in their order. Anything that is neither a letter nor a digit (nor a mark on one)
/// parts words.
pub fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    written(text).filter_map(|word| {
        let folded = word.folded();
        (!folded.is_empty()).then_some(Token { folded, start: word.start, end: word.end })
    })
}

/// A word as it is written: for who passes most words by after a look at how they begin.
#[derive(Debug, Clone, Copy)]
pub struct Written<'text> {
    pub text: &'text str,
    letters: Letters,
    /// As [`Token::start`].
    pub start: usize,
    /// As [`Token::end`].
    pub end: usize,
}

impl<'text> Written<'text> {
    /// As [`Token::folded`], but empty where there is no letter in it.
    pub fn folded(&self) -> Cow<'text, str> {
        fold(self.text, self.letters)
    }

    /// See [`beginning`]; of the word folded.
    pub fn beginning(&self) -> Beginning {
        match self.letters {
            Letters::Small => beginning(self.text),
            Letters::Ascii => beginning(self.text).map(|letter| letter.to_ascii_lowercase()),
            Letters::Other => beginning(&self.folded()),
        }
    }

    /// The parts of a word that are indexed beside it, folded; most words have none.
    pub fn parts(&self) -> impl Iterator<Item = Cow<'text, str>> + use<'text> {
        let camel = if self.letters == Letters::Ascii { self.text } else { "" };
        let parts = parts::parts(camel).filter(|part| part.len() >= recipe::PART_FROM);
        parts.map(|part| Cow::Owned(part.to_ascii_lowercase()))
    }
}

/// The first letters of a word, `\0` where it has none.
pub type Beginning = [char; BEGINNING];

/// Letters of a [`Beginning`]: fewer tell too little, and words that are alike have as many in common.
pub const BEGINNING: usize = 3;

/// How a folded word begins.
pub fn beginning(word: &str) -> Beginning {
    let mut letters = word.chars();
    std::array::from_fn(|_| letters.next().unwrap_or_default())
}

/// The words of a text as they are written, in their order.
pub fn written(text: &str) -> impl Iterator<Item = Written<'_>> {
    let mut position = 0;
    std::iter::from_fn(move || {
        let start = position + gap(&text[position..]);
        let (length, letters) = length(&text[start..]);
        position = start + length;
        (length > 0).then(|| Written { text: &text[start..position], letters, start, end: position })
    })
}

// Every text passes these two, some several times: ASCII and Russian letters are looked at as bytes, and the tables of
// Unicode only where they are needed.

/// Bytes before the first word of a text.
fn gap(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii_alphanumeric() || starts_russian(&bytes[at..]) {
            break;
        }
        if byte.is_ascii() {
            at += 1;
        } else {
            let Some(c) = text[at..].chars().next().filter(|c| !c.is_alphanumeric()) else { break };
            at += c.len_utf8();
        }
    }
    at
}

/// Bytes of the word that a text begins with, and what they are.
fn length(text: &str) -> (usize, Letters) {
    let bytes = text.as_bytes();
    let (mut at, mut letters) = (0, Letters::Small);
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii() {
            if !byte.is_ascii_alphanumeric() {
                break;
            }
            if byte.is_ascii_uppercase() {
                letters = letters.max(Letters::Ascii);
            }
            at += 1;
            continue;
        }
        if starts_russian(&bytes[at..]) {
            at += 2;
        } else {
            let Some(c) = text[at..].chars().next().filter(|c| continues(*c)) else { break };
            at += c.len_utf8();
        }
        letters = Letters::Other;
    }
    (at, letters)
}

/// Whether bytes begin with a Russian letter: А to я, ё, Ё.
fn starts_russian(bytes: &[u8]) -> bool {
    matches!(bytes, [0xd0, 0x81 | 0x90..=0xbf, ..] | [0xd1, 0x80..=0x8f | 0x91, ..])
}

/// A Russian letter as it is folded; `None` for any other character.
fn small_russian(c: char) -> Option<char> {
    match c {
        'а'..='я' => Some(c),
        'А'..='Я' => char::from_u32(u32::from(c) + 0x20),
        'ё' | 'Ё' => Some('е'),
        _ => None,
    }
}

/// What a word is made of, from what needs the least to be folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Letters {
    /// Small ones of ASCII, and digits.
    Small,
    Ascii,
    Other,
}

/// Of what is not ASCII: whether it goes on a word.
fn continues(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c) || invisible(c)
}

/// Soft hyphens and zero-width characters inside a word: typesetting, not spelling.
fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// A word as it is compared.
fn fold(word: &str, letters: Letters) -> Cow<'_, str> {
    match letters {
        Letters::Small => return Cow::Borrowed(word),
        Letters::Ascii => return Cow::Owned(word.to_ascii_lowercase()),
        Letters::Other => {}
    }
    if word.chars().all(|c| matches!(c, 'а'..='я')) {
        return Cow::Borrowed(word);
    }
    let mut folded = String::with_capacity(word.len());
    if word.chars().all(|c| small_russian(c).is_some()) {
        folded.extend(word.chars().filter_map(small_russian));
        return Cow::Owned(folded);
    }
    for c in word.nfkc().flat_map(char::to_lowercase).nfc() {
        match c {
            'ё' => folded.push('е'),
            // Latin with diacritics: é → e.
            '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => {
                folded.extend(std::iter::once(c).nfd().filter(|&part| !is_combining_mark(part)));
            }
            // Stress marks, and what is left of accents that compose with nothing.
            '\u{300}'..='\u{36f}' => {}
            _ if c.is_alphanumeric() || is_combining_mark(c) => folded.push(c),
            _ => {}
        }
    }
    Cow::Owned(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        tokens(text).map(|token| token.folded.into_owned()).collect()
    }

    #[test]
    fn words_are_folded_and_know_where_they_were() {
        let text = "Ёлка — это Café №5.";
        let found: Vec<_> = tokens(text).collect();
        assert_eq!(folded(text), ["елка", "это", "cafe", "5"]);
        assert_eq!(&text[found[0].start..found[0].end], "Ёлка");
        assert_eq!(&text[found[2].start..found[2].end], "Café");
    }

    #[test]
    fn a_word_begins_as_it_is_folded() {
        for text in [
            "Password pASs a 5",
            "Пароль парад ПАР",
            "Ёлка Éclair ﬁle и\u{306}од",
            "паи\u{306}к Пари\u{306} па\u{301}р ПА П2P",
        ] {
            for (word, token) in written(text).zip(tokens(text)) {
                assert_eq!(word.beginning(), beginning(&token.folded), "{text}");
                assert_eq!(word.folded(), token.folded);
            }
        }
        assert_eq!(beginning("пароль"), beginning("парад"));
        assert_ne!(beginning("ab"), beginning("abc"));
    }

    #[test]
    fn stress_marks_and_soft_hyphens_do_not_part_a_word() {
        assert_eq!(
            folded("Вы\u{301}ставка досто\u{ad}при\u{ad}мечательностей"),
            ["выставка", "достопримечательностей"]
        );
    }

    #[test]
    fn a_letter_written_as_two_characters_is_one() {
        assert_eq!(folded("и\u{306}од"), ["йод"]);
        assert_eq!(folded("ﬁle ＡＢＣ"), ["file", "abc"]);
    }

    #[test]
    fn every_character_parts_words_or_does_not() {
        for c in '\0'..=char::MAX {
            let goes_on = c.is_alphanumeric() || is_combining_mark(c) || invisible(c);
            let (inside, before) = (format!("a{c}b"), format!("{c}b"));
            let words = |text| written(text).map(|word| word.text).collect::<Vec<_>>();
            assert_eq!(words(&inside), if goes_on { vec![&*inside] } else { vec!["a", "b"] }, "{c:?}");
            assert_eq!(words(&before), [if c.is_alphanumeric() { &*before } else { "b" }], "{c:?}");
        }
    }

    #[test]
    fn text_without_words_has_no_tokens() {
        assert_eq!(folded(""), Vec::<String>::new());
        assert_eq!(folded("— … !!! \u{301}"), Vec::<String>::new());
    }
}
