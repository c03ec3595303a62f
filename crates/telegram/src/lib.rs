//! Telegram: the calls of the Bot API, what its updates say, and how a text becomes messages.
//!
//! A reading order: [`client`] makes the calls, and [`error`] tells what was done from what was not, which is all
//! that a ledger without idempotency keys has to go by. [`update`] reads what comes in, [`render`] turns Markdown
//! into text and spans, [`split`] cuts it to Telegram's size.
//!
//! **Invariant:** teloxide gives types, and only small ones (`User`, `MessageEntity`). Its `Message` reads a text
//! with an entity that it does not know as an *empty* message, without an error: a question would be lost.
//! **Invariant:** no error, log line or `Debug` of a [`Bot`] holds its token or what somebody wrote.

mod call;
pub mod client;
pub mod error;
pub mod render;
pub mod settings;
mod spans;
pub mod split;
pub mod update;
mod utf16;

#[cfg(test)]
mod fake;

pub use client::{ALLOWED_UPDATES, Bot, Me, TokenError, WebhookInfo};
pub use error::CallError;
pub use render::{answer, render};
pub use settings::{Settings, SettingsError};
pub use split::{LIMIT, split};
pub use update::{Command, Event, Media, MediaKind, Person, Pressed, Said, address, read, update_id};
