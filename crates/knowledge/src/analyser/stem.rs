//! What is left of a word without its endings: Snowball, chosen by the word's script.

use std::{borrow::Cow, sync::LazyLock};

use rust_stemmers::{Algorithm, Stemmer};

static ENGLISH: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));
static RUSSIAN: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::Russian));

/// The stem of a folded token: Russian when its first letter is Cyrillic, English when it is ASCII; anything
/// else, and anything with a digit, stays whole.
pub fn stem(token: &str) -> Cow<'_, str> {
    if token.bytes().any(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(token);
    }
    match token.chars().next() {
        Some('а'..='я') => RUSSIAN.stem(token),
        Some('a'..='z') if token.is_ascii() => ENGLISH.stem(token),
        _ => Cow::Borrowed(token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_stemmed_by_their_script() {
        assert_eq!(stem("passwords"), "password");
        assert_eq!(stem("пароли"), stem("пароль"));
        assert_eq!(stem("v1beta1"), "v1beta1");
    }
}
