//! A bot made of a socket.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::http::{Message, read_message};
use crate::{FakeTelegram, Limits};

pub(super) const ANN: i64 = 7;
pub(super) const GROUP: i64 = -1_001_000_000_001;

pub(super) struct Bot {
    pub(super) telegram: FakeTelegram,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Bot {
    /// With one person and one forum.
    pub(super) async fn start() -> Self {
        Self::with(Limits { chat_burst: 1000, group_count: 1000, ..Limits::default() }).await
    }

    pub(super) async fn with(limits: Limits) -> Self {
        let telegram = FakeTelegram::with(limits).await;
        telegram.person(ANN, "Ann", "en");
        telegram.group(GROUP, "Operators", true);
        Self::at(&telegram).await
    }

    pub(super) async fn at(telegram: &FakeTelegram) -> Self {
        let stream = TcpStream::connect(telegram.inner.address).await.unwrap();
        Self { telegram: telegram.clone(), stream, buffer: Vec::new() }
    }

    /// On the connection that is there: it is kept alive.
    pub(super) async fn call(&mut self, method: &str, params: Value) -> (u16, Value) {
        self.try_call(method, params).await.expect("the call is answered")
    }

    pub(super) async fn try_call(&mut self, method: &str, params: Value) -> Option<(u16, Value)> {
        let message = self.try_raw(method, params).await?;
        Some((message.status()?, serde_json::from_slice(&message.body).ok()?))
    }

    pub(super) async fn try_raw(&mut self, method: &str, params: Value) -> Option<Message> {
        let path = format!("/bot{}/{method}", self.telegram.token());
        self.exchange(&post(&path, &params.to_string())).await
    }

    pub(super) async fn exchange(&mut self, request: &str) -> Option<Message> {
        self.stream.write_all(request.as_bytes()).await.ok()?;
        read_message(&mut self.stream, &mut self.buffer).await
    }

    /// The result of a call that must go well.
    pub(super) async fn ok(&mut self, method: &str, params: Value) -> Value {
        let (status, body) = self.call(method, params).await;
        assert_eq!((status, &body["ok"]), (200, &true.into()), "{method}: {body}");
        body["result"].clone()
    }

    /// The description of a call that must be refused with this status.
    pub(super) async fn refused(&mut self, status: u16, method: &str, params: Value) -> String {
        let (answered, body) = self.call(method, params).await;
        assert_eq!((answered, &body["error_code"]), (status, &status.into()), "{method}: {body}");
        body["description"].as_str().unwrap().to_owned()
    }

    /// Sends a text to a chat and returns the message's id.
    pub(super) async fn send(&mut self, chat: i64, text: &str) -> i64 {
        let message = self.ok("sendMessage", json!({ "chat_id": chat, "text": text })).await;
        message["message_id"].as_i64().unwrap()
    }
}

pub(super) fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// Waits until it is so.
pub(super) async fn until(what: &str, mut look: impl FnMut() -> bool) {
    let started = Instant::now();
    while !look() {
        assert!(started.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
