//! Depth of quotes and lists, counted before the parser sees it.
//!
//! The parser looks at every open quote and list at every line: 8 MiB of empty lines below five hundred lists
//! would keep it busy for seconds, in this process. Depth by indentation needs as much indentation at every
//! line, and limits itself.

use crate::error::ExtractError;

/// Marks at the beginning of one line. Threads of mails reach twenty.
const LIMIT: usize = 100;

/// Refuses a text with a line that begins with too many marks of quotes and lists.
pub(super) fn check(text: &str) -> Result<(), ExtractError> {
    if text.split(['\n', '\r']).any(|line| marks(line) > LIMIT) {
        return Err(ExtractError::TooDeep { limit: LIMIT });
    }
    Ok(())
}

fn marks(line: &str) -> usize {
    let mut marks = 0;
    let mut rest = line.as_bytes();
    loop {
        match rest {
            [b' ' | b'\t', after @ ..] => rest = after,
            [b'>', after @ ..] => {
                marks += 1;
                rest = after;
            }
            [b'-' | b'*' | b'+', b' ' | b'\t', ..] => {
                marks += 1;
                rest = &rest[1..];
            }
            [b'0'..=b'9', ..] => {
                let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let [b'.' | b')', b' ' | b'\t', ..] = &rest[digits..] else { return marks };
                marks += 1;
                rest = &rest[digits + 1..];
            }
            _ => return marks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_count_and_text_does_not() {
        assert_eq!(marks("text - with > marks"), 0);
        assert_eq!(marks("> - 1. text"), 3);
        assert_eq!(marks("        - text"), 1);
        assert_eq!(marks("--- rule"), 0);
        assert_eq!(marks("2024 was a year"), 0);
        assert!(check(&"> ".repeat(101)).is_err());
        assert!(check(&format!("{}{}", " ".repeat(5_000), "> ".repeat(100))).is_ok());
    }
}
