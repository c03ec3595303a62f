//! Harm done to `JetStream` from outside, and what it holds: over a bare connection, because the product's own
//! client offers no way to delete anything, and no other crate knows the driver.

use std::time::Duration;

use embedded::nats::NatsServer;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

/// The stream of the tickets, as the default prefix names it.
const STREAM: &str = "VECTORA_TURNS";
const LIMIT: Duration = Duration::from_secs(10);

/// A server that can be asked and harmed. Each call makes a connection of its own.
#[derive(Debug)]
pub struct JetStream {
    address: String,
    token: String,
}

impl JetStream {
    pub fn of(server: &NatsServer) -> Self {
        let address = server.url().trim_start_matches("nats://").to_owned();
        Self { address, token: server.token().to_owned() }
    }

    /// Deletes the stream of the tickets, with its consumers.
    pub async fn delete_stream(&self) {
        self.done(&format!("STREAM.DELETE.{STREAM}"), &json!({})).await;
    }

    /// Deletes the consumer of a stage.
    pub async fn delete_consumer(&self, stage: &str) {
        self.done(&format!("CONSUMER.DELETE.{STREAM}.{stage}"), &json!({})).await;
    }

    /// Deletes one ticket.
    pub async fn delete_message(&self, sequence: u64) {
        self.done(&format!("STREAM.MSG.DELETE.{STREAM}"), &json!({ "seq": sequence })).await;
    }

    /// Tickets in the stream, those out with workers included.
    pub async fn stored(&self) -> u64 {
        let info = self.api(&format!("STREAM.INFO.{STREAM}"), &json!({})).await;
        info["state"]["messages"].as_u64().unwrap_or_else(|| panic!("no stream: {info}"))
    }

    /// The sequence of the newest ticket of a stage, if there is any.
    pub async fn newest(&self, stage: &str) -> Option<u64> {
        let wanted = json!({ "last_by_subj": format!("vectora.turns.{stage}") });
        self.api(&format!("STREAM.MSG.GET.{STREAM}"), &wanted).await["message"]["seq"].as_u64()
    }

    /// Puts bytes into the stream as a ticket of a stage, without an id: nothing keeps a copy out.
    pub async fn publish(&self, stage: &str, bytes: &[u8]) {
        let answer = self.ask(&format!("vectora.turns.{stage}"), bytes).await;
        assert!(answer["seq"].is_u64(), "not stored: {answer}");
    }

    async fn done(&self, subject: &str, body: &Value) {
        let answer = self.api(subject, body).await;
        assert_eq!(answer["success"], json!(true), "{subject}: {answer}");
    }

    async fn api(&self, subject: &str, body: &Value) -> Value {
        self.ask(&format!("$JS.API.{subject}"), body.to_string().as_bytes()).await
    }

    /// One request, and the first answer to it.
    async fn ask(&self, subject: &str, body: &[u8]) -> Value {
        let asked = tokio::time::timeout(LIMIT, self.converse(subject, body)).await;
        asked.unwrap_or_else(|_| panic!("NATS did not answer {subject}")).expect("NATS can be reached")
    }

    async fn converse(&self, subject: &str, body: &[u8]) -> std::io::Result<Value> {
        let mut stream = BufStream::new(TcpStream::connect(&self.address).await?);
        let hello =
            json!({ "verbose": false, "pedantic": false, "headers": false, "auth_token": self.token });
        stream.write_all(format!("CONNECT {hello}\r\nSUB here 1\r\n").as_bytes()).await?;
        stream.write_all(format!("PUB {subject} here {}\r\n", body.len()).as_bytes()).await?;
        stream.write_all(body).await?;
        stream.write_all(b"\r\n").await?;
        stream.flush().await?;
        let mut line = String::new();
        loop {
            line.clear();
            assert!(stream.read_line(&mut line).await? > 0, "NATS hung up on {subject}");
            assert!(!line.starts_with("-ERR"), "NATS refuses {subject}: {line}");
            if line.starts_with("MSG ") {
                let length = line.split_whitespace().last().and_then(|length| length.parse().ok());
                let mut answer = vec![0; length.expect("MSG ends with a length")];
                stream.read_exact(&mut answer).await?;
                return Ok(serde_json::from_slice(&answer).expect("JetStream answers in JSON"));
            }
        }
    }
}
