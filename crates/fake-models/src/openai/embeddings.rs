//! `POST /v1/embeddings`: what is refused, and how vectors are written.

use serde_json::{Map, Value, json};

use super::{known_only, model, no_such_model, positive};
use crate::base64;
use crate::embed::{Embedding, numbers};
use crate::record::{Api, EmbedCall};
use crate::refusal::Refusal;
use crate::serve::Job;
use crate::settings::{Limits, Settings};
use crate::tokens;

const KNOWN: [&str; 5] = ["model", "input", "encoding_format", "dimensions", "user"];

pub(super) fn understand(body: &Map<String, Value>, settings: &Settings) -> Result<Job, Refusal> {
    known_only(body, &KNOWN)?;
    let model = model(body)?;
    if settings.chat_models.contains(&model) {
        let message = "You are not allowed to generate embeddings from this model";
        return Err(Refusal::new(403, "invalid_request_error", message));
    }
    if !settings.embedding_models.contains(&model) {
        return Err(no_such_model(&model));
    }
    let inputs = inputs(body.get("input"))?;
    within(&inputs, settings.limits)?;
    let dimensions = positive(body, "dimensions")?;
    if dimensions.is_some_and(|dimensions| dimensions > settings.dimension) {
        let message = format!("Invalid value for 'dimensions': must be at most {}.", settings.dimension);
        return Err(Refusal::invalid(message).param("dimensions"));
    }
    let base64 = match body.get("encoding_format") {
        None | Some(Value::Null) => false,
        Some(format) if format == "float" => false,
        Some(format) if format == "base64" => true,
        Some(_) => {
            let message = "Invalid value for 'encoding_format': expected 'float' or 'base64'.";
            return Err(Refusal::invalid(message).param("encoding_format").code("invalid_value"));
        }
    };
    Ok(Job::Embed(EmbedCall { api: Api::OpenAi, model, inputs, dimensions, base64 }))
}

/// Neither no text nor an empty one. Texts as arrays of tokens are not taken: the words are not in them.
fn inputs(value: Option<&Value>) -> Result<Vec<String>, Refusal> {
    let inputs: Option<Vec<String>> = match value {
        Some(Value::String(text)) => Some(vec![text.clone()]),
        Some(Value::Array(texts)) => texts.iter().map(|text| text.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    inputs.filter(|inputs| !inputs.is_empty() && inputs.iter().all(|text| !text.is_empty())).ok_or_else(
        || {
            let message = "'$.input' is invalid. Please check the API reference: \
                       https://platform.openai.com/docs/api-reference.";
            Refusal::invalid(message).param("input")
        },
    )
}

fn within(inputs: &[String], limits: Limits) -> Result<(), Refusal> {
    if inputs.len() > limits.batch {
        let message = format!(
            "Invalid 'input': array too long. Expected an array with maximum length {}, but got an array with \
             length {} instead.",
            limits.batch,
            inputs.len()
        );
        return Err(Refusal::invalid(message).param("input").code("array_above_max_length"));
    }
    let counts = || inputs.iter().map(|text| tokens::count(text));
    if let Some(count) = counts().find(|count| *count > limits.text) {
        let message = format!(
            "This model's maximum context length is {} tokens, however you requested {count} tokens ({count} \
             in your prompt; 0 for the completion). Please reduce your prompt; or completion length.",
            limits.text
        );
        return Err(Refusal::invalid(message).code("context_length_exceeded"));
    }
    if counts().sum::<usize>() > limits.batch_tokens {
        let message = format!(
            "Requested {} tokens, max {} tokens per request",
            counts().sum::<usize>(),
            limits.batch_tokens
        );
        return Err(Refusal::new(400, "max_tokens_per_request", message).code("max_tokens_per_request"));
    }
    Ok(())
}

/// By hand and not as a `Value`: a batch is a hundred thousand numbers.
pub(crate) fn body(call: &EmbedCall, embeddings: &[Embedding]) -> String {
    let vectors = embeddings.iter().map(|Embedding { index, vector }| {
        let vector = if call.base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            format!("\"{}\"", base64::encode(&bytes))
        } else {
            numbers(vector)
        };
        format!(r#"{{"object":"embedding","index":{index},"embedding":{vector}}}"#)
    });
    let data = vectors.collect::<Vec<_>>().join(",");
    let tokens: usize = call.inputs.iter().map(|text| tokens::count(text)).sum();
    let usage = json!({ "prompt_tokens": tokens, "total_tokens": tokens });
    let model = json!(call.model);
    format!(r#"{{"object":"list","data":[{data}],"model":{model},"usage":{usage}}}"#)
}
