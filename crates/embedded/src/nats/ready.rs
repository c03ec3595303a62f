//! Whether the server answers: a connection, and the INFO line it greets with.

use std::{net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    net::TcpStream,
};

use crate::process::POLL;

/// One attempt; INFO comes at once or the other side is no NATS server.
const ATTEMPT: Duration = Duration::from_secs(1);
/// An INFO line has some hundred bytes.
const INFO_BYTES: u64 = 64 * 1024;

/// Returns when the server called `name` greets on `port`. `JetStream` is up before it listens.
pub(super) async fn answers(port: u16, name: &str) {
    let wanted = format!("\"server_name\":\"{name}\"");
    while !matches!(
        tokio::time::timeout(ATTEMPT, greeting(port)).await,
        Ok(Ok(line)) if line.starts_with("INFO ") && line.contains(&wanted)
    ) {
        tokio::time::sleep(POLL).await;
    }
}

async fn greeting(port: u16) -> std::io::Result<String> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let mut line = String::new();
    BufReader::new(stream.take(INFO_BYTES)).read_line(&mut line).await?;
    Ok(line)
}
