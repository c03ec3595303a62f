//! Chat with Ollama.
//!
//! The request is ollama-rs's; the exchange is not: it decodes every piece of the network alone, so that a Russian
//! letter across two pieces drops both, and it swallows errors inside the stream. NDJSON is cut on the byte
//! `\n` here, and each line is read leniently.
//!
//! Ollama cuts a prompt that is longer than `num_ctx` without a word, so the window is always sent.

use std::time::Duration;

use ollama_rs::generation::chat::ChatMessage;
use ollama_rs::generation::chat::request::ChatMessageRequest;
use ollama_rs::generation::parameters::{KeepAlive, TimeUnit};
use ollama_rs::models::ModelOptions;
use serde::Deserialize;
use serde_json::Value;

use crate::chat::Replying;
use crate::growing::Growing;
use crate::http::{Http, refusal_inside};
use crate::lines::Lines;
use crate::{ChatModel, Finish, Grow, ModelError, Reply, Request, Role, tokens};

/// A model behind Ollama.
#[derive(Debug)]
pub(crate) struct Ollama {
    pub(crate) http: Http,
    /// Provider and model.
    pub(crate) name: String,
    pub(crate) model: String,
    /// Tokens; `num_ctx`.
    pub(crate) window: u32,
    /// Tokens; `num_predict`.
    pub(crate) max_tokens: u32,
    /// Bytes.
    pub(crate) answer_limit: usize,
    pub(crate) keep_alive: Duration,
}

/// A line of the stream.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    done: bool,
    #[serde(default)]
    done_reason: Option<String>,
    #[serde(default)]
    prompt_eval_count: Option<u32>,
    #[serde(default)]
    eval_count: Option<u32>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
}

/// How a line ended the reply.
struct Done {
    finish: Finish,
    usage: Option<(u32, u32)>,
}

/// How long the server keeps a model in memory after a call, in its words.
pub(crate) fn keep_alive(time: Duration) -> KeepAlive {
    KeepAlive::Until { time: time.as_secs(), unit: TimeUnit::Seconds }
}

impl Ollama {
    fn body(&self, request: &Request) -> Vec<u8> {
        let system = (!request.system.is_empty()).then(|| ChatMessage::system(request.system.clone()));
        let said = request.said.iter().map(|said| match said.role {
            Role::User => ChatMessage::user(said.text.clone()),
            Role::Assistant => ChatMessage::assistant(said.text.clone()),
        });
        let max_tokens = i32::try_from(request.max_tokens.min(self.max_tokens)).unwrap_or(i32::MAX);
        let options = ModelOptions::default()
            .num_ctx(u64::from(self.window))
            .num_predict(max_tokens)
            .temperature(request.temperature);
        let body = ChatMessageRequest::new(self.model.clone(), system.into_iter().chain(said).collect())
            .options(options)
            .keep_alive(keep_alive(self.keep_alive));
        // Strings and numbers: this cannot fail.
        let mut body = serde_json::to_value(&body).unwrap_or_default();
        // The type keeps the field to itself.
        body["stream"] = Value::Bool(true);
        body.to_string().into_bytes()
    }

    async fn ask(&self, request: &Request, grow: &Grow<'_>) -> Result<Reply, ModelError> {
        let mut body = self.http.post("/api/chat", self.body(request)).await?;
        let mut growing = Growing::new(self.answer_limit, grow);
        let mut lines = Lines::default();
        let mut done = None;
        while let Some(piece) = body.next().await? {
            lines.push(&piece);
            while done.is_none()
                && let Some(line) = lines.next()?
            {
                done = hear(line, &mut growing)?;
            }
            if done.is_some() {
                body.finish().await;
                break;
            }
        }
        if done.is_none() {
            done = hear(lines.rest(), &mut growing)?;
        }
        let done =
            done.ok_or_else(|| ModelError::Failed("the stream ended before the answer did".to_owned()))?;
        growing.end(&self.name, done.finish, done.usage, tokens::estimate_prompt(request))
    }
}

/// One line; what it ended with, if it did.
fn hear(line: &[u8], growing: &mut Growing<'_>) -> Result<Option<Done>, ModelError> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let line: Line = serde_json::from_slice(line)
        .map_err(|_| ModelError::Failed("what came is no JSON of Ollama".to_owned()))?;
    if let Some(error) = line.error.filter(|error| !error.is_null()) {
        return Err(refusal_inside(&error));
    }
    if let Some(message) = line.message {
        if let Some(thought) = message.thinking.filter(|thought| !thought.is_empty()) {
            growing.thought(thought.len());
        }
        if let Some(text) = message.content.filter(|text| !text.is_empty())
            && !growing.push(&text)
        {
            return Ok(Some(Done { finish: Finish::Length, usage: None }));
        }
    }
    let finish = if line.done_reason.as_deref() == Some("length") { Finish::Length } else { Finish::Stop };
    // A prompt that Ollama has in its cache is counted as nothing.
    let usage = line.prompt_eval_count.filter(|prompt| *prompt > 0).zip(line.eval_count);
    Ok(line.done.then_some(Done { finish, usage }))
}

impl ChatModel for Ollama {
    fn name(&self) -> &str {
        &self.name
    }

    fn window(&self) -> u32 {
        self.window
    }

    fn reply<'a>(&'a self, request: &'a Request, grow: &'a Grow<'a>) -> Replying<'a> {
        Box::pin(self.ask(request, grow))
    }
}
