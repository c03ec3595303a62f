//! Telegram's updates: stored raw, then Telegram is told that we have them.
//!
//! By webhook when a public address is configured, by long polling otherwise. **Invariant:** 200 to Telegram, and an
//! offset that moves, come after the commit; a repetition is recognised by bot and `update_id`.

mod poll;
mod profile;
mod webhook;

use std::sync::Arc;

use contract::{Channel, Chat, Stage, Ticket};
use nats::Nats;
use runtime::lifecycle::Lifecycle;
use serde_json::Value;
use store::Ledger;
use store::accept::{Receiver, Update};
use telegram::{Bot, Settings};

use crate::admission::Admission;

pub use self::webhook::{ROUTE, router};

/// The front door of one bot; clones share it.
#[derive(Debug, Clone)]
pub struct Door(Arc<Parts>);

/// The parts of [`Door`].
#[derive(Debug)]
pub struct Parts {
    pub bot: Bot,
    pub settings: Settings,
    pub ledger: Ledger,
    pub receiver: Receiver,
    pub admission: Admission,
    pub nats: Nats,
    pub lifecycle: Lifecycle,
    /// The stage that takes what comes in.
    pub intake: Stage,
}

impl Door {
    /// Makes the bot known, and begins to receive. The webhook's route is [`router`]'s.
    pub fn open(parts: Parts) -> Self {
        let door = Self(Arc::new(parts));
        let (soft, opened) = (door.0.lifecycle.soft.clone(), door.clone());
        door.0.lifecycle.spawn("telegram", async move {
            let receive = async {
                profile::introduce(&opened.0).await;
                if opened.0.settings.public_url.is_none() {
                    poll::run(&opened).await;
                }
            };
            tokio::select! {
                () = receive => {}
                () = soft.cancelled() => {}
            }
            poll::leave(&opened.0).await;
        });
        door
    }

    /// An update as it is stored; `None`: it has no number, so it is none.
    fn update(&self, mut raw: Value) -> Option<Update> {
        without_nul(&mut raw);
        let bot = self.0.bot.id();
        let number = telegram::update_id(&raw)?;
        // What belongs to no chat is kept under none.
        let chat = telegram::address(bot, &raw).unwrap_or(Chat { bot, chat: 0, topic: None });
        Some(Update {
            channel: Channel::Telegram,
            address: chat.to_string(),
            source: format!("tg:{bot}"),
            external_id: number.to_string(),
            payload: raw,
        })
    }

    /// Sends a ticket on its way without waiting: the dispatcher issues what gets lost.
    fn publish(&self, ticket: Ticket) {
        let (nats, intake) = (self.0.nats.clone(), self.0.intake);
        self.0.lifecycle.spawn("publish ticket", async move {
            if let Err(error) = nats.publish(&intake, &ticket).await {
                tracing::debug!(%error, "the ticket was not published: the dispatcher will");
            }
        });
    }
}

/// PostgreSQL stores no U+0000, and one update must not stop the others.
fn without_nul(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', ""),
        Value::Array(items) => items.iter_mut().for_each(without_nul),
        Value::Object(fields) => {
            fields.retain(|name, _| !name.contains('\0'));
            fields.values_mut().for_each(without_nul);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_update_is_stored_without_nul() {
        let mut update = json!({ "a\0": 1, "b": ["x\0y", { "c": "\0" }] });
        without_nul(&mut update);
        assert_eq!(update, json!({ "b": ["xy", { "c": "" }] }));
    }
}
