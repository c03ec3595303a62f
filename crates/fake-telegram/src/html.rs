//! `parse_mode` HTML: a few tags, no mercy.

use serde_json::{Value, json};

use super::content::utf16;

struct Open {
    tag: String,
    start: usize,
    entity: Option<Value>,
}

/// The text that people see, and its entities in reading order; or what is wrong.
pub(super) fn parsed(source: &str) -> Result<(String, Vec<Value>), String> {
    let mut text = String::with_capacity(source.len());
    let mut open: Vec<Open> = Vec::new();
    let mut entities = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let at = source.len() - rest.len();
        match first {
            '<' => {
                let end = rest.find('>').ok_or_else(|| format!("Unclosed start tag at byte offset {at}"))?;
                let tag = &rest[1..end];
                rest = &rest[end + 1..];
                match tag.strip_prefix('/') {
                    Some(name) => close(name.trim(), at, &mut open, &text, &mut entities)?,
                    None => open.push(opened(tag, at, utf16(&text), open.last())?),
                }
            }
            '&' => {
                let (character, length) = character(rest);
                text.push(character);
                rest = &rest[length..];
            }
            other => {
                text.push(other);
                rest = &rest[other.len_utf8()..];
            }
        }
    }
    if let Some(open) = open.pop() {
        return Err(format!("Can't find end tag corresponding to start tag \"{}\"", open.tag));
    }
    entities.sort_by_key(|entity: &Value| {
        (entity["offset"].as_u64(), u64::MAX - entity["length"].as_u64().unwrap_or_default())
    });
    Ok((text, entities))
}

fn opened(tag: &str, at: usize, start: usize, outer: Option<&Open>) -> Result<Open, String> {
    let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    let name = name.to_ascii_lowercase();
    let unsupported = || format!("Unsupported start tag \"{name}\" at byte offset {at}");
    let entity = match name.as_str() {
        "b" | "strong" => json!({ "type": "bold" }),
        "i" | "em" => json!({ "type": "italic" }),
        "u" | "ins" => json!({ "type": "underline" }),
        "s" | "strike" | "del" => json!({ "type": "strikethrough" }),
        "tg-spoiler" => json!({ "type": "spoiler" }),
        "span" if attribute(attributes, "class").as_deref() == Some("tg-spoiler") => {
            json!({ "type": "spoiler" })
        }
        "span" => return Err(format!("Tag \"span\" must have class \"tg-spoiler\" at byte offset {at}")),
        "blockquote" if attributes.contains("expandable") => json!({ "type": "expandable_blockquote" }),
        "blockquote" => json!({ "type": "blockquote" }),
        "pre" => json!({ "type": "pre" }),
        // <pre><code class="language-x"> is one thing, not two.
        "code" if outer.is_some_and(|outer| outer.tag == "pre") => {
            let class = attribute(attributes, "class").unwrap_or_default();
            json!({ "type": "pre", "language": class.strip_prefix("language-") })
        }
        "code" => json!({ "type": "code" }),
        "a" => match attribute(attributes, "href").filter(|url| !url.is_empty()) {
            Some(url) => json!({ "type": "text_link", "url": url }),
            // A link to nowhere is plain text.
            None => Value::Null,
        },
        "tg-emoji" => json!({
            "type": "custom_emoji",
            "custom_emoji_id": attribute(attributes, "emoji-id").ok_or_else(unsupported)?,
        }),
        _ => return Err(unsupported()),
    };
    Ok(Open { tag: name, start, entity: (!entity.is_null()).then_some(entity) })
}

fn close(
    name: &str,
    at: usize,
    open: &mut Vec<Open>,
    text: &str,
    entities: &mut Vec<Value>,
) -> Result<(), String> {
    let Some(closed) = open.pop() else {
        return Err(format!("Unexpected end tag at byte offset {at}"));
    };
    if !name.is_empty() && !name.eq_ignore_ascii_case(&closed.tag) {
        let expected = closed.tag;
        return Err(format!(
            "Unmatched end tag at byte offset {at}, expected \"</{expected}>\", found \"</{name}>\""
        ));
    }
    let Some(mut entity) = closed.entity else { return Ok(()) };
    // The code inside <pre> only tells the language.
    if closed.tag == "code" && entity["type"] == "pre" {
        let language = entity["language"].take();
        if let Some(outer) = open.last_mut().and_then(|outer| outer.entity.as_mut())
            && !language.is_null()
        {
            outer["language"] = language;
        }
        return Ok(());
    }
    let length = utf16(text) - closed.start;
    if length > 0 {
        entity["offset"] = json!(closed.start);
        entity["length"] = json!(length);
        entities.push(entity);
    }
    Ok(())
}

fn attribute(attributes: &str, name: &str) -> Option<String> {
    let after = attributes.split_once(&format!("{name}="))?.1;
    let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''));
    let value = match quote {
        Some(quote) => after[1..].split(quote).next()?,
        None => after.split_whitespace().next()?,
    };
    Some(value.replace("&quot;", "\"").replace("&amp;", "&"))
}

/// The character that `&…` stands for, and how many bytes it takes; a lone `&` is itself.
fn character(rest: &str) -> (char, usize) {
    let alone = ('&', 1);
    let Some(end) = rest.find(';') else { return alone };
    let decoded = match &rest[1..end] {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        number => number
            .strip_prefix("#x")
            .map(|hex| u32::from_str_radix(hex, 16))
            .or_else(|| number.strip_prefix('#').map(str::parse))
            .and_then(Result::ok)
            .and_then(char::from_u32),
    };
    decoded.map_or(alone, |character| (character, end + 1))
}
