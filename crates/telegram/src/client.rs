//! A bot: who it is, and how its updates are fetched.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Caller, with};
use crate::error::CallError;

mod messages;
mod profile;
#[cfg(test)]
mod tests;
mod topics;
mod webhook;

pub use webhook::WebhookInfo;

/// The updates that are asked for. Telegram remembers the list, and `my_chat_member` is only sent when asked for.
pub const ALLOWED_UPDATES: &[&str] = &["message", "edited_message", "callback_query", "my_chat_member"];

/// Of a whole call: longer than Telegram ever takes, shorter than the hard limit of the stage that waits.
const TIMEOUT: Duration = Duration::from_secs(20);
/// What a long poll may take beyond the time it was asked to wait.
const SLACK: Duration = Duration::from_secs(10);

/// The calls of one bot. Clones share its connections.
#[derive(Clone)]
pub struct Bot {
    caller: Arc<Caller>,
    id: i64,
}

/// Why there is no [`Bot`]. Says nothing of the token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("this is no token of a Telegram bot: BotFather writes them as 123456789:AAE…")]
    NotAToken,
    #[error("the address of the Bot API must be an http or https URL, such as https://api.telegram.org")]
    NotAUrl,
    /// The system's certificates cannot be read.
    #[error("there is no HTTP client for the Bot API: {0}")]
    NoClient(String),
}

/// `getMe`: the bot itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    pub id: i64,
    /// Without the `@`.
    pub username: String,
    /// What people see.
    #[serde(alias = "first_name")]
    pub name: String,
}

impl Bot {
    /// `api_url`: `https://api.telegram.org`, or a Bot API server of one's own.
    ///
    /// # Errors
    /// The token is not `<digits>:<letters, digits, _ and ->`, the address is no `http` or `https` URL, or the
    /// system has no certificates to trust.
    pub fn new(api_url: &str, token: &SecretString) -> Result<Self, TokenError> {
        Self::with_timeout(api_url, token, TIMEOUT)
    }

    /// [`Self::new`] with the time that a whole call may take.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_timeout(api_url: &str, token: &SecretString, timeout: Duration) -> Result<Self, TokenError> {
        let id = id_of(token.expose_secret()).ok_or(TokenError::NotAToken)?;
        let url = reqwest::Url::parse(api_url).map_err(|_| TokenError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || url.query().is_some() {
            return Err(TokenError::NotAUrl);
        }
        let caller = Caller::new(url.as_str(), token.clone(), timeout)
            .map_err(|error| TokenError::NoClient(error.without_url().to_string()))?;
        Ok(Self { caller: Arc::new(caller), id })
    }

    /// The bot's id: the number before the token's colon.
    pub const fn id(&self) -> i64 {
        self.id
    }

    /// Who the bot is.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::Unauthorized`] is a wrong token.
    pub async fn me(&self) -> Result<Me, CallError> {
        self.caller.call("getMe", &json!({})).await
    }

    /// Waits up to `timeout` for updates, and confirms those below `offset`: they are never sent again, so they
    /// must have been stored. At most `limit` come (1 to 100).
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::Conflict`] when somebody else polls or a webhook is set. Any of them may be
    /// answered by asking again with the same offset.
    pub async fn updates(
        &self,
        offset: Option<i64>,
        timeout: Duration,
        limit: u8,
    ) -> Result<Vec<Value>, CallError> {
        let mut body = json!({
            "timeout": timeout.as_secs(),
            "limit": limit.clamp(1, 100),
            "allowed_updates": ALLOWED_UPDATES,
        });
        with(&mut body, "offset", offset);
        self.caller.call_for("getUpdates", &body, timeout.saturating_add(SLACK)).await
    }
}

impl fmt::Debug for Bot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bot").field("id", &self.id).finish_non_exhaustive()
    }
}

fn id_of(token: &str) -> Option<i64> {
    let (id, secret) = token.split_once(':')?;
    let clean = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let whole = !secret.is_empty() && secret.chars().all(clean) && id.bytes().all(|b| b.is_ascii_digit());
    whole.then(|| id.parse().ok()).flatten()
}
