//! What a call comes back with: the result, or a refusal in Telegram's own words.

use serde_json::{Value, json};

pub(super) type Answer = Result<Value, Refusal>;

/// Clients decide by the description, so it is Telegram's to the letter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    code: u16,
    description: String,
    parameters: Option<Value>,
}

impl Refusal {
    fn new(code: u16, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), parameters: None }
    }

    pub(super) fn bad(what: &str) -> Self {
        Self::new(400, format!("Bad Request: {what}"))
    }

    /// A description that a test chose: with or without the usual beginning.
    pub(super) fn refuse(description: &str) -> Self {
        Self::new(400, description)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized")
    }

    pub(super) fn forbidden(what: &str) -> Self {
        Self::new(403, format!("Forbidden: {what}"))
    }

    pub(super) fn unknown_method() -> Self {
        Self::new(404, "Not Found: method not found")
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "Not Found")
    }

    pub(super) fn conflict(what: &str) -> Self {
        Self::new(409, format!("Conflict: {what}"))
    }

    pub(super) fn too_many(seconds: u64) -> Self {
        let mut refusal = Self::new(429, format!("Too Many Requests: retry after {seconds}"));
        refusal.parameters = Some(json!({ "retry_after": seconds }));
        refusal
    }

    pub(super) fn fault() -> Self {
        Self::new(500, "Internal Server Error")
    }

    pub(super) fn migrated(to: i64) -> Self {
        let mut refusal = Self::bad("group chat was upgraded to a supergroup chat");
        refusal.parameters = Some(json!({ "migrate_to_chat_id": to }));
        refusal
    }

    pub(super) fn not_modified() -> Self {
        Self::bad(
            "message is not modified: specified new message content and reply markup are exactly the same \
             as a current content and reply markup of the message",
        )
    }

    /// The server looked the message up before it said so: it costs what an edit costs.
    pub(super) fn is_not_modified(&self) -> bool {
        *self == Self::not_modified()
    }

    pub(super) fn code(&self) -> u16 {
        self.code
    }

    pub(super) fn retry_after(&self) -> Option<u64> {
        self.parameters.as_ref()?["retry_after"].as_u64()
    }

    pub(super) fn body(&self) -> Value {
        let mut body = json!({ "ok": false, "error_code": self.code, "description": self.description });
        if let Some(parameters) = &self.parameters {
            body["parameters"] = parameters.clone();
        }
        body
    }
}
