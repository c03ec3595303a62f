//! A text with its entities, as a call carries it: parsed, checked, trimmed.

use serde_json::{Value, json};

use super::answer::Refusal;
use super::params::Params;
use super::{entities, html};

/// In UTF-16 units, after parsing.
pub(super) const TEXT_LIMIT: usize = 4096;
pub(super) const CAPTION_LIMIT: usize = 1024;

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Content {
    pub(super) text: String,
    pub(super) entities: Vec<Value>,
}

pub(super) fn utf16(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The text of a message. It must be there.
pub(super) fn text(params: &Params) -> Result<Content, Refusal> {
    if !params.has("text") {
        return Err(Refusal::bad("message text is empty"));
    }
    let content = parsed(params, "text", "entities")?;
    if content.text.is_empty() {
        return Err(Refusal::bad("text must be non-empty"));
    }
    if utf16(&content.text) > TEXT_LIMIT {
        return Err(Refusal::bad("message is too long"));
    }
    Ok(content)
}

/// The text of a draft: an empty one shows "Thinking…".
pub(super) fn draft(params: &Params) -> Result<Content, Refusal> {
    let content = parsed(params, "text", "entities")?;
    if utf16(&content.text) > TEXT_LIMIT {
        return Err(Refusal::bad("message is too long"));
    }
    Ok(content)
}

/// `None` when the call does not change the caption.
pub(super) fn caption(params: &Params) -> Result<Option<Content>, Refusal> {
    if params.text("caption").is_none() {
        return Ok(None);
    }
    let content = parsed(params, "caption", "caption_entities")?;
    if utf16(&content.text) > CAPTION_LIMIT {
        return Err(Refusal::bad("message caption is too long"));
    }
    Ok(Some(content))
}

fn parsed(params: &Params, name: &str, entities_name: &str) -> Result<Content, Refusal> {
    let text = params.text(name).unwrap_or_default();
    let unparsable = |reason: String| Refusal::bad(&format!("can't parse entities: {reason}"));
    let (text, entities) = match params.text("parse_mode").unwrap_or_default() {
        "" => {
            let given = params.json(entities_name);
            let entities = given.map_or(Ok(Vec::new()), |given| entities::checked(text, &given));
            (text.to_owned(), entities.map_err(unparsable)?)
        }
        mode if mode.eq_ignore_ascii_case("html") => html::parsed(text).map_err(unparsable)?,
        _ => return Err(Refusal::bad("unsupported parse_mode")),
    };
    Ok(trimmed(&text, entities))
}

/// Telegram strips white space at both ends, and the entities move along.
fn trimmed(text: &str, entities: Vec<Value>) -> Content {
    let shown = text.trim_start();
    let cut = utf16(text) - utf16(shown);
    let shown = shown.trim_end();
    let length = utf16(shown);
    let entities = entities.into_iter().filter_map(|mut entity| {
        let (start, end) = entities::range(&entity)?;
        let (start, end) = (start.saturating_sub(cut), end.saturating_sub(cut).min(length));
        entity["offset"] = json!(start);
        entity["length"] = json!(end.checked_sub(start).filter(|length| *length > 0)?);
        Some(entity)
    });
    Content { text: shown.to_owned(), entities: entities.collect() }
}
