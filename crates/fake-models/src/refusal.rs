//! Errors as each API writes them.

use serde_json::{Value, json};

use super::record::Api;

/// Ollama's API shows the message only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) message: String,
    /// OpenAI's `type`.
    kind: &'static str,
    param: Option<String>,
    code: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), kind, param: None, code: None }
    }

    /// What is wrong with the call itself.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "invalid_request_error", message)
    }

    /// The server's own fault, with this status.
    pub(super) fn fault(status: u16) -> Self {
        let message = "The server had an error while processing your request. Sorry about that!";
        Self::new(status, "server_error", message)
    }

    pub(super) fn too_many() -> Self {
        let message = "Rate limit reached for requests. Please try again later.";
        Self::new(429, "requests", message).code("rate_limit_exceeded")
    }

    pub(super) fn out_of_quota() -> Self {
        let message = "You exceeded your current quota, please check your plan and billing details.";
        Self::new(429, "insufficient_quota", message).code("insufficient_quota")
    }

    pub(super) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(super) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(super) fn body(&self, api: Api) -> Value {
        let Self { message, kind, param, code, .. } = self;
        match api {
            Api::OpenAi => {
                json!({ "error": { "message": message, "type": kind, "param": param, "code": code } })
            }
            Api::Ollama => json!({ "error": message }),
        }
    }
}
