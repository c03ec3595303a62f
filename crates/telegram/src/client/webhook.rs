//! The webhook: the other way to receive.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ALLOWED_UPDATES, Bot};
use crate::error::CallError;

/// Requests that Telegram may have open at once: its default, and more than one ingress needs.
const MAX_CONNECTIONS: u32 = 40;

/// `getWebhookInfo`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookInfo {
    /// Empty: there is no webhook.
    pub url: String,
    /// Updates that wait at Telegram.
    #[serde(default)]
    pub pending_update_count: u64,
    /// Unix seconds of the last delivery that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error_date: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error_message: Option<String>,
    /// Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_synchronization_error_date: Option<i64>,
    /// The address that Telegram found for the URL's host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_updates: Vec<String>,
}

impl Bot {
    /// Has updates sent to `url`, with `secret` (1 to 256 of `A-Za-z0-9_-`) in the header
    /// `X-Telegram-Bot-Api-Secret-Token`. Updates that wait are kept.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::Refused`] when Telegram does not like the address.
    pub async fn set_webhook(&self, url: &str, secret: &str) -> Result<(), CallError> {
        let body = json!({
            "url": url,
            "secret_token": secret,
            "allowed_updates": ALLOWED_UPDATES,
            "max_connections": MAX_CONNECTIONS,
            "drop_pending_updates": false,
        });
        self.caller.call("setWebhook", &body).await.map(|_: Value| ())
    }

    /// How the webhook does.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn webhook(&self) -> Result<WebhookInfo, CallError> {
        self.caller.call("getWebhookInfo", &json!({})).await
    }

    /// Goes back to polling. Updates that wait are kept.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn delete_webhook(&self) -> Result<(), CallError> {
        let body = json!({ "drop_pending_updates": false });
        self.caller.call("deleteWebhook", &body).await.map(|_: Value| ())
    }
}
