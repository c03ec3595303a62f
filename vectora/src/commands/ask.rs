//! `vectora ask`: one question, and its answer with its sources.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use contract::{Citation, Question, QuestionStatus};
use serde_json::json;

use super::output;
use super::remote::{Client, Remote};
use crate::config::Invocation;

#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The question.
    text: String,
    #[command(flatten)]
    remote: Remote,
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
        let client = self.remote.connect(invocation)?;
        let accepted: Question =
            client.call(client.post("/v1/questions").json(&json!({ "text": self.text }))).await?;
        let until = tokio::time::Instant::now() + Duration::from_secs(self.wait);
        let answered = tokio::time::timeout_at(until, follow(&client, &accepted)).await;
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
}

async fn follow(client: &Client, asked: &Question) -> anyhow::Result<Question> {
    loop {
        let question: Question = client.call(client.get(&format!("/v1/questions/{}", asked.id))).await?;
        if question.status.is_final() {
            return Ok(question);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn show(question: &Question) -> anyhow::Result<()> {
    let said = question.answer.as_deref().or(question.error.as_deref()).unwrap_or(question.status.as_str());
    output::line(said)?;
    if !question.citations.is_empty() {
        output::line("")?;
    }
    for citation in &question.citations {
        output::line(&source(citation))?;
    }
    if std::io::stdout().is_terminal() {
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// `[1] title › section — url`.
fn source(citation: &Citation) -> String {
    let section = citation.section.as_deref().map(|section| format!(" › {section}")).unwrap_or_default();
    let url = citation.url.as_deref().map(|url| format!(" — {url}")).unwrap_or_default();
    format!("[{}] {}{section}{url}", citation.number, citation.title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_one_line_with_what_there_is_of_it() {
        let mut citation = Citation {
            number: 2,
            title: "Passwords".to_owned(),
            section: None,
            url: None,
            quote: "quoted".to_owned(),
        };
        assert_eq!(source(&citation), "[2] Passwords");
        citation.section = Some("Reset".to_owned());
        citation.url = Some("https://x.example/p".to_owned());
        assert_eq!(source(&citation), "[2] Passwords › Reset — https://x.example/p");
    }
}
