//! `my_chat_member`: whether the bot is still where it was.
//!
//! Read without teloxide: a right of administrators that it does not know must not hide that the bot was removed.

use serde_json::Value;

use super::Event;

/// `None`: another change, such as of rights.
pub(super) fn read(update: &Value) -> Option<Event> {
    match (is_in(&update["old_chat_member"]), is_in(&update["new_chat_member"])?) {
        (_, false) => Some(Event::Left),
        (Some(false) | None, true) => Some(Event::Joined),
        (Some(true), true) => None,
    }
}

fn is_in(member: &Value) -> Option<bool> {
    match member["status"].as_str()? {
        "left" | "kicked" => Some(false),
        // In the group without all rights, or outside it with a mark for the return.
        "restricted" => Some(member["is_member"] != false),
        "member" | "administrator" | "creator" => Some(true),
        _ => None,
    }
}
