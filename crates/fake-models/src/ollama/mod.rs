//! Ollama's API: which calls there are, and how models are named.

pub(super) mod chat;
pub(super) mod embed;
pub(super) mod ndjson;

use serde_json::{Map, Value, json};

use super::http::Request;
use super::refusal::Refusal;
use super::serve::{Job, object};
use super::settings::Settings;

pub(super) fn understand(request: &Request, settings: &Settings) -> Result<Job, Refusal> {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/api/chat") => chat::understand(&json_body(request)?, settings),
        ("POST", "/api/embed") => embed::understand(&json_body(request)?, settings),
        ("GET", "/api/tags") => Ok(Job::Show(tags(settings))),
        ("GET", "/api/version") => Ok(Job::Show(json!({ "version": "0.12.6" }))),
        (_, "/api/chat" | "/api/embed" | "/api/tags" | "/api/version") => {
            Err(Refusal::new(405, "", "405 method not allowed"))
        }
        _ => Err(Refusal::not_found("404 page not found")),
    }
}

/// Whatever the content type says, as Ollama does.
fn json_body(request: &Request) -> Result<Map<String, Value>, Refusal> {
    if request.body.is_empty() {
        return Err(Refusal::invalid("missing request body"));
    }
    object(request)
}

fn tags(settings: &Settings) -> Value {
    let all = settings.chat_models.iter().chain(&settings.embedding_models);
    let models: Vec<Value> = all
        .map(|name| {
            let name = tagged(name);
            json!({
                "name": name, "model": name, "modified_at": CREATED, "size": 1, "digest": "0",
                "details": { "format": "gguf", "family": "fake", "parameter_size": "1B" },
            })
        })
        .collect();
    json!({ "models": models })
}

fn model(body: &Map<String, Value>) -> Result<String, Refusal> {
    let model = body.get("model").and_then(Value::as_str).filter(|model| !model.is_empty());
    model.map(str::to_owned).ok_or_else(|| Refusal::invalid("model is required"))
}

/// A name without a tag means the latest.
fn has(models: &[String], model: &str) -> bool {
    models.iter().any(|there| tagged(there) == tagged(model))
}

fn tagged(model: &str) -> String {
    if model.contains(':') { model.to_owned() } else { format!("{model}:latest") }
}

fn no_such_model(model: &str) -> Refusal {
    Refusal::not_found(format!("model '{model}' not found"))
}

/// One of a call's `options`, if it is a number above zero.
fn option(body: &Map<String, Value>, name: &str) -> Option<usize> {
    let number = body.get("options")?.get(name)?.as_u64()?;
    usize::try_from(number).ok().filter(|number| *number > 0)
}

/// When everything here came to be: the same in every run.
const CREATED: &str = "2025-01-01T00:00:00.000000001Z";
