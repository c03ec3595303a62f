//! What happened on the people's side, waiting to be polled or pushed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::FakeTelegram;
use super::lanes::{Lane, Lanes};
use super::webhook::Webhook;

/// Bots get these only when they ask for them by name.
const ON_REQUEST: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// One delivery of an update: a repeated update is in the post twice.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) update_id: i64,
    pub(super) lane: Lane,
    /// How often the webhook did not take it.
    pub(super) tries: u32,
    /// Polling knows updates by number only, so that a repeated one is shown once, whatever the offset.
    repeat: bool,
    shown: bool,
}

#[derive(Debug)]
pub(super) struct Updates {
    next: i64,
    keys: u64,
    /// Every update there ever was.
    log: HashMap<i64, Value>,
    /// By a key that grows, so that the order is the order of happening.
    pub(super) pending: BTreeMap<u64, Parcel>,
    /// None named: all but those that must be asked for.
    pub(super) allowed: Vec<String>,
    /// How many polls there were: who waits and is not the newest must go.
    pub(super) polls: u64,
    pub(super) webhook: Option<Webhook>,
    pub(super) lanes: Lanes,
    /// On their way to the webhook now.
    pub(super) flying: HashSet<u64>,
    /// Grows when all lanes are laid anew: a retry that waited for the old ones is void.
    pub(super) epoch: u64,
    pub(super) confirmed: u64,
    pub(super) times: Vec<Duration>,
    pub(super) failures: u64,
}

impl Default for Updates {
    fn default() -> Self {
        Self {
            next: 100_000_001,
            keys: 0,
            log: HashMap::new(),
            pending: BTreeMap::new(),
            allowed: Vec::new(),
            polls: 0,
            webhook: None,
            lanes: Lanes::default(),
            flying: HashSet::new(),
            epoch: 0,
            confirmed: 0,
            times: Vec::new(),
            failures: 0,
        }
    }
}

impl Updates {
    /// Something happened. An update of a kind that the bot did not ask for is numbered and not delivered.
    pub(super) fn emit(&mut self, kind: &str, what: &Value) -> i64 {
        let wanted = if self.allowed.is_empty() {
            !ON_REQUEST.contains(&kind)
        } else {
            self.allowed.iter().any(|allowed| allowed == kind)
        };
        self.number(json!({ kind: what }), wanted)
    }

    /// Whatever it is, it is delivered: kinds that no list names yet come too.
    pub(super) fn number(&mut self, mut update: Value, wanted: bool) -> i64 {
        let id = self.next;
        self.next += 1;
        update["update_id"] = id.into();
        self.log.insert(id, update);
        if wanted {
            self.enqueue(id, false);
        }
        id
    }

    pub(super) fn repeat(&mut self, update_id: i64) {
        self.enqueue(update_id, true);
    }

    fn enqueue(&mut self, update_id: i64, repeat: bool) {
        let key = self.keys;
        self.keys += 1;
        let lane = self.log.get(&update_id).and_then(chat_of).map_or(Lane::Alone(key), Lane::Chat);
        self.pending.insert(key, Parcel { update_id, lane, tries: 0, repeat, shown: false });
        if self.webhook.is_some() {
            self.lanes.push(lane, key);
        }
    }

    pub(super) fn logged(&self, update_id: i64) -> Option<&Value> {
        self.log.get(&update_id)
    }

    /// Everything below the offset is done; with a negative one, only the last so many stay.
    pub(super) fn confirm(&mut self, offset: i64) {
        let offset = if offset < 0 { self.counted_back(offset) } else { offset };
        let before = self.pending.len();
        self.pending
            .retain(|_, parcel| if parcel.repeat { !parcel.shown } else { parcel.update_id >= offset });
        self.confirmed += (before - self.pending.len()) as u64;
    }

    fn counted_back(&self, offset: i64) -> i64 {
        let back = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
        let ids = self.pending.values().rev().filter(|parcel| !parcel.repeat).map(|parcel| parcel.update_id);
        ids.take(back).last().unwrap_or_default()
    }

    /// The next updates for a poll, lowest number first.
    pub(super) fn batch(&mut self, limit: usize) -> Vec<Value> {
        let mut parcels: Vec<&mut Parcel> = self.pending.values_mut().collect();
        parcels.sort_by_key(|parcel| parcel.update_id);
        parcels.truncate(limit);
        let take = |parcel: &mut Parcel| {
            parcel.shown = true;
            self.log.get(&parcel.update_id).cloned()
        };
        parcels.into_iter().filter_map(take).collect()
    }
}

/// The chat that an update is about, whatever its kind.
fn chat_of(update: &Value) -> Option<i64> {
    let mut parts = update.as_object()?.values();
    parts.find_map(|part| part["chat"]["id"].as_i64().or_else(|| part["message"]["chat"]["id"].as_i64()))
}

impl FakeTelegram {
    /// How many updates are neither confirmed by a poll nor taken by the webhook.
    pub fn undelivered(&self) -> usize {
        self.lock().updates.pending.len()
    }

    /// How many deliveries were confirmed by a poll's offset or by a 2xx of the webhook.
    pub fn confirmed(&self) -> u64 {
        self.lock().updates.confirmed
    }

    /// The update as it was or will be delivered.
    pub fn update(&self, update_id: i64) -> Option<Value> {
        self.lock().updates.logged(update_id).cloned()
    }

    /// The id of the message that an update is about.
    ///
    /// # Panics
    /// When it is about none.
    pub fn message_of(&self, update_id: i64) -> i64 {
        let update = self.update(update_id).unwrap_or_default();
        let mut parts = update.as_object().into_iter().flat_map(serde_json::Map::values);
        let id = parts
            .find_map(|part| part["message_id"].as_i64().or_else(|| part["message"]["message_id"].as_i64()));
        id.unwrap_or_else(|| panic!("update {update_id} is about no message: {update}"))
    }

    /// Delivers the same update again, number and all, as Telegram does when it missed the first answer.
    pub fn repeat(&self, update_id: i64) {
        self.lock().updates.repeat(update_id);
        self.wake();
    }

    /// An update of any kind; its number is put in. Returns that number.
    pub fn raw(&self, update: Value) -> i64 {
        let id = self.lock().updates.number(update, true);
        self.wake();
        id
    }
}
