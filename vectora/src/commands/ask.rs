//! `vectora ask`: one question, and its answer.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use contract::{Question, QuestionStatus};
use serde_json::json;

use super::{local, output};
use crate::config::Invocation;

#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The question.
    text: String,
    /// Where to ask; default: the `vectora up` of this machine.
    #[arg(long, requires = "key")]
    url: Option<String>,
    /// The key to ask with. Better in `VECTORA_KEY` than on the command line, which others can see.
    #[arg(long, env = "VECTORA_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Print the whole question as JSON.
    #[arg(long)]
    json: bool,
    /// Seconds to wait for the answer.
    #[arg(long, default_value_t = 120)]
    wait: u64,
}

/// Between two looks. The event stream is for programs that ask a lot; a person waits for one answer.
const LOOK: Duration = Duration::from_millis(100);

impl Ask {
    pub(crate) async fn run(self, invocation: &Invocation) -> anyhow::Result<ExitCode> {
        let (url, key) = self.address(invocation)?;
        let http = client(&url)?;
        let asked = http
            .post(format!("{url}/v1/questions"))
            .bearer_auth(&key)
            .json(&json!({ "text": self.text }))
            .send()
            .await
            .with_context(|| format!("nobody answers at {url}: is `vectora up` running?"))?;
        let accepted: Question = expect(asked).await?;
        let until = tokio::time::Instant::now() + Duration::from_secs(self.wait);
        let answered = tokio::time::timeout_at(until, follow(&http, &url, &key, &accepted)).await;
        let Ok(question) = answered else {
            anyhow::bail!(
                "no answer within {} s; the question is accepted and goes on as {}",
                self.wait,
                accepted.id
            );
        };
        let question = question?;
        if self.json {
            output::json(&question)?;
        } else {
            show(&question)?;
        }
        Ok(match question.status {
            QuestionStatus::Answered => ExitCode::SUCCESS,
            QuestionStatus::Refused => ExitCode::from(3),
            QuestionStatus::Escalated | QuestionStatus::Superseded => ExitCode::from(4),
            _ => ExitCode::FAILURE,
        })
    }

    fn address(&self, invocation: &Invocation) -> anyhow::Result<(String, String)> {
        if let (Some(url), Some(key)) = (&self.url, &self.key) {
            return Ok((url.trim_end_matches('/').to_owned(), key.clone()));
        }
        let run = local::running(invocation)?
            .context("no `vectora up` runs with this data directory: start one, or give --url and --key")?;
        let key = self.key.clone().or(run.key).context("run.json has no key: give one with --key")?;
        Ok((format!("http://{}", run.listen), key))
    }
}

/// Without TLS no certificates are needed, and a machine that has none is no obstacle.
fn client(url: &str) -> anyhow::Result<reqwest::Client> {
    let builder = reqwest::Client::builder();
    let builder = if url.starts_with("http://") { builder.tls_certs_only([]) } else { builder };
    builder.build().context("no HTTPS client: install the CA certificates (ca-certificates)")
}

async fn follow(http: &reqwest::Client, url: &str, key: &str, asked: &Question) -> anyhow::Result<Question> {
    loop {
        let answer = http.get(format!("{url}/v1/questions/{}", asked.id)).bearer_auth(key).send().await?;
        let question: Question = expect(answer).await?;
        if question.status.is_final() {
            return Ok(question);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The body of a good answer, or the problem as an error.
async fn expect(response: reqwest::Response) -> anyhow::Result<Question> {
    let status = response.status();
    if status.is_success() {
        return Ok(response.json().await?);
    }
    let problem: serde_json::Value = response.json().await.unwrap_or_default();
    let detail = problem["detail"].as_str().or(problem["title"].as_str()).unwrap_or("no detail given");
    anyhow::bail!("{status}: {detail}")
}

fn show(question: &Question) -> anyhow::Result<()> {
    let said = question.answer.as_deref().or(question.error.as_deref()).unwrap_or(question.status.as_str());
    output::line(said)?;
    for citation in &question.citations {
        let section = citation.section.as_deref().map(|section| format!(" › {section}")).unwrap_or_default();
        let url = citation.url.as_deref().map(|url| format!("  {url}")).unwrap_or_default();
        output::line(&format!("[{}] {}{section}{url}", citation.number, citation.title))?;
    }
    if std::io::stdout().is_terminal() {
        std::io::stdout().flush()?;
    }
    Ok(())
}
