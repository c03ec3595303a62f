//! Paths of files inside a source: relative, `/` between names, the same spelling for the same file.
//!
//! A path is a name, and no file is ever opened under it here. It is held to rules all the same: it is the document's
//! identity, so that `a//b` and `./a/b` must not be two documents; and people copy it into file systems.

use std::fmt::Write;

/// Bytes of a path. Linux allows 4,096, but a path is a key of an index of the ledger, which holds at most 2,704.
pub const MAX_BYTES: usize = 1024;

/// Why a text is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("it names no file")]
    Empty,
    #[error("it is absolute: send it relative to the folder that is the source")]
    Absolute,
    #[error("it goes up with `..`: send it relative to the folder that is the source")]
    Up,
    #[error("it has a control character (NUL, a line break): rename the file")]
    Control,
    #[error("it has {0} bytes, the limit is {MAX_BYTES}: shorten it")]
    TooLong(usize),
}

/// The one spelling of a path: `./a//b.md` is `a/b.md`.
///
/// # Errors
/// [`PathError`].
pub fn normalise(path: &str) -> Result<String, PathError> {
    if path.chars().any(char::is_control) {
        return Err(PathError::Control);
    }
    if path.starts_with('/') {
        return Err(PathError::Absolute);
    }
    let mut normal = String::with_capacity(path.len());
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => return Err(PathError::Up),
            name => {
                if !normal.is_empty() {
                    normal.push('/');
                }
                normal.push_str(name);
            }
        }
    }
    match normal.len() {
        0 => Err(PathError::Empty),
        1..=MAX_BYTES => Ok(normal),
        long => Err(PathError::TooLong(long)),
    }
}

/// A path as the file name of a part of a form. Clients disagree about quotes, backslashes and what is not ASCII in
/// there; a percent sign they all leave alone. [`decode`] is its inverse.
pub fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes everything");
        }
    }
    encoded
}

/// The text of a percent-encoded file name. What is no escape stays as it is (`50% off.md`, from a client that
/// encodes nothing); `None` when the result is not UTF-8.
pub(crate) fn decode(name: &str) -> Option<String> {
    let bytes = name.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digit = |n: usize| bytes.get(at + n).and_then(|byte| char::from(*byte).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, digit(1), digit(2)) {
            decoded.push(u8::try_from(high * 16 + low).expect("two digits are a byte"));
            at += 3;
        } else {
            decoded.push(byte);
            at += 1;
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_file_has_one_spelling() {
        for (path, normal) in [
            ("a.md", "a.md"),
            ("./a//b/./c.md", "a/b/c.md"),
            ("папка/файл ё.md", "папка/файл ё.md"),
            ("a/..b/c...md", "a/..b/c...md"),
            ("a\\b.md", "a\\b.md"),
        ] {
            assert_eq!(normalise(path).as_deref(), Ok(normal));
        }
    }

    #[test]
    fn what_leaves_the_source_or_cannot_be_shown_is_no_path() {
        for (path, error) in [
            ("", PathError::Empty),
            ("./", PathError::Empty),
            ("/etc/passwd", PathError::Absolute),
            ("../a.md", PathError::Up),
            ("a/b/../../..", PathError::Up),
            ("a\0.md", PathError::Control),
            ("a\nb.md", PathError::Control),
        ] {
            assert_eq!(normalise(path), Err(error), "{path:?}");
        }
        assert!(normalise(&"x".repeat(MAX_BYTES)).is_ok());
        assert_eq!(normalise(&"ё".repeat(513)), Err(PathError::TooLong(1026)));
    }

    #[test]
    fn an_encoded_name_comes_back_and_a_bare_percent_sign_stays() {
        for path in ["a/b.md", "50% off \"new\" \\ ё.md", "%41.md"] {
            assert_eq!(decode(&encode(path)).as_deref(), Some(path));
            assert!(encode(path).is_ascii());
        }
        assert_eq!(decode("50% off.md").as_deref(), Some("50% off.md"));
        assert_eq!(decode("a%2fb%").as_deref(), Some("a/b%"));
        assert_eq!(decode("%ff"), None);
    }
}
