//! HTTP/1.1 by hand, with keep-alive: a framework would not let a test cut a connection at the byte it wants,
//! nor tell at once that the client is gone.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// Without the query: no call here has one.
    pub(super) path: String,
    pub(super) body: Vec<u8>,
    /// The token of `Authorization: Bearer`.
    pub(super) bearer: Option<String>,
    /// The body says that it is JSON.
    pub(super) json: bool,
    pub(super) close: bool,
}

/// The peer closed the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// `None` when the peer is gone, or speaks something else; a body without its length is something else.
    pub(super) async fn request(&mut self) -> Option<Request> {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            self.read().await.ok()?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let length = header(&head, "content-length").map_or(Some(0), |value| value.parse().ok())?;
        let start = end + 4;
        while self.buffer.len() < start + length {
            self.read().await.ok()?;
        }
        let rest = self.buffer.split_off(start + length);
        let body = std::mem::replace(&mut self.buffer, rest).split_off(start);
        let mut line = head.split_whitespace();
        let (method, target) = (line.next()?.to_owned(), line.next()?);
        let path = target.split_once('?').map_or(target, |(path, _)| path).to_owned();
        Some(Request {
            method,
            path,
            body,
            bearer: header(&head, "authorization").and_then(bearer).map(str::to_owned),
            json: header(&head, "content-type").is_some_and(|kind| kind.starts_with("application/json")),
            close: header(&head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close")),
        })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        self.stream.write_all(bytes).await.map_err(|_| Gone)
    }

    /// Waits, and looks whether the peer is still there even when there is nothing to wait for.
    pub(super) async fn until(&mut self, due: Instant) -> Result<(), Gone> {
        tokio::select! {
            biased;
            gone = self.until_gone() => Err(gone),
            () = tokio::time::sleep_until(due) => Ok(()),
        }
    }

    /// Until the peer closes. What it sends meanwhile is its next request, and is kept.
    pub(super) async fn until_gone(&mut self) -> Gone {
        loop {
            if let Err(gone) = self.read().await {
                return gone;
            }
        }
    }

    /// Closes with a reset, so that the peer cannot mistake it for an end.
    pub(super) fn cut(self) {
        drop(self.stream.set_zero_linger());
    }

    async fn read(&mut self) -> Result<(), Gone> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(count) if count > 0 => Ok(()),
            _ => Err(Gone),
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
