//! The messages of a chat, as strictly as OpenAI reads them.

use serde_json::Value;

use crate::refusal::Refusal;

const ROLES: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];

/// Role and text, in order.
pub(super) fn messages(value: Option<&Value>) -> Result<Vec<(String, String)>, Refusal> {
    let Some(value) = value else {
        let message = "Missing required parameter: 'messages'.";
        return Err(Refusal::invalid(message).param("messages").code("missing_required_parameter"));
    };
    let messages = value.as_array().ok_or_else(|| {
        Refusal::invalid("Invalid type for 'messages': expected an array of objects.")
            .param("messages")
            .code("invalid_type")
    })?;
    if messages.is_empty() {
        let message = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an \
                       empty array instead.";
        return Err(Refusal::invalid(message).param("messages").code("empty_array"));
    }
    messages.iter().enumerate().map(|(index, message)| one(index, message)).collect()
}

fn one(index: usize, message: &Value) -> Result<(String, String), Refusal> {
    let role = message["role"].as_str().filter(|role| ROLES.contains(role)).ok_or_else(|| {
        let message = format!(
            "Invalid value: {}. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and \
             'developer'.",
            message["role"]
        );
        Refusal::invalid(message).param(format!("messages[{index}].role")).code("invalid_value")
    })?;
    let wrong = || {
        let message = format!("Invalid type for 'messages[{index}].content': expected a string or parts.");
        Refusal::invalid(message).param(format!("messages[{index}].content")).code("invalid_type")
    };
    let text = match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Option<Vec<&str>> = parts.iter().map(part).collect();
            texts.ok_or_else(wrong)?.join("\n")
        }
        Value::Null if role == "assistant" => String::new(),
        _ => return Err(wrong()),
    };
    Ok((role.to_owned(), text))
}

fn part(part: &Value) -> Option<&str> {
    (part["type"] == "text").then(|| part["text"].as_str()).flatten()
}
