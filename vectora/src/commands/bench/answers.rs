//! `vectora bench answers`: answers written by a model, against a fake provider on this machine that keeps time.
//!
//! Two rounds: questions at a steady rate to a provider of known speed (what the pipeline adds to the provider's own
//! time), and many at once that stream for seconds to their readers (whether they hold, and in how much memory).

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use fake_models::{CHAT_MODEL, FakeModels};
use serde_json::{Value, json};

use super::knowledge::{Rounds, ingestion, watched};
use super::load::Body;
use super::machine::{Stolen, machine, scratch};
use super::queue::ledger_of;
use super::readers;
use super::server::Server;
use crate::commands::output;

#[derive(Debug, Args)]
pub(crate) struct Answers {
    /// Seconds of load in the steady round.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Questions a second in it.
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
    /// Turns that stream at once in the other.
    #[arg(long, default_value_t = 200)]
    streams: u32,
}

const ARTICLE: &str = "# Reset your password\n\nOpen the login page and choose Forgot password. The reset link is valid \
    for 30 minutes. If it has expired, ask for another one.\n";
const QUESTION: &str = "How long is the reset link valid?";
const SENTENCE: &str =
    "The reset link is valid for 30 minutes [1]. If it has expired, ask for another one [1]. ";

/// What the provider takes before its first token in the steady round.
const FIRST_TOKEN: Duration = Duration::from_millis(100);
/// Tokens a second of each stream in the other round.
const SPEED: f64 = 30.0;
/// Streams last about as long: SENTENCE has 22 tokens of four characters.
const SENTENCES: usize = 8;

impl Answers {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let dir = scratch()?;
        output::json(&self.measure(dir.path()).await?)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn measure(&self, dir: &std::path::Path) -> anyhow::Result<Value> {
        let provider = FakeModels::start().await;
        provider.keep_last(10);
        let env = [
            ("LLM_PROVIDER", "openai".to_owned()),
            ("OPENAI_API_KEY", "none".to_owned()),
            ("OPENAI_BASE_URL", provider.openai_url()),
            ("VECTORA__MODELS__PROVIDERS__OPENAI__MODEL", CHAT_MODEL.to_owned()),
            ("VECTORA__MODELS__PROVIDERS__OPENAI__CONCURRENCY", "1024".to_owned()),
            ("VECTORA__WORKERS__CONCURRENCY__ANSWER", "1024".to_owned()),
        ];
        let data = dir.join("data");
        let server = Server::start_with(&data, "openai", "127.0.0.1:0", &env).await?;
        let articles = dir.join("articles");
        tokio::fs::create_dir_all(&articles).await?;
        tokio::fs::write(articles.join("reset.md"), ARTICLE).await?;
        ingestion::run(&data, &articles, "bench").await?;

        let mut report = json!({ "machine": machine()? });
        let stolen = Stolen::from_now();
        report["overhead"] = self.overhead(&server, &provider).await?;
        report["streams"] = self.streams(&server, &provider).await?;
        report["machine"]["stolen_percent"] = json!(stolen.percent());
        report["cancelled"] = json!(provider.cancelled());
        server.stop().await?;
        Ok(report)
    }

    /// What the pipeline adds to the provider's own time.
    async fn overhead(&self, server: &Server, provider: &FakeModels) -> anyhow::Result<Value> {
        provider.says(|_| SENTENCE.to_owned());
        provider.first_token_after(FIRST_TOKEN);
        let ledger = ledger_of(server)?;
        let rounds = Rounds { server, ledger: &ledger, body: body() };
        rounds.round(self.rate, Duration::from_secs(2)).await?;
        let round = rounds.round(self.rate, Duration::from_secs(self.seconds)).await?;
        let own = FIRST_TOKEN.as_secs_f64() * 1000.0;
        let written = written(server).await?;
        ledger.close().await;
        anyhow::ensure!(written > 0, "no answer was written by the model");
        let above = |quantile: f64| ((round.at(quantile) - own) * 10.0).round() / 10.0;
        Ok(json!({
            "rate": self.rate, "provider_ms": own, "written_by_the_model": written,
            "p50_ms": above(0.5), "p95_ms": above(0.95), "p99_ms": above(0.99),
        }))
    }

    /// Many streams at once, each read while it grows.
    async fn streams(&self, server: &Server, provider: &FakeModels) -> anyhow::Result<Value> {
        provider.says(|_| SENTENCE.repeat(SENTENCES));
        provider.tokens_per_second(SPEED);
        let before = server.rss_anon();
        let began = Instant::now();
        let asked = json!({ "text": QUESTION });
        let (read, peak) = watched(server, readers::read(server, self.streams, &asked)).await;
        Ok(json!({
            "at_once": provider.most_in_flight(), "took_s": began.elapsed().as_secs_f64(), "read": read?,
            "rss_anon_before_mb": before / 1_000_000, "rss_anon_peak_mb": peak / 1_000_000,
        }))
    }
}

fn body() -> Body {
    Arc::new(|_| json!({ "text": QUESTION }).to_string())
}

/// Answers that a model wrote, as the server counts them.
async fn written(server: &Server) -> anyhow::Result<u64> {
    let http = reqwest::Client::builder().tls_certs_only([]).build()?;
    let metrics = http.get(format!("http://{}/metrics", server.run.internal)).send().await?.text().await?;
    let line = metrics.lines().find(|line| line.starts_with("vectora_answers_total{outcome=\"answered\"}"));
    Ok(line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0))
}
