//! What parent and child say to each other: a line of JSON and the file; and JSON back.

use std::io::{self, Read};

use contract::Document;
use serde::{Deserialize, Serialize};

use crate::{error::ExtractError, format::Format, limits::Limits};

/// Bytes of the first line; it has about 300.
const LONGEST: usize = 4_096;

/// How the file that follows is to be read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) format: Format,
    pub(super) limits: Limits,
    /// The process that asks: a child of another one has lost its parent.
    pub(super) parent: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    Document(Document),
    Error(ExtractError),
}

impl Request {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("numbers and words are JSON");
        line.push(b'\n');
        line
    }

    /// Reads the first line, byte by byte: nothing of the file is read before the limits hold.
    pub(super) fn read(input: &mut impl Read) -> io::Result<Self> {
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            input.read_exact(&mut byte)?;
            if byte == [b'\n'] {
                return Ok(serde_json::from_slice(&line)?);
            }
            if line.len() == LONGEST {
                return Err(io::ErrorKind::InvalidData.into());
            }
            line.push(byte[0]);
        }
    }
}

/// The answer of a child; `None` when it is not one.
pub(super) fn decode(reply: &[u8]) -> Option<Reply> {
    serde_json::from_slice(reply).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_and_nothing_after_it() {
        let request = Request { format: Format::Html, limits: Limits::default(), parent: 7 };
        let mut bytes = request.encode();
        bytes.extend(b"<p>");
        let mut input = bytes.as_slice();
        let read = Request::read(&mut input).unwrap();
        assert_eq!((read.format, read.limits, read.parent), (Format::Html, Limits::default(), 7));
        assert_eq!(input, b"<p>");
        assert!(Request::read(&mut &vec![b'x'; 10_000][..]).is_err());
    }
}
