//! People who ask at once and read their answers while these grow, over server-sent events.

use std::time::Duration;

use anyhow::Context;
use futures_util::StreamExt;
use reqwest::Client;
use reqwest::header::LOCATION;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::server::Server;

/// An answer that takes longer is lost.
const LONGEST: Duration = Duration::from_mins(2);

/// What one of them saw, from when they asked.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// The first of the answer.
    first: Duration,
    whole: Duration,
    /// How often it grew.
    frames: usize,
}

/// So many ask within a second, each with this body, and read to the end.
pub(super) async fn read(server: &Server, readers: u32, body: &Value) -> anyhow::Result<Value> {
    let http = Client::builder().tls_certs_only([]).build()?;
    let (listen, key) = (server.run.listen.clone(), server.run.key.clone().unwrap_or_default());
    let started = Instant::now();
    let mut all = JoinSet::new();
    for n in 0..readers {
        let (http, base, key, body) =
            (http.clone(), format!("http://{listen}"), key.clone(), body.to_string());
        let at = started + Duration::from_secs_f64(f64::from(n) / f64::from(readers));
        all.spawn(async move {
            tokio::time::sleep_until(at).await;
            tokio::time::timeout(LONGEST, reader(&http, &base, &key, body, at))
                .await
                .context("an answer has no end")?
        });
    }
    let mut seen = Vec::new();
    while let Some(one) = all.join_next().await {
        seen.push(one??);
    }
    let mut frames: Vec<usize> = seen.iter().map(|seen| seen.frames).collect();
    frames.sort_unstable();
    Ok(json!({
        "readers": seen.len(),
        "frames_fewest": frames.first(), "frames_median": frames.get(frames.len() / 2),
        "first_p50_ms": quantile(&seen, 50, |seen| seen.first), "first_p95_ms": quantile(&seen, 95, |seen| seen.first),
        "whole_p50_ms": quantile(&seen, 50, |seen| seen.whole), "whole_p95_ms": quantile(&seen, 95, |seen| seen.whole),
    }))
}

async fn reader(http: &Client, base: &str, key: &str, body: String, at: Instant) -> anyhow::Result<Seen> {
    let ask = http.post(format!("{base}/v1/questions")).bearer_auth(key);
    let accepted =
        ask.header("content-type", "application/json").body(body).send().await?.error_for_status()?;
    let place = accepted.headers().get(LOCATION).context("a question has a place")?.to_str()?;
    let events =
        http.get(format!("{base}{place}/events")).bearer_auth(key).send().await?.error_for_status()?;
    let mut bytes = events.bytes_stream();
    let (mut text, mut first, mut frames) = (String::new(), None, 0);
    while let Some(chunk) = bytes.next().await {
        text.push_str(&String::from_utf8_lossy(&chunk?));
        while let Some((frame, rest)) = text.split_once("\n\n") {
            if frame.contains("event: text") || frame.contains("event:text") {
                first.get_or_insert(at.elapsed());
                frames += 1;
            }
            text = rest.to_owned();
        }
    }
    Ok(Seen { first: first.context("an answer grows")?, whole: at.elapsed(), frames })
}

/// In milliseconds.
fn quantile(seen: &[Seen], percent: usize, of: impl Fn(&Seen) -> Duration) -> Option<f64> {
    let mut times: Vec<Duration> = seen.iter().map(of).collect();
    times.sort_unstable();
    let at = (times.len().saturating_sub(1) * percent).div_ceil(100);
    times.get(at).map(|time| (time.as_secs_f64() * 1000.0).round())
}
