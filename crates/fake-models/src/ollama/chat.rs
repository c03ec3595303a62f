//! `POST /api/chat`: what is refused, and what is understood.

use serde_json::{Map, Value, json};

use super::{CREATED, has, model, no_such_model, option};
use crate::openai::chat::prompt_tokens;
use crate::record::{Api, ChatCall};
use crate::refusal::Refusal;
use crate::serve::Job;
use crate::settings::Settings;

pub(super) fn understand(body: &Map<String, Value>, settings: &Settings) -> Result<Job, Refusal> {
    let model = model(body)?;
    if has(&settings.embedding_models, &model) {
        return Err(Refusal::invalid(format!("\"{model}\" does not support chat")));
    }
    if !has(&settings.chat_models, &model) {
        return Err(no_such_model(&model));
    }
    let messages = messages(body.get("messages"))?;
    if messages.is_empty() {
        // No chat: how a client has a model loaded.
        return Ok(Job::Show(json!({
            "model": model, "created_at": CREATED, "message": { "role": "assistant", "content": "" },
            "done_reason": "load", "done": true,
        })));
    }
    let prompt_tokens = prompt_tokens(&messages);
    let window = option(body, "num_ctx").unwrap_or(settings.limits.context_window);
    let call = ChatCall {
        api: Api::Ollama,
        model,
        messages,
        // Unlike OpenAI's, this API streams unless it is told not to.
        stream: body.get("stream").and_then(Value::as_bool).unwrap_or(true),
        // -1 and -2 are "no limit" and "what fits".
        max_tokens: option(body, "num_predict"),
        json: body.get("format").is_some_and(|format| !format.is_null() && format != ""),
        temperature: body.get("options").and_then(|options| options["temperature"].as_f64()),
        prompt_tokens: prompt_tokens.min(window),
        truncated: prompt_tokens > window,
    };
    Ok(Job::Chat { call, include_usage: false })
}

fn messages(value: Option<&Value>) -> Result<Vec<(String, String)>, Refusal> {
    let wrong = |what: &str| Refusal::invalid(format!("json: cannot unmarshal {what}"));
    let messages = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(value) => value.as_array().ok_or_else(|| wrong("ChatRequest.messages"))?,
    };
    let one = |message: &Value| {
        let role = message["role"].as_str().ok_or_else(|| wrong("Message.role"))?;
        if !["system", "user", "assistant", "tool"].contains(&role) {
            return Err(Refusal::invalid(format!("invalid role: {role}")));
        }
        let text = message["content"].as_str().ok_or_else(|| wrong("Message.content"))?;
        Ok((role.to_owned(), text.to_owned()))
    };
    messages.iter().map(one).collect()
}
