//! Headings of the folder as questions, and how long searches for them take.

use std::collections::HashSet;

use anyhow::Context;
use store::{Ledger, passages};
use tokio::time::Instant;

use super::super::load::Body;
use super::super::server::Server;
use super::{Figures, bodies};

/// Chunks whose headings are asked.
const SAMPLE: i64 = 3000;

/// Searches before those that are timed: they fill what is remembered of terms.
const WARM: usize = 50;

#[derive(Debug)]
pub(super) struct Questions {
    texts: Vec<String>,
    /// Of a chunk, on average: what a figure a chunk is to be read with.
    pub(super) characters: f64,
}

impl Questions {
    #[expect(clippy::cast_precision_loss, reason = "a sample of chunks")]
    pub(super) async fn of(ledger: &Ledger) -> anyhow::Result<Self> {
        let sample = passages::sample(ledger, SAMPLE, &passages::Remembered::default()).await?;
        let characters: usize = sample.iter().map(|passage| passage.text.chars().count()).sum();
        let characters = characters as f64 / sample.len().max(1) as f64;
        let mut known = HashSet::new();
        let texts: Vec<String> = sample
            .into_iter()
            .map(|mut passage| passage.heading.pop().unwrap_or(passage.title))
            .filter(|text| !text.trim().is_empty() && known.insert(text.clone()))
            .collect();
        anyhow::ensure!(!texts.is_empty(), "there is no heading to ask for in the folder");
        Ok(Self { texts, characters })
    }

    pub(super) fn body(&self) -> Body {
        bodies(&self.texts)
    }

    /// `GET /v1/search`, one after another over one connection.
    pub(super) async fn search(
        &self,
        server: &Server,
        number: usize,
        figures: &mut Figures,
    ) -> anyhow::Result<()> {
        let http = reqwest::Client::builder().tls_certs_only([]).build()?;
        let key = server.run.key.clone().context("run.json has a key")?;
        let base = format!("http://{}/v1/search", server.run.listen);
        let mut times = Vec::with_capacity(number);
        for (n, text) in self.texts.iter().cycle().take(WARM + number).enumerate() {
            let url = reqwest::Url::parse_with_params(&base, [("q", text.as_str())])?;
            let began = Instant::now();
            let answer = http.get(url).bearer_auth(&key).send().await?.error_for_status()?;
            answer.bytes().await?;
            if n >= WARM {
                times.push(began.elapsed().as_secs_f64() * 1000.0);
            }
        }
        times.sort_by(f64::total_cmp);
        let at = |quantile| retrieval::evaluate::percentile(&times, quantile);
        figures.add("search_p50_ms", "Search over HTTP, p50", at(0.5), "ms", "");
        figures.add("search_p95_ms", "Search over HTTP, p95", at(0.95), "ms", "≤ 5");
        Ok(())
    }
}
