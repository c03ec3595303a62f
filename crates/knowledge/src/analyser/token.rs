//! Cutting text into words: where they are, and how they look folded (NFKC, lower case, ё → е, no accents).

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

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
pub fn tokens(text: &str) -> Tokens<'_> {
    Tokens { text, position: 0 }
}

/// See [`tokens`].
#[derive(Debug, Clone)]
pub struct Tokens<'text> {
    text: &'text str,
    position: usize,
}

impl<'text> Iterator for Tokens<'text> {
    type Item = Token<'text>;

    fn next(&mut self) -> Option<Token<'text>> {
        loop {
            let rest = &self.text[self.position..];
            let Some(begin) = rest.find(begins) else {
                self.position = self.text.len();
                return None;
            };
            let start = self.position + begin;
            let length = rest[begin..].find(|c| !continues(c)).unwrap_or(rest.len() - begin);
            self.position = start + length;
            let folded = fold(&self.text[start..self.position]);
            if !folded.is_empty() {
                return Some(Token { folded, start, end: self.position });
            }
        }
    }
}

fn begins(c: char) -> bool {
    // The tables of Unicode cost a third of all the time here: letters of the two usual scripts go past them.
    match c {
        '\0'..='\x7f' => c.is_ascii_alphanumeric(),
        'А'..='я' | 'ё' | 'Ё' => true,
        _ => c.is_alphanumeric(),
    }
}

fn continues(c: char) -> bool {
    begins(c) || (!c.is_ascii() && (is_combining_mark(c) || invisible(c)))
}

/// Soft hyphens and zero-width characters inside a word: typesetting, not spelling.
fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// A word as it is compared.
fn fold(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()) {
        return Cow::Borrowed(word);
    }
    if word.is_ascii() {
        return Cow::Owned(word.to_ascii_lowercase());
    }
    if word.chars().all(|c| matches!(c, 'а'..='я')) {
        return Cow::Borrowed(word);
    }
    let mut folded = String::with_capacity(word.len());
    if word.chars().all(|c| matches!(c, 'а'..='я' | 'А'..='Я' | 'ё' | 'Ё')) {
        folded.extend(word.chars().map(|c| match c {
            'А'..='Я' => char::from_u32(u32::from(c) + 0x20).unwrap_or(c),
            'ё' | 'Ё' => 'е',
            _ => c,
        }));
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
    fn text_without_words_has_no_tokens() {
        assert_eq!(folded(""), Vec::<String>::new());
        assert_eq!(folded("— … !!! \u{301}"), Vec::<String>::new());
    }
}
