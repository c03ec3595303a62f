//! `setWebhook` and its like: where updates are pushed to.

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::answer::{Answer, Refusal};
use super::params::Params;
use super::updates::Updates;

#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) url: String,
    /// Nothing for `https`: it can be set, and every delivery fails.
    pub(super) target: Option<Target>,
    pub(super) secret: Option<String>,
    pub(super) max_connections: usize,
    /// Kept alive between deliveries.
    pub(super) idle: Vec<TcpStream>,
    /// 410s in a row.
    pub(super) gone: u32,
    pub(super) last_error: Option<(u64, String)>,
}

#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: String,
}

impl Updates {
    pub(super) fn set_webhook(&mut self, params: &Params) -> Answer {
        let url = params.text("url").unwrap_or_default().to_owned();
        let drop_pending = params.flag("drop_pending_updates");
        if url.is_empty() {
            return Ok(self.delete_webhook(drop_pending));
        }
        let target = target(&url)?;
        let secret = secret(params)?;
        let wanted = params.int("max_connections").unwrap_or(40).clamp(1, 100);
        let max_connections = usize::try_from(wanted).unwrap_or(40);
        if let Some(allowed) = allowed(params)? {
            self.allowed = allowed;
        }
        let moved = self.webhook.as_ref().is_none_or(|webhook| webhook.url != url);
        if drop_pending {
            self.pending.clear();
        }
        self.webhook = Some(Webhook {
            url,
            target,
            secret,
            max_connections,
            idle: Vec::new(),
            gone: 0,
            last_error: None,
        });
        if moved || drop_pending {
            self.lay_lanes();
        }
        Ok(true.into())
    }

    pub(super) fn delete_webhook(&mut self, drop_pending: bool) -> Value {
        self.webhook = None;
        if drop_pending {
            self.pending.clear();
        }
        self.epoch += 1;
        self.lanes.clear();
        true.into()
    }

    pub(super) fn webhook_info(&self) -> Value {
        let mut info = json!({
            "url": "",
            "has_custom_certificate": false,
            "pending_update_count": self.pending.len(),
        });
        if !self.allowed.is_empty() {
            info["allowed_updates"] = json!(self.allowed);
        }
        if let Some(webhook) = &self.webhook {
            info["url"] = json!(webhook.url);
            info["max_connections"] = json!(webhook.max_connections);
            if let Some((date, message)) = &webhook.last_error {
                info["last_error_date"] = json!(date);
                info["last_error_message"] = json!(message);
            }
        }
        info
    }

    /// What is under way stays under way, and the rest of its chat waits for it.
    fn lay_lanes(&mut self) {
        self.epoch += 1;
        self.lanes.clear();
        for (key, parcel) in &self.pending {
            self.lanes.push(parcel.lane, *key);
        }
        for key in &self.flying {
            self.lanes.hold(*key);
        }
    }
}

/// `allowed_updates`; `None` when the call does not say, which leaves them as they were.
pub(super) fn allowed(params: &Params) -> Result<Option<Vec<String>>, Refusal> {
    let Some(given) = params.json("allowed_updates") else { return Ok(None) };
    let kinds: Option<Vec<String>> = given
        .as_array()
        .and_then(|kinds| kinds.iter().map(|kind| kind.as_str().map(str::to_owned)).collect());
    kinds.map(Some).ok_or_else(|| Refusal::bad("can't parse allowed updates: expected an Array of String"))
}

fn secret(params: &Params) -> Result<Option<String>, Refusal> {
    let Some(secret) = params.text("secret_token").filter(|secret| !secret.is_empty()) else {
        return Ok(None);
    };
    if secret.len() > 256 {
        return Err(Refusal::bad("secret token is too long"));
    }
    if !secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        return Err(Refusal::bad("secret token contains unallowed characters"));
    }
    Ok(Some(secret.to_owned()))
}

/// The real one takes `https` only; here the test's own server is plain.
fn target(url: &str) -> Result<Option<Target>, Refusal> {
    if url.starts_with("https://") {
        return Ok(None);
    }
    let invalid = || Refusal::bad("invalid webhook URL specified");
    let rest = url.strip_prefix("http://").ok_or_else(invalid)?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "80"));
    let port = port.parse().map_err(|_| invalid())?;
    if host.is_empty() {
        return Err(invalid());
    }
    Ok(Some(Target { host: host.to_owned(), port, path: format!("/{path}") }))
}
