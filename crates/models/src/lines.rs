//! Lines of a stream of bytes, for server-sent events and NDJSON.
//!
//! Cut on the byte `\n`, never on characters: a letter that is split across two pieces is whole again before
//! anybody decodes it.

use crate::ModelError;

/// The longest line that is read, in bytes. A chunk of an answer is a few hundred.
pub(crate) const LONGEST: usize = 1 << 20;

/// What came, and was not yet taken as lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    kept: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to here there is no `\n`.
    searched: usize,
}

impl Lines {
    /// A further piece. All lines before it were taken.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.kept.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.kept.extend_from_slice(piece);
    }

    /// The next whole line, without its end.
    ///
    /// # Errors
    /// It is longer than [`LONGEST`], or already is and has no end.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, ModelError> {
        let Some(length) = self.kept[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.kept.len();
            return if self.rest().len() > LONGEST { Err(too_long()) } else { Ok(None) };
        };
        let (start, end) = (self.start, self.searched + length);
        self.start = end + 1;
        self.searched = end + 1;
        let line = &self.kept[start..end];
        if line.len() > LONGEST {
            return Err(too_long());
        }
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// What stands after the last line: a server may end without ending its last line.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.kept[self.start..]
    }
}

fn too_long() -> ModelError {
    ModelError::Failed(format!("a line of more than {LONGEST} bytes came"))
}

/// What the line of an event stream carries: the text after `data:`. Other fields and comments carry nothing.
///
/// Events of several `data:` lines are not put together: no server of this API sends them, and each line is whole
/// JSON. ([The format](https://html.spec.whatwg.org/multipage/server-sent-events.html).)
pub(crate) fn data(line: &[u8]) -> Option<&[u8]> {
    let data = line.strip_prefix(b"data:")?;
    Some(data.strip_prefix(b" ").unwrap_or(data)).filter(|data| !data.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.push(piece);
            while let Some(line) = lines.next().expect("short") {
                found.push(String::from_utf8(line.to_vec()).expect("whole letters"));
            }
        }
        found.push(String::from_utf8(lines.rest().to_vec()).expect("whole letters"));
        found
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let text = "data: Привет\r\n\r\n: жив\ndata: ещё\nконец".as_bytes();
        let whole = lines(&[text]);
        assert_eq!(whole, ["data: Привет", "", ": жив", "data: ещё", "конец"]);
        for size in 1..text.len() {
            let pieces: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(lines(&pieces), whole, "pieces of {size} bytes");
        }
    }

    #[test]
    fn a_line_that_never_ends_is_an_error() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; 64 * 1024];
        for _ in 0..LONGEST / piece.len() {
            lines.push(&piece);
            assert_eq!(lines.next(), Ok(None));
        }
        lines.push(b"x");
        let error = lines.next().expect_err("it has no end").to_string();
        assert!(error.contains("1048576"), "{error}");
    }

    #[test]
    fn only_data_carries_anything() {
        assert_eq!(data(b"data: {}"), Some(b"{}".as_slice()));
        assert_eq!(data(b"data:{}"), Some(b"{}".as_slice()));
        for nothing in [b"".as_slice(), b": keep-alive", b"event: x", b"id: 3", b"data:"] {
            assert_eq!(data(nothing), None);
        }
    }
}
