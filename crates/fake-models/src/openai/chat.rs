//! `POST /v1/chat/completions`: what is refused, and what is understood.

use serde_json::{Map, Value};

use super::messages::messages;
use super::{known_only, model, no_such_model, positive};
use crate::record::{Api, ChatCall};
use crate::refusal::Refusal;
use crate::serve::Job;
use crate::settings::Settings;
use crate::tokens;

/// OpenAI's reference, January 2026; what this fake does not act on is taken and ignored.
const KNOWN: [&str; 35] = [
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

pub(super) fn understand(body: &Map<String, Value>, settings: &Settings) -> Result<Job, Refusal> {
    known_only(body, &KNOWN)?;
    let model = model(body)?;
    if settings.embedding_models.contains(&model) {
        let message = "This is not a chat model and thus not supported in the v1/chat/completions endpoint.";
        return Err(Refusal::not_found(message).param("model"));
    }
    if !settings.chat_models.contains(&model) {
        return Err(no_such_model(&model));
    }
    let messages = messages(body.get("messages"))?;
    let stream = flag(body, "stream")?;
    let include_usage = include_usage(body, stream)?;
    let temperature = temperature(body)?;
    let max_tokens = max_tokens(body)?;
    let json = json(body, &messages)?;
    let prompt_tokens = prompt_tokens(&messages);
    fits(prompt_tokens, max_tokens.unwrap_or_default(), settings.limits.context_window)?;
    let call = ChatCall {
        api: Api::OpenAi,
        model,
        messages,
        stream,
        max_tokens,
        json,
        temperature,
        prompt_tokens,
        truncated: false,
    };
    Ok(Job::Chat { call, include_usage })
}

/// Three for each message and three for the answer to begin with: OpenAI's cookbook, "How to count tokens".
pub(crate) fn prompt_tokens(messages: &[(String, String)]) -> usize {
    messages.iter().map(|(role, text)| 3 + tokens::count(role) + tokens::count(text)).sum::<usize>() + 3
}

/// The answer that is asked for counts too, as with OpenAI's older models and vLLM.
fn fits(prompt: usize, answer: usize, window: usize) -> Result<(), Refusal> {
    if prompt.saturating_add(answer) <= window {
        return Ok(());
    }
    let message = format!(
        "This model's maximum context length is {window} tokens. However, you requested {} tokens ({prompt} in \
         the messages, {answer} in the completion). Please reduce the length of the messages or completion.",
        prompt.saturating_add(answer)
    );
    Err(Refusal::invalid(message).param("messages").code("context_length_exceeded"))
}

fn flag(body: &Map<String, Value>, name: &str) -> Result<bool, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => {
            let message = format!("Invalid type for '{name}': expected a boolean.");
            Err(Refusal::invalid(message).param(name).code("invalid_type"))
        }
    }
}

fn include_usage(body: &Map<String, Value>, stream: bool) -> Result<bool, Refusal> {
    match body.get("stream_options") {
        None | Some(Value::Null) => Ok(false),
        Some(options) if stream => Ok(options["include_usage"] == true),
        Some(_) => {
            let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
            Err(Refusal::invalid(message).param("stream_options"))
        }
    }
}

fn temperature(body: &Map<String, Value>) -> Result<Option<f64>, Refusal> {
    match body.get("temperature") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) if (0.0..=2.0).contains(&number) => Ok(Some(number)),
            _ => Err(Refusal::invalid("Invalid 'temperature': expected a decimal from 0 to 2.")
                .param("temperature")
                .code("decimal_above_max_value")),
        },
    }
}

fn max_tokens(body: &Map<String, Value>) -> Result<Option<usize>, Refusal> {
    match (positive(body, "max_tokens")?, positive(body, "max_completion_tokens")?) {
        (Some(_), Some(_)) => Err(Refusal::invalid(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        )
        .param("max_tokens")
        .code("invalid_parameter_combination")),
        (old, new) => Ok(old.or(new)),
    }
}

/// OpenAI insists that the word is there, since the model would else write white space without end.
fn json(body: &Map<String, Value>, messages: &[(String, String)]) -> Result<bool, Refusal> {
    let kind = match body.get("response_format") {
        None | Some(Value::Null) => return Ok(false),
        Some(format) => format["type"].as_str().unwrap_or_default(),
    };
    match kind {
        "text" => Ok(false),
        "json_schema" => Ok(true),
        "json_object" if messages.iter().any(|(_, text)| text.to_lowercase().contains("json")) => Ok(true),
        "json_object" => Err(Refusal::invalid(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type \
             'json_object'.",
        )
        .param("messages")),
        _ => Err(Refusal::invalid(
            "Invalid value for 'response_format.type': expected 'text', 'json_object' or 'json_schema'.",
        )
        .param("response_format.type")
        .code("invalid_value")),
    }
}
