//! `POST /api/embed`: what is refused, and how vectors are written.

use serde_json::{Map, Value, json};

use super::{has, model, no_such_model};
use crate::embed::{Embedding, numbers};
use crate::record::{Api, EmbedCall};
use crate::refusal::Refusal;
use crate::serve::Job;
use crate::settings::Settings;
use crate::tokens;

pub(super) fn understand(body: &Map<String, Value>, settings: &Settings) -> Result<Job, Refusal> {
    let model = model(body)?;
    if has(&settings.chat_models, &model) {
        return Err(Refusal::new(
            501,
            "",
            "This server does not support embeddings. Start it with `--embeddings`",
        ));
    }
    if !has(&settings.embedding_models, &model) {
        return Err(no_such_model(&model));
    }
    let inputs: Option<Vec<String>> = match body.get("input") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) if text.is_empty() => Some(Vec::new()),
        Some(Value::String(text)) => Some(vec![text.clone()]),
        Some(Value::Array(texts)) => texts.iter().map(|text| text.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    let inputs = inputs.ok_or_else(|| Refusal::invalid("invalid input type"))?;
    // What is too long is cut without a word, unless that is forbidden.
    let whole = body.get("truncate") == Some(&Value::Bool(false));
    if whole && inputs.iter().any(|text| tokens::count(text) > settings.limits.text) {
        return Err(Refusal::invalid("the input length exceeds the context length"));
    }
    let dimensions = body.get("dimensions").and_then(Value::as_u64);
    let dimensions = dimensions.and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0);
    Ok(Job::Embed(EmbedCall { api: Api::Ollama, model, inputs, dimensions, base64: false }))
}

/// By hand and not as a `Value`: a batch is a hundred thousand numbers.
pub(crate) fn body(call: &EmbedCall, embeddings: &[Embedding]) -> String {
    let vectors: Vec<String> = embeddings.iter().map(|embedding| numbers(&embedding.vector)).collect();
    let tokens: usize = call.inputs.iter().map(|text| tokens::count(text)).sum();
    let model = json!(call.model);
    format!(
        r#"{{"model":{model},"embeddings":[{}],"total_duration":1,"load_duration":1,"prompt_eval_count":{tokens}}}"#,
        vectors.join(",")
    )
}
