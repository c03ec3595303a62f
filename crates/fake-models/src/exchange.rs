//! One answer on the socket, byte for byte: whole or in chunks, and how the bytes fall into chunks.

use std::time::Duration;

use tokio::time::Instant;

use super::http::{Connection, Gone};
use super::misbehave::Misbehave;
use super::record::Flight;

/// Why a connection takes no further call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Gone,
    /// It shall be reset.
    Cut,
}

impl From<Gone> for Stop {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

pub(super) type Done = Result<(), Stop>;

/// Where a chunk ends, besides at the end of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Split {
    Nowhere,
    Bytes,
    Letters,
}

#[derive(Debug)]
pub(super) struct Exchange<'a> {
    connection: &'a mut Connection,
    flight: Flight,
    split: Split,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(connection: &'a mut Connection, flight: Flight, misbehave: &Misbehave) -> Self {
        let split = match misbehave {
            Misbehave::ByteByByte => Split::Bytes,
            Misbehave::SplitLetters => Split::Letters,
            _ => Split::Nowhere,
        };
        Self { connection, flight, split }
    }

    /// An answer with its length, in one packet; in chunks when they shall be split.
    pub(super) async fn whole(&mut self, head: Head<'_>, body: &[u8]) -> Done {
        if self.split != Split::Nowhere {
            self.open(head).await?;
            return self.last(body).await;
        }
        self.flight.land();
        let mut bytes = head.with(&format!("content-length: {}", body.len()));
        bytes.extend_from_slice(body);
        Ok(self.connection.write(&bytes).await?)
    }

    /// The length of it all, but only the first half.
    pub(super) async fn half(&mut self, head: Head<'_>, body: &[u8]) -> Done {
        let mut bytes = head.with(&format!("content-length: {}", body.len()));
        bytes.extend_from_slice(&body[..body.len() / 2]);
        Ok(self.connection.write(&bytes).await?)
    }

    /// The beginning of an answer in chunks.
    pub(super) async fn open(&mut self, head: Head<'_>) -> Done {
        Ok(self.connection.write(&head.with("transfer-encoding: chunked")).await?)
    }

    /// Each chunk is a write of its own. No bytes are no chunk, for that would be the end.
    pub(super) async fn frame(&mut self, bytes: &[u8]) -> Done {
        let mut start = 0;
        for end in 1..=bytes.len() {
            let split = match self.split {
                Split::Nowhere => false,
                Split::Bytes => true,
                // A first byte of several is 11xxxxxx.
                Split::Letters => bytes[end - 1] >= 0b1100_0000,
            };
            if split || end == bytes.len() {
                let mut chunk = format!("{:x}\r\n", end - start).into_bytes();
                chunk.extend_from_slice(&bytes[start..end]);
                chunk.extend_from_slice(b"\r\n");
                self.connection.write(&chunk).await?;
                start = end;
            }
        }
        Ok(())
    }

    /// The last frame, and the end of the chunks: from here on, the client may know that it was the last.
    pub(super) async fn last(&mut self, bytes: &[u8]) -> Done {
        self.flight.land();
        self.frame(bytes).await?;
        Ok(self.connection.write(b"0\r\n\r\n").await?)
    }

    /// Bytes as they are.
    pub(super) async fn raw(&mut self, bytes: &[u8]) -> Done {
        Ok(self.connection.write(bytes).await?)
    }

    pub(super) async fn until(&mut self, due: Instant) -> Done {
        Ok(self.connection.until(due).await?)
    }

    /// Silence until the client has had enough.
    pub(super) async fn stall(&mut self) -> Done {
        Err(self.connection.until_gone().await.into())
    }

    /// This frame, this often, until the client has had enough.
    pub(super) async fn idle(&mut self, frame: &str, interval: Duration) -> Done {
        let mut due = Instant::now();
        loop {
            self.frame(frame.as_bytes()).await?;
            due += interval;
            self.until(due).await?;
        }
    }

    pub(super) fn cut(&mut self) -> Done {
        self.flight.land();
        Err(Stop::Cut)
    }

    /// Counts a client that left.
    pub(super) fn close(mut self, done: Done) -> Done {
        if done == Err(Stop::Gone) {
            self.flight.cancel();
        }
        done
    }
}

/// Of a response, but for how its length is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) status: u16,
    pub(super) kind: &'a str,
    /// One more header, as a name and a value.
    pub(super) extra: Option<(&'a str, &'a str)>,
}

impl<'a> Head<'a> {
    pub(super) fn ok(kind: &'a str) -> Self {
        Self { status: 200, kind, extra: None }
    }

    pub(super) fn json(status: u16) -> Self {
        Self { status, kind: JSON, extra: None }
    }

    fn with(self, length: &str) -> Vec<u8> {
        let extra = self.extra.map(|(name, value)| format!("{name}: {value}\r\n")).unwrap_or_default();
        let Self { status, kind, .. } = self;
        format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{extra}{length}\r\nconnection: keep-alive\r\n\r\n"
        )
        .into_bytes()
    }
}

pub(super) const JSON: &str = "application/json";
