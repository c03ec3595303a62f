//! Entities as a bot sends them. The real server repairs some of what is refused here: a bot that relies on
//! that gets something else on the screen than it meant.

use serde_json::Value;

const KNOWN: [&str; 19] = [
    "mention",
    "hashtag",
    "cashtag",
    "bot_command",
    "url",
    "email",
    "phone_number",
    "bold",
    "italic",
    "underline",
    "strikethrough",
    "spoiler",
    "blockquote",
    "expandable_blockquote",
    "code",
    "pre",
    "text_link",
    "text_mention",
    "custom_emoji",
];

/// Start and end, in UTF-16 units.
pub(super) fn range(entity: &Value) -> Option<(usize, usize)> {
    let start = usize::try_from(entity["offset"].as_u64()?).ok()?;
    let length = usize::try_from(entity["length"].as_u64()?).ok()?;
    Some((start, start.checked_add(length)?))
}

/// The entities in reading order, outer ones first; or what is wrong with them.
pub(super) fn checked(text: &str, entities: &Value) -> Result<Vec<Value>, String> {
    let given = entities.as_array().ok_or("expected an array of MessageEntity")?;
    let borders = borders(text);
    let mut sorted = Vec::with_capacity(given.len());
    for entity in given {
        sorted.push((alone(entity, &borders)?, entity));
    }
    sorted.sort_by_key(|((start, end), entity)| (*start, usize::MAX - end, is_code(entity)));
    nested(&sorted)?;
    Ok(sorted.into_iter().map(|(_, entity)| entity.clone()).collect())
}

/// For every UTF-16 unit of the text, and its end: whether a character begins there.
fn borders(text: &str) -> Vec<bool> {
    let mut borders = Vec::with_capacity(text.len() + 1);
    for character in text.chars() {
        borders.push(true);
        borders.extend((1..character.len_utf16()).map(|_| false));
    }
    borders.push(true);
    borders
}

fn alone(entity: &Value, borders: &[bool]) -> Result<(usize, usize), String> {
    let kind = entity["type"].as_str().ok_or("an entity has no type")?;
    if !KNOWN.contains(&kind) {
        return Err(format!("unknown entity type \"{kind}\""));
    }
    let (start, end) = range(entity).ok_or_else(|| format!("offset or length of {kind} is no number"))?;
    if start == end {
        return Err(format!("entity {kind} at UTF-16 offset {start} is empty"));
    }
    match (borders.get(start), borders.get(end)) {
        (Some(true), Some(true)) => {}
        (Some(_), Some(_)) => {
            return Err(format!("entity {kind} at UTF-16 offset {start} splits a surrogate pair"));
        }
        _ => {
            return Err(format!(
                "entity {kind} at UTF-16 offset {start} ends after the end of the text at {end}"
            ));
        }
    }
    let wants = match kind {
        "text_link" => "url",
        "text_mention" => "user",
        "custom_emoji" => "custom_emoji_id",
        _ => return Ok((start, end)),
    };
    match &entity[wants] {
        Value::Null => Err(format!("entity {kind} at UTF-16 offset {start} has no {wants}")),
        Value::String(text) if text.is_empty() => Err(format!("{wants} of {kind} is empty")),
        _ => Ok((start, end)),
    }
}

/// As the documentation has it: no crossing, nothing in code, no code in bold and its like, no quote in a
/// quote.
fn nested(sorted: &[((usize, usize), &Value)]) -> Result<(), String> {
    let mut open: Vec<(usize, &Value)> = Vec::new();
    for ((start, end), entity) in sorted {
        open.retain(|(outer_end, _)| outer_end > start);
        for (outer_end, outer) in &open {
            let (kind, outer_kind) = (kind(entity), kind(outer));
            if outer_end < end {
                return Err(format!("{kind} at UTF-16 offset {start} crosses the end of {outer_kind}"));
            }
            let illegal = is_code(outer)
                || (is_code(entity) && is_style(outer))
                || (outer_kind.ends_with("blockquote") && kind.ends_with("blockquote"));
            if illegal {
                return Err(format!("{kind} at UTF-16 offset {start} can't be inside {outer_kind}"));
            }
        }
        open.push((*end, entity));
    }
    Ok(())
}

fn kind(entity: &Value) -> &str {
    entity["type"].as_str().unwrap_or_default()
}

fn is_code(entity: &Value) -> bool {
    matches!(kind(entity), "code" | "pre")
}

fn is_style(entity: &Value) -> bool {
    matches!(kind(entity), "bold" | "italic" | "underline" | "strikethrough" | "spoiler")
}
