//! A client that sees every byte and every chunk.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{CHAT_MODEL, EMBEDDING_MODEL, FakeModels};

/// Longer than anything here takes: only a failure waits for it.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A response whose end was seen.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) head: String,
    /// One when there is a length.
    pub(super) chunks: Vec<Vec<u8>>,
}

/// What became of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Closed in order, though not at an end.
    Closed,
    Reset,
}

impl Response {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.bytes()).expect("UTF-8")
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes()).expect("JSON")
    }

    /// The data of server-sent events.
    pub(super) fn events(&self) -> Vec<String> {
        let text = self.text();
        let events = text.split_terminator("\n\n");
        events.map(|event| event.strip_prefix("data: ").expect("data").to_owned()).collect()
    }

    pub(super) fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// What a streamed chat said, in either API.
    pub(super) fn said(&self) -> String {
        if self.head.contains("text/event-stream") {
            let chunks = self.events().into_iter().filter(|event| event != "[DONE]");
            let chunks = chunks.map(|event| serde_json::from_str::<Value>(&event).expect("JSON"));
            chunks
                .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
                .collect()
        } else {
            self.lines().iter().filter_map(|line| line["message"]["content"].as_str()).collect()
        }
    }
}

impl Client {
    pub(super) async fn connect(models: &FakeModels) -> Self {
        let stream = TcpStream::connect(models.inner.address).await.expect("it listens");
        Self { stream, buffer: Vec::new() }
    }

    pub(super) async fn send(&mut self, path: &str, body: &Value) {
        self.send_as("POST", path, "", body.to_string().as_bytes()).await;
    }

    /// Extra headers end with a line break each.
    pub(super) async fn send_as(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}\
             content-length: {length}\r\n\r\n"
        );
        self.stream.write_all(&[head.as_bytes(), body].concat()).await.expect("it can be sent");
    }

    pub(super) async fn call(&mut self, path: &str, body: &Value) -> Response {
        self.send(path, body).await;
        self.response().await
    }

    pub(super) async fn response(&mut self) -> Response {
        tokio::time::timeout(PATIENCE, self.read_response())
            .await
            .expect("in time")
            .expect("a whole response")
    }

    async fn read_response(&mut self) -> Result<Response, Fate> {
        let head = String::from_utf8(self.until(b"\r\n\r\n").await?).expect("a head in ASCII");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut chunks = Vec::new();
        if let Some(length) = length {
            chunks.push(self.exactly(length.parse().expect("a length")).await?);
        } else {
            while let Some(chunk) = self.chunk().await? {
                chunks.push(chunk);
            }
        }
        Ok(Response { status, head, chunks })
    }

    /// The next chunk, or `None` at their end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Fate> {
        let length = String::from_utf8(self.until(b"\r\n").await?).expect("a length in ASCII");
        let length = usize::from_str_radix(length.trim(), 16).expect("a length in hex");
        let mut chunk = self.exactly(length + 2).await?;
        assert_eq!(chunk.split_off(length), b"\r\n");
        Ok((length > 0).then_some(chunk))
    }

    /// The head of a response, read.
    pub(super) async fn head(&mut self) -> String {
        let head = tokio::time::timeout(PATIENCE, self.until(b"\r\n\r\n")).await.expect("in time");
        String::from_utf8(head.expect("a head")).expect("a head in ASCII")
    }

    /// All that comes until the connection ends, and how it ends.
    pub(super) async fn rest(mut self) -> (Vec<u8>, Fate) {
        let read = async {
            loop {
                if let Err(fate) = self.read().await {
                    return fate;
                }
            }
        };
        let fate = tokio::time::timeout(PATIENCE, read).await.expect("in time");
        (self.buffer, fate)
    }

    /// What comes until this has come.
    pub(super) async fn up_to(&mut self, text: &str) -> String {
        let read = tokio::time::timeout(PATIENCE, self.until(text.as_bytes())).await.expect("in time");
        String::from_utf8(read.expect("open")).expect("UTF-8")
    }

    /// The end of the frame that is being read, and of its chunk.
    pub(super) async fn chunk_end(&mut self) {
        self.up_to("\n\r\n").await;
    }

    /// Nothing comes for a moment, and the connection stays: that there is nothing cannot be waited for
    /// otherwise. Late bytes can only make this pass.
    pub(super) async fn stays_silent(&mut self) {
        assert_eq!(String::from_utf8_lossy(&self.buffer), "");
        let moment = Duration::from_millis(100);
        assert!(tokio::time::timeout(moment, self.read()).await.is_err(), "{:?}", self.buffer);
    }

    async fn until(&mut self, end: &[u8]) -> Result<Vec<u8>, Fate> {
        loop {
            if let Some(place) = self.buffer.windows(end.len()).position(|window| window == end) {
                return self.exactly(place + end.len()).await;
            }
            self.read().await?;
        }
    }

    pub(super) async fn exactly(&mut self, length: usize) -> Result<Vec<u8>, Fate> {
        while self.buffer.len() < length {
            self.read().await?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    async fn read(&mut self) -> Result<(), Fate> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err(Fate::Closed),
            Ok(_) => Ok(()),
            Err(_) => Err(Fate::Reset),
        }
    }
}

pub(super) fn chat(text: &str, stream: bool) -> Value {
    json!({ "model": CHAT_MODEL, "stream": stream, "messages": [{ "role": "user", "content": text }] })
}

pub(super) fn embed(texts: &[&str]) -> Value {
    json!({ "model": EMBEDDING_MODEL, "input": texts })
}

pub(super) async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
