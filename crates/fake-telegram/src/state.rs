//! Everything the server knows, behind one lock.

use std::collections::{HashMap, HashSet};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::answer::Refusal;
use super::callbacks::CallbackAnswer;
use super::calls::Calls;
use super::chats::Chat;
use super::files::Files;
use super::limits::{Governor, Limits};
use super::misbehave::Plans;
use super::params::Params;
use super::profile::Profile;
use super::updates::Updates;
use super::{BOT_ID, USERNAME};

#[derive(Debug)]
pub(super) struct State {
    pub(super) chats: HashMap<i64, Chat>,
    /// As they appear in `from`.
    pub(super) people: HashMap<i64, Value>,
    pub(super) updates: Updates,
    pub(super) governor: Governor,
    pub(super) plans: Plans,
    pub(super) calls: Calls,
    pub(super) profile: Profile,
    pub(super) files: Files,
    pub(super) queries: HashSet<String>,
    pub(super) callback_answers: Vec<CallbackAnswer>,
}

impl State {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            chats: HashMap::new(),
            people: HashMap::new(),
            updates: Updates::default(),
            governor: Governor::new(limits),
            plans: Plans::default(),
            calls: Calls::default(),
            profile: Profile::default(),
            files: Files::default(),
            queries: HashSet::new(),
            callback_answers: Vec::new(),
        }
    }

    /// The chat of a call, if the bot may act there.
    pub(super) fn chat(&mut self, params: &Params) -> Result<&mut Chat, Refusal> {
        let id = chat_id(params, "chat_id")?;
        open(&mut self.chats, id)
    }
}

/// `chat_id` and its like: a number, or digits in a string. The fake knows no public names.
pub(super) fn chat_id(params: &Params, name: &str) -> Result<i64, Refusal> {
    if !params.has(name) {
        return Err(Refusal::bad(&format!("{name} is empty")));
    }
    params.int(name).ok_or_else(|| Refusal::bad("chat not found"))
}

pub(super) fn open(chats: &mut HashMap<i64, Chat>, id: i64) -> Result<&mut Chat, Refusal> {
    let chat = chats.get_mut(&id).ok_or_else(|| Refusal::bad("chat not found"))?;
    chat.admits()?;
    Ok(chat)
}

pub(super) fn bot() -> Value {
    json!({ "id": BOT_ID, "is_bot": true, "first_name": "Vectora Test", "username": USERNAME })
}

/// Telegram's dates are whole seconds since 1970.
pub(super) fn date() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// One moment for one call: everything it does happened then.
pub(super) fn now() -> Instant {
    Instant::now()
}
