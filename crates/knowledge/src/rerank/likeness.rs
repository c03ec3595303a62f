//! How alike a word of a passage is to a word of the question, from 0 to 1.

use crate::analyser::{BEGINNING, Word, stem};

/// Letters that two words have in common at their beginning before they are compared at all.
const COMMON: usize = BEGINNING;

/// The most that words count that have different stems.
const UNEQUAL: f32 = 0.8;

/// 1 for equal stems. Otherwise the share of the longer word that both begin with, from a half and four
/// letters upwards. Numbers, and words with digits in them, are equal or not.
pub(super) fn likeness(word: &Word, token: &str) -> f32 {
    if word.folded == token || word.stem == stem(token) {
        return 1.0;
    }
    if word.folded.bytes().any(|byte| byte.is_ascii_digit()) {
        return 0.0;
    }
    let common = word.folded.chars().zip(token.chars()).take_while(|(one, other)| one == other).count();
    let (one, other) = (word.folded.chars().count(), token.chars().count());
    let long_enough = common > COMMON || common == one.min(other);
    if common < COMMON || !long_enough || 2 * common < one.max(other) {
        return 0.0;
    }
    // Words are short.
    #[allow(clippy::cast_precision_loss)]
    let share = common as f32 / one.max(other) as f32;
    UNEQUAL * share
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::query;

    fn of(asked: &str, token: &str) -> f32 {
        likeness(&query(asked).words[0], token)
    }

    #[test]
    #[allow(clippy::float_cmp)]
    fn forms_of_a_word_are_equal_relatives_are_alike_and_strangers_are_not() {
        assert_eq!(of("пароль", "паролями"), 1.0);
        assert!(of("сменить", "сменный") > 0.4);
        assert_eq!(of("порт", "портфель"), 0.4);
        assert_eq!(of("порт", "портретист"), 0.0);
        assert_eq!(of("печать", "пароль"), 0.0);
        assert_eq!(of("2024", "2025"), 0.0);
    }
}
