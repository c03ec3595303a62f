//! OpenAI's API: which calls there are, and the key.
//!
//! Refusals are worded as OpenAI's were when this was written; a client may lean on status, `type` and `code`.

pub(super) mod chat;
pub(super) mod embeddings;
mod messages;
pub(super) mod sse;

use serde_json::{Value, json};

use super::http::Request;
use super::refusal::Refusal;
use super::serve::{Job, object};
use super::settings::Settings;

pub(super) fn understand(request: &Request, settings: &Settings) -> Result<Job, Refusal> {
    authorised(request, settings)?;
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/v1/chat/completions") => chat::understand(&json_body(request)?, settings),
        ("POST", "/v1/embeddings") => embeddings::understand(&json_body(request)?, settings),
        ("GET", "/v1/models") => Ok(Job::Show(models(settings))),
        (method, "/v1/chat/completions" | "/v1/embeddings" | "/v1/models") => {
            let message = format!("Not allowed to {method} on {}", request.path);
            Err(Refusal::new(405, "invalid_request_error", message).code("method_not_supported"))
        }
        (method, path) => Err(Refusal::not_found(format!("Invalid URL ({method} {path})"))),
    }
}

fn authorised(request: &Request, settings: &Settings) -> Result<(), Refusal> {
    let Some(key) = &settings.key else { return Ok(()) };
    let refused = |message: String| Refusal::new(401, "invalid_request_error", message);
    match &request.bearer {
        Some(bearer) if bearer == key => Ok(()),
        Some(bearer) => Err(refused(format!(
            "Incorrect API key provided: {}. You can find your API key at \
             https://platform.openai.com/account/api-keys.",
            masked(bearer)
        ))
        .code("invalid_api_key")),
        None => Err(refused(
            "You didn't provide an API key. You need to provide your API key in an Authorization header \
             using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
                .to_owned(),
        )),
    }
}

/// As OpenAI shows it: the beginning and the end. That is still more than a log should have.
fn masked(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    let hidden = characters.len().saturating_sub(12);
    let begin: String = characters.iter().take(8).collect();
    let end: String = characters.iter().skip(8 + hidden).collect();
    format!("{begin}{}{end}", "*".repeat(hidden))
}

fn json_body(request: &Request) -> Result<serde_json::Map<String, Value>, Refusal> {
    if !request.json {
        let message = "Unsupported Content-Type header: expected 'application/json'.";
        return Err(Refusal::new(415, "invalid_request_error", message).code("unsupported_content_type"));
    }
    object(request)
}

fn models(settings: &Settings) -> Value {
    let all = settings.chat_models.iter().chain(&settings.embedding_models);
    let data: Vec<Value> = all
        .map(|id| json!({ "id": id, "object": "model", "created": CREATED, "owned_by": "system" }))
        .collect();
    json!({ "object": "list", "data": data })
}

/// The name that a call asks for.
fn model(body: &serde_json::Map<String, Value>) -> Result<String, Refusal> {
    match body.get("model") {
        Some(Value::String(model)) if !model.is_empty() => Ok(model.clone()),
        _ => Err(Refusal::invalid("you must provide a model parameter")),
    }
}

fn no_such_model(model: &str) -> Refusal {
    let message = format!("The model `{model}` does not exist or you do not have access to it.");
    Refusal::not_found(message).code("model_not_found")
}

/// A strict server takes no argument that it does not know.
fn known_only(body: &serde_json::Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match body.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Refusal::invalid(format!("Unrecognized request argument supplied: {key}"))),
        None => Ok(()),
    }
}

/// A positive whole number that may be absent or null.
fn positive(body: &serde_json::Map<String, Value>, name: &str) -> Result<Option<usize>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().and_then(|number| usize::try_from(number).ok()) {
            Some(number) if number > 0 => Ok(Some(number)),
            _ => Err(Refusal::invalid(format!("Invalid '{name}': expected an integer >= 1."))
                .param(name)
                .code("integer_below_min_value")),
        },
    }
}

/// When everything here came to be: the same in every run.
const CREATED: u64 = 1_735_689_600;
