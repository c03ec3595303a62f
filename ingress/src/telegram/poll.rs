//! Long polling: one process at a time, by a lease in the ledger.
//!
//! The offset lives with Telegram, which confirms what is below the one we ask for: it moves with the next call after
//! a commit. A poller that dies in between gets the same updates again, and they are recognised.

use std::time::Duration;

use serde_json::Value;
use store::accept::{self, Update};
use store::bots;
use telegram::CallError;

use super::{Door, Parts};

/// How long Telegram waits for an update before it answers "none".
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long the place of a poller that was killed stays taken. One that lives renews it beside its call.
const LEASE: Duration = Duration::from_secs(10);
const RENEW: Duration = Duration::from_secs(3);
/// Between two looks whether the poller's place is free.
const LOOK: Duration = Duration::from_secs(1);
/// Updates in one answer.
const LARGEST: u8 = 100;
/// Waits after a failed call: doubled from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// A token that is wrong does not get right by itself.
const UNAUTHORIZED: Duration = Duration::from_secs(30);

/// Polls for ever.
pub(super) async fn run(door: &Door) {
    let parts = &door.0;
    let (mut offset, mut pause) = (None, PAUSES.0);
    loop {
        let mine = bots::may_poll(&parts.ledger, parts.bot.id(), &owner(), LEASE).await;
        if !matches!(mine, Ok(true)) || parts.admission.check().is_err() {
            tokio::time::sleep(LOOK).await;
            continue;
        }
        let answer = tokio::select! {
            answer = parts.bot.updates(offset, TIMEOUT, LARGEST) => answer,
            () = lost(parts) => continue,
        };
        match answer {
            Ok(raw) => {
                pause = PAUSES.0;
                runtime::fault::point("poll.received").await;
                if let Some(last) = take(door, raw).await {
                    offset = Some(last + 1);
                }
            }
            Err(error) => {
                let wait = match &error {
                    CallError::Limited(wait) => *wait,
                    CallError::Unauthorized => UNAUTHORIZED,
                    _ => pause,
                };
                pause = (pause * 2).min(PAUSES.1);
                tracing::warn!(error = %told(&error), "no updates from Telegram");
                tokio::time::sleep(wait).await;
            }
        }
    }
}

/// Renews the place, and returns when somebody else has it. A ledger that is away takes it from nobody.
async fn lost(parts: &Parts) {
    loop {
        tokio::time::sleep(RENEW).await;
        if matches!(bots::may_poll(&parts.ledger, parts.bot.id(), &owner(), LEASE).await, Ok(false)) {
            return;
        }
    }
}

/// With the remedy, where there is one.
fn told(error: &CallError) -> String {
    match error {
        CallError::Conflict(_) => format!(
            "{error}: stop the other process that polls for this bot, or run `vectora telegram webhook delete`"
        ),
        CallError::Unauthorized => format!("{error}: check TELEGRAM_BOT_TOKEN"),
        _ => error.to_string(),
    }
}

/// Stores updates, as often as it takes; the number of the last one.
async fn take(door: &Door, raw: Vec<Value>) -> Option<i64> {
    let last = raw.iter().filter_map(telegram::update_id).max()?;
    let updates: Vec<Update> = raw.into_iter().filter_map(|raw| door.update(raw)).collect();
    let ledger = &door.0.ledger;
    loop {
        let received = accept::each_update(ledger, &updates).await;
        runtime::fault::point("poll.committed").await;
        let (mut away, mut refused) = (None, 0);
        for one in received {
            match one {
                Ok(Some((_, Some(ticket)))) => door.publish(ticket),
                Ok(_) => {}
                Err(error) if error.is_unavailable() => away = Some(error),
                Err(_) => refused += 1,
            }
        }
        if refused > 0 {
            // It will be refused for ever, and everybody's next words are behind it.
            tracing::error!(refused, last, "updates were passed over: the database refuses them");
        }
        let Some(error) = away else { return Some(last) };
        tracing::warn!(
            error = &*error as &dyn std::error::Error,
            "updates were not stored: they are kept by Telegram until they are"
        );
        tokio::time::sleep(LOOK).await;
    }
}

/// Another process may poll at once.
pub(super) async fn leave(parts: &Parts) {
    if let Err(error) = bots::leave_poll(&parts.ledger, parts.bot.id(), &owner()).await {
        tracing::debug!(%error, "the poller's place is free when its lease has run out");
    }
}

fn owner() -> String {
    format!("{}@{}", std::process::id(), hostname())
}

/// Two containers may have the same process id.
fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}
