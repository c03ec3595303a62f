//! Telegram counts text in UTF-16 units; Rust cuts it at bytes.

use std::ops::Range;

/// How many UTF-16 units a text has.
pub(crate) fn units(text: &str) -> u32 {
    narrow(text.encode_utf16().count())
}

/// A count of units as spans hold it. Telegram's texts end at 4,096, so the bound is never met.
pub(crate) fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The bytes that `length` units from `offset` cover; `None` when they end outside the text or within a character.
pub(crate) fn bytes(text: &str, offset: usize, length: usize) -> Option<Range<usize>> {
    let start = byte_at(text, offset)?;
    let end = start + byte_at(&text[start..], length)?;
    Some(start..end)
}

fn byte_at(text: &str, unit: usize) -> Option<usize> {
    let mut passed = 0;
    for (byte, ch) in text.char_indices() {
        if passed >= unit {
            return (passed == unit).then_some(byte);
        }
        passed += ch.len_utf16();
    }
    (passed == unit).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_counts_surrogates_and_not_bytes() {
        let text = "Привет 👋🏽 @bot";
        let range = bytes(text, 12, 4).expect("within the text");
        assert_eq!(&text[range], "@bot");
        assert_eq!(units(text), 16);
    }

    #[test]
    fn half_a_character_is_no_place() {
        assert_eq!(bytes("👋", 1, 1), None);
        assert_eq!(bytes("👋", 0, 3), None);
        assert_eq!(bytes("👋", 0, usize::MAX), None);
        assert_eq!(bytes("👋", 2, 0), Some(4..4));
    }
}
