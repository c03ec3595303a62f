//! HTTP/1.1 by hand, with keep-alive: a framework would not let a test cut a connection at the byte it wants.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::params::Params;

#[derive(Debug)]
pub(super) struct Request {
    /// Without the query.
    pub(super) path: String,
    /// `None` when the body cannot be read as what it says it is.
    pub(super) params: Option<Params>,
    pub(super) close: bool,
}

#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// `None` when the peer is gone, or speaks something else.
    pub(super) async fn request(&mut self) -> Option<Request> {
        let message = read_message(&mut self.stream, &mut self.buffer).await?;
        let target = message.head.split_whitespace().nth(1)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let kind = message.header("content-type").unwrap_or_default();
        let body = if message.body.is_empty() {
            Some(Params::default())
        } else if kind.starts_with("application/json") {
            Params::from_json(&message.body)
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            std::str::from_utf8(&message.body).ok().map(Params::from_form)
        } else {
            None
        };
        let params = body.map(|body| body.or(Params::from_form(query)));
        let close = message.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        Some(Request { path: path.to_owned(), params, close })
    }

    /// One write, so that the answer is one packet.
    pub(super) async fn answer(
        &mut self,
        status: u16,
        kind: &str,
        retry_after: Option<u64>,
        body: &[u8],
    ) -> std::io::Result<()> {
        let wait = retry_after.map(|wait| format!("retry-after: {wait}\r\n")).unwrap_or_default();
        let length = body.len();
        let mut bytes = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{wait}connection: keep-alive\r\n\r\n"
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        self.stream.write_all(&bytes).await
    }

    /// Closes with a reset, so that the peer cannot mistake it for an end.
    pub(super) fn cut(self) {
        drop(self.stream.set_zero_linger());
    }
}

/// A request or a response.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Message {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// Of a response.
    pub(super) fn status(&self) -> Option<u16> {
        self.head.split_whitespace().nth(1)?.parse().ok()
    }
}

/// What was read beyond the message stays in `buffer`.
pub(super) async fn read_message(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Message> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let length = header(&head, "content-length").map_or(Some(0), |value| value.parse().ok())?;
            let start = end + 4;
            while buffer.len() < start + length {
                read_some(stream, buffer).await?;
            }
            let rest = buffer.split_off(start + length);
            let body = std::mem::replace(buffer, rest).split_off(start);
            return Some(Message { head, body });
        }
        read_some(stream, buffer).await?;
    }
}

async fn read_some(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    stream.read_buf(buffer).await.ok().filter(|count| *count > 0).map(|_| ())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
