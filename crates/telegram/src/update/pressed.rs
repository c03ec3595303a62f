//! `callback_query`: a pressed button.

use serde_json::Value;

use super::{Pressed, message_id, person};

/// `None`: a button of a game, which has no action.
pub(super) fn read(query: &Value) -> Option<Pressed> {
    Some(Pressed {
        id: query["id"].as_str()?.to_owned(),
        from: person(&query["from"])?,
        // Of a message that is too old only the chat and the id are left; they are all that is needed.
        message: message_id(&query["message"]),
        action: query["data"].as_str()?.to_owned(),
    })
}
