//! The one limit on what a person may say in one message.

use std::fmt;

/// UTF-16 code units a message may have: Telegram's limit (Bot API, `sendMessage`), used everywhere.
pub const MAX_UTF16: usize = 4096;

/// The text of a question: not blank, at most [`MAX_UTF16`] units, without NUL (PostgreSQL stores none).
#[derive(Clone, PartialEq, Eq)]
pub struct QuestionText(String);

/// Why a text is no question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("the text is blank: send at least one visible character")]
    Blank,
    #[error("the text has {0} UTF-16 units, the limit is {MAX_UTF16}: shorten it")]
    TooLong(usize),
    #[error("the text contains a NUL character: remove it")]
    Nul,
}

impl QuestionText {
    /// # Errors
    /// [`TextError`] naming the limit that is broken.
    pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        if text.trim().is_empty() {
            return Err(TextError::Blank);
        }
        let units = text.encode_utf16().count();
        if units > MAX_UTF16 {
            return Err(TextError::TooLong(units));
        }
        if text.contains('\0') {
            return Err(TextError::Nul);
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// What people write is personal: a debug print shows its length only.
impl fmt::Debug for QuestionText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QuestionText({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_counts_utf16_units_not_characters() {
        assert!(QuestionText::new("я".repeat(4096)).is_ok());
        assert_eq!(QuestionText::new("😀".repeat(2049)), Err(TextError::TooLong(4098)));
    }

    #[test]
    fn blank_text_and_nul_are_refused() {
        assert_eq!(QuestionText::new(" \n\t\u{a0}"), Err(TextError::Blank));
        assert_eq!(QuestionText::new("a\0b"), Err(TextError::Nul));
    }

    #[test]
    fn a_debug_print_does_not_show_what_was_said() {
        let text = QuestionText::new("my card is 4111").expect("valid");
        assert!(!format!("{text:?}").contains("4111"));
    }
}
