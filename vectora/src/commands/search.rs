//! `vectora search`: the passages a question would be answered from.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::output;
use super::remote::Remote;
use crate::config::Invocation;

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// What to search for.
    text: String,
    /// Passages at the most, up to 50.
    #[arg(long, default_value_t = 10)]
    limit: usize,
    #[command(flatten)]
    remote: Remote,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

/// The answer of `GET /v1/search`.
#[derive(Deserialize, Serialize)]
struct Found {
    passages: Vec<Passage>,
    coverage: f32,
    threshold: f32,
    covered: bool,
    looked_for: Vec<String>,
}

#[derive(Deserialize, Serialize)]
struct Passage {
    title: String,
    section: Option<String>,
    url: Option<String>,
    text: String,
    score: f32,
    source: String,
    path: String,
    document: contract::DocumentId,
}

impl Search {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let client = self.remote.connect(invocation)?;
        // Only its query is used; the host is the client's.
        let limit = self.limit.to_string();
        let query = [("q", self.text.as_str()), ("limit", limit.as_str())];
        let url = reqwest::Url::parse_with_params("http://localhost/v1/search", query)?;
        let query = url.query().context("the query is not empty")?;
        let found: Found = client.call(client.get(&format!("/v1/search?{query}"))).await?;
        if self.json {
            output::json(&found)?;
            return Ok(ExitCode::SUCCESS);
        }
        for passage in &found.passages {
            output::line(&passage.head())?;
            for line in passage.text.lines() {
                output::line(&format!("      {line}"))?;
            }
            output::line("")?;
        }
        output::line(&found.verdict())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Passage {
    fn head(&self) -> String {
        let section = self.section.as_deref().map(|section| format!(" › {section}")).unwrap_or_default();
        let place = self.url.clone().unwrap_or_else(|| format!("{}: {}", self.source, self.path));
        format!("{:.2}  {}{section} — {place}", self.score, self.title)
    }
}

impl Found {
    fn verdict(&self) -> String {
        let verdict = if self.covered { "a question like this is answered" } else { "it would be refused" };
        let passages = self.passages.len();
        let looked_for = match self.looked_for.as_slice() {
            [] => String::new(),
            words => format!("; looked for {}", words.join(", ")),
        };
        format!(
            "{passages} passages; coverage {:.2}, threshold {:.2}: {verdict}{looked_for}",
            self.coverage, self.threshold
        )
    }
}
