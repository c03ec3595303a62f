//! Open-loop load: questions are sent at their time, whether or not the ones before were answered, and
//! latency counts from the time they were due. A closed loop would slow down with the server and hide it.
//!
//! A client of its own, a few lines of HTTP/1.1 over kept connections: on a machine whose two cores carry
//! everything, a full client would be a good part of what is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Connections: more than questions are ever on the wire at once at a rate the server sustains.
const CONNECTIONS: usize = 32;

/// The longest time a histogram tells apart, in microseconds: two minutes, after which the bench gives up.
pub(super) const LONGEST: u64 = 120_000_000;

/// What a round of load saw.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) offered: u64,
    pub(super) accepted: u64,
    /// Microseconds from due to 202.
    pub(super) accept: Histogram<u64>,
}

/// What is asked: the body of the nth question.
pub(super) type Body = Arc<dyn Fn(u64) -> String + Send + Sync>;

/// Sends `rate` questions a second for `duration`.
pub(super) async fn run(
    address: &str,
    key: &str,
    rate: f64,
    duration: Duration,
    body: &Body,
) -> anyhow::Result<Round> {
    let (due, waiting) = mpsc::unbounded_channel::<(u64, Instant)>();
    let waiting = Arc::new(Mutex::new(waiting));
    let accepted = Arc::new(AtomicU64::new(0));
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (waiting, accepted, body) = (waiting.clone(), accepted.clone(), body.clone());
        let (address, key) = (address.to_owned(), key.to_owned());
        connections.spawn(async move { connection(&address, &key, &waiting, &accepted, &body).await });
    }
    let started = Instant::now();
    let mut offered = 0;
    loop {
        #[expect(clippy::cast_precision_loss, reason = "a count of questions is far below 2^52")]
        let at = started + Duration::from_secs_f64(offered as f64 / rate);
        if at >= started + duration {
            break;
        }
        tokio::time::sleep_until(at).await;
        due.send((offered, at))?;
        offered += 1;
    }
    drop(due);
    let mut accept = Histogram::new_with_bounds(1, LONGEST, 3)?;
    while let Some(part) = connections.join_next().await {
        accept.add(part??)?;
    }
    Ok(Round { offered, accepted: accepted.load(Ordering::SeqCst), accept })
}

async fn connection(
    address: &str,
    key: &str,
    waiting: &Mutex<mpsc::UnboundedReceiver<(u64, Instant)>>,
    accepted: &AtomicU64,
    body: &Body,
) -> anyhow::Result<Histogram<u64>> {
    let mut latencies = Histogram::new_with_bounds(1, LONGEST, 3)?;
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut answer = vec![0_u8; 4096];
    loop {
        let next = waiting.lock().await.recv().await;
        let Some((n, at)) = next else { return Ok(latencies) };
        let body = body(n);
        let request = format!(
            "POST /v1/questions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        if read_status(&mut stream, &mut answer).await? == 202 {
            accepted.fetch_add(1, Ordering::SeqCst);
        }
        let micros = u64::try_from(at.elapsed().as_micros()).unwrap_or(u64::MAX);
        latencies.saturating_record(micros);
    }
}

/// Reads one whole answer; its status.
async fn read_status(stream: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<u16> {
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..]).await?;
        anyhow::ensure!(count > 0, "the server closed the connection");
        filled += count;
        let text = String::from_utf8_lossy(&buffer[..filled]);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() >= length.unwrap_or(0) {
            return Ok(head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).unwrap_or(0));
        }
    }
}
