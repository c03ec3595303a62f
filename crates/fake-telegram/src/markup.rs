//! Keyboards: what a bot may put under a message.

use serde_json::Value;

use super::answer::Refusal;
use super::params::Params;

/// A button under a message, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    pub text: String,
    pub callback_data: Option<String>,
    pub url: Option<String>,
}

/// What a button does: exactly one of these.
const ACTIONS: [&str; 9] = [
    "callback_data",
    "url",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "pay",
];

/// The keyboard of a call. One without buttons is none.
pub(super) fn markup(params: &Params, private: bool) -> Result<Option<Value>, Refusal> {
    let Some(markup) = params.json("reply_markup") else { return Ok(None) };
    if !markup.is_object() {
        return Err(Refusal::bad("object expected as reply markup"));
    }
    let Some(rows) = markup.get("inline_keyboard") else {
        let known = ["keyboard", "remove_keyboard", "force_reply"];
        return Ok(known.iter().any(|name| markup.get(name).is_some()).then_some(markup));
    };
    let wrong = |what: &str| Refusal::bad(&format!("can't parse inline keyboard button: {what}"));
    let rows = rows.as_array().ok_or_else(|| wrong("inline_keyboard must be an Array"))?;
    let mut count = 0;
    for row in rows {
        for button in row.as_array().ok_or_else(|| wrong("row must be an Array"))? {
            check(button, private)?;
            count += 1;
        }
    }
    Ok((count > 0).then_some(markup))
}

fn check(button: &Value, private: bool) -> Result<(), Refusal> {
    let wrong = |what: &str| Refusal::bad(&format!("can't parse inline keyboard button: {what}"));
    let text = button["text"].as_str().ok_or_else(|| wrong("Field \"text\" must be of type String"))?;
    if text.trim().is_empty() {
        return Err(wrong("Field \"text\" must be non-empty"));
    }
    match ACTIONS.iter().filter(|action| button.get(**action).is_some()).count() {
        0 => return Err(wrong("Text buttons are unallowed in the inline keyboard")),
        1 => {}
        _ => return Err(wrong("Button must have exactly one action")),
    }
    if let Some(data) = button.get("callback_data") {
        // Bytes, not characters: this is where Cyrillic data breaks.
        let length = data.as_str().map_or(0, str::len);
        if !(1..=64).contains(&length) {
            return Err(Refusal::bad("BUTTON_DATA_INVALID"));
        }
    }
    if let Some(url) = button.get("url") {
        let url = url.as_str().unwrap_or_default();
        if !["http://", "https://", "tg://", "ton://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(Refusal::bad("BUTTON_URL_INVALID"));
        }
    }
    if let Some(app) = button.get("web_app") {
        if !private {
            return Err(Refusal::bad("BUTTON_TYPE_INVALID"));
        }
        let url = app["url"].as_str().unwrap_or_default();
        if !url.starts_with("https://") {
            let what = format!(
                "inline keyboard button Web App URL '{url}' is invalid: Only HTTPS links are allowed"
            );
            return Err(Refusal::bad(&what));
        }
    }
    Ok(())
}

/// The buttons of an inline keyboard, row by row.
pub(super) fn buttons(markup: Option<&Value>) -> Vec<Button> {
    let rows = markup.and_then(|markup| markup["inline_keyboard"].as_array());
    let of = |button: &Value, name: &str| button[name].as_str().map(str::to_owned);
    rows.into_iter()
        .flatten()
        .filter_map(Value::as_array)
        .flatten()
        .map(|button| Button {
            text: of(button, "text").unwrap_or_default(),
            callback_data: of(button, "callback_data"),
            url: of(button, "url"),
        })
        .collect()
}
