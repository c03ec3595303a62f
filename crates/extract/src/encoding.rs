//! Bytes to text, whatever encoding they are in, or the finding that they are no text.
//!
//! The order: a byte order mark; valid UTF-8; UTF-16 by the zero bytes it is full of; what the file declares;
//! UTF-8 with a few damaged bytes; and the guess of chardetng, which knows the Cyrillic encodings apart. A
//! declaration comes after UTF-8, because pages that were converted often keep the old one.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::{error::ExtractError, magic};

/// Of a thousand characters, how many control characters or damaged ones a text may have. Random bytes have a
/// hundred control characters; a text from a terminal or with a scratch has one or two.
const SCRATCHES_PER_THOUSAND: usize = 10;

/// Decodes a file. `declared` is what the file itself says it is in.
///
/// # Errors
/// [`ExtractError::Binary`], or [`ExtractError::Encoding`] when too much of it is damaged.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    declared: Option<&'static Encoding>,
) -> Result<Cow<'a, str>, ExtractError> {
    if let Some(kind) = magic::kind(bytes) {
        return Err(ExtractError::binary(kind));
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_without_bom_handling(&bytes[mark..]);
        return check(text, encoding);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(text) = check(Cow::Borrowed(text), UTF_8)
    {
        return Ok(text);
    }
    if bytes.contains(&0) {
        let encoding = utf16_without_mark(bytes).ok_or_else(|| ExtractError::binary("binary data"))?;
        return check(encoding.decode_without_bom_handling(bytes).0, encoding);
    }
    if let Some(encoding) = declared
        && let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes)
    {
        return check(text, encoding);
    }
    if is_damaged_utf8(bytes) {
        return check(String::from_utf8_lossy(bytes), UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    check(encoding.decode_without_bom_handling(bytes).0, encoding)
}

/// Texts have few control characters and little damage.
fn check<'a>(text: Cow<'a, str>, encoding: &'static Encoding) -> Result<Cow<'a, str>, ExtractError> {
    let (mut characters, mut controls, mut damaged) = (0_usize, 0_usize, 0_usize);
    for character in text.chars() {
        characters += 1;
        match character {
            '\t' | '\n' | '\r' | '\u{c}' => {}
            '\u{fffd}' => damaged += 1,
            // The escape of terminals is counted like any other: whole logs of them are no knowledge.
            _ if character.is_control() => controls += 1,
            _ => {}
        }
    }
    let many = |count: usize| count * 1_000 > characters * SCRATCHES_PER_THOUSAND;
    if many(controls) {
        Err(ExtractError::binary("binary data"))
    // A note of a few lines may have three damaged characters; the lines around them are still worth reading.
    } else if damaged > 8 && many(damaged) {
        Err(ExtractError::Encoding { encoding: encoding.name().to_owned() })
    } else {
        Ok(text)
    }
}

/// UTF-16 without its mark: one byte of each pair is one of the few that letters of one script share.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() || pairs.is_empty() {
        return None;
    }
    // Latin to Arabic, punctuation, full-width forms.
    let usual = |byte: u8| matches!(byte, 0..=6 | 0x20..=0x22 | 0x30 | 0xff);
    // Nine in ten; the tenth may be Chinese or an emoji.
    let fits = |high: usize| {
        let usual_pairs = pairs.iter().filter(|pair| usual(pair[high])).count();
        let nothing = pairs.iter().filter(|pair| pair[0] == 0 && pair[1] == 0).count();
        usual_pairs * 10 >= pairs.len() * 9 && nothing == 0
    };
    // ASCII is "usual" in the low byte of nothing, but Cyrillic can be: the byte that is zero more often is
    // the high one.
    let zeros = |high: usize| pairs.iter().filter(|pair| pair[high] == 0).count();
    let candidates =
        if zeros(1) >= zeros(0) { [(1, UTF_16LE), (0, UTF_16BE)] } else { [(0, UTF_16BE), (1, UTF_16LE)] };
    let (_, encoding) = candidates.into_iter().find(|(high, _)| fits(*high))?;
    let (_, damaged) = encoding.decode_without_bom_handling(bytes);
    (!damaged).then_some(encoding)
}

/// UTF-8 that was scratched: more bytes belong to characters of living scripts than to none.
fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let (mut valid, mut invalid) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        let usual = |character: &char| {
            let number = u32::from(*character);
            matches!(number, 0xA0..0x700 | 0x900..0xE00 | 0x2000..0x2800 | 0x3000..0xD7A4 | 0x1F000..)
        };
        valid += chunk.valid().chars().filter(usual).map(char::len_utf8).sum::<usize>();
        invalid += chunk.invalid().len();
    }
    valid > invalid
}

#[cfg(test)]
mod tests {
    use encoding_rs::{IBM866, KOI8_R, WINDOWS_1251, WINDOWS_1252};

    use super::*;

    const RUSSIAN: &str = "Чтобы сменить пароль, откройте настройки профиля и нажмите «Безопасность».\n\n\
        Ссылка из письма действует сутки — потом её нужно запросить ещё раз.\n";

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    }

    #[test]
    fn cyrillic_is_read_in_every_encoding_it_comes_in() {
        for encoding in [WINDOWS_1251, KOI8_R, IBM866] {
            // KOI8-R and CP866 have no guillemets or dashes.
            let text = if encoding == WINDOWS_1251 {
                RUSSIAN.to_owned()
            } else {
                RUSSIAN.replace(['«', '»', '—'], "-")
            };
            let (bytes, _, lossy) = encoding.encode(&text);
            assert!(!lossy);
            assert_eq!(decode(&bytes, None).unwrap(), text, "{}", encoding.name());
        }
    }

    #[test]
    fn short_texts_are_read_too() {
        for text in ["Возврат средств", "Как сменить пароль?", "Привет, мир"]
        {
            for encoding in [WINDOWS_1251, IBM866, KOI8_R] {
                let (bytes, ..) = encoding.encode(text);
                assert_eq!(decode(&bytes, None).unwrap(), text, "{}", encoding.name());
            }
        }
        let (bytes, ..) = WINDOWS_1252.encode("Das Kaffeehaus in der Straße öffnet um zwölf.");
        assert_eq!(decode(&bytes, None).unwrap(), "Das Kaffeehaus in der Straße öffnet um zwölf.");
    }

    #[test]
    fn utf16_is_read_with_and_without_its_mark() {
        for text in
            [RUSSIAN, "Plain ASCII, one line", "Reset: 密码 and пароль, in three scripts.", "Привет, мир\n"]
        {
            for big in [false, true] {
                assert_eq!(decode(&utf16(text, big), None).unwrap(), text, "no mark, big: {big}");
                let marked = utf16(&format!("\u{feff}{text}"), big);
                assert_eq!(decode(&marked, None).unwrap(), text, "mark, big: {big}");
            }
        }
    }

    #[test]
    fn a_mark_of_utf8_is_no_part_of_the_text() {
        assert_eq!(decode("\u{feff}# Заголовок".as_bytes(), None).unwrap(), "# Заголовок");
    }

    #[test]
    fn a_few_damaged_bytes_do_not_change_the_encoding() {
        let text = decode(b"valid \xff\xfe\xd0 broken bytes \xd0\x9f\xd1\x80", None).unwrap();
        assert!(text.starts_with("valid \u{fffd}") && text.ends_with("broken bytes Пр"), "{text}");
    }

    #[test]
    fn a_declaration_is_believed_unless_the_bytes_are_utf8() {
        let (bytes, ..) = KOI8_R.encode("Да");
        assert_eq!(decode(&bytes, Some(KOI8_R)).unwrap(), "Да");
        assert_eq!(decode("Да".as_bytes(), Some(WINDOWS_1251)).unwrap(), "Да");
    }

    #[test]
    fn what_is_no_text_is_called_binary() {
        let noise: Vec<u8> = (0..4_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
        let without_nul: Vec<u8> = noise.iter().map(|byte| (*byte).max(1)).collect();
        for bytes in [
            &noise[..],
            &without_nul,
            b"\x89PNG\r\n\x1a\n....",
            b"%PDF-1.7 text",
            b"PK\x03\x04a",
            b"a\0b\0\0c",
        ] {
            let error = decode(bytes, None).unwrap_err();
            assert!(matches!(error, ExtractError::Binary { .. }), "{error}");
        }
    }
}
