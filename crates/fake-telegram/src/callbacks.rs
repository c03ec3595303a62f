//! `answerCallbackQuery`: without it a button goes on turning on the person's screen.

use std::time::Instant;

use super::FakeTelegram;
use super::answer::{Answer, Refusal};
use super::params::Params;
use super::state::{State, now};

#[derive(Debug, Clone)]
pub struct CallbackAnswer {
    pub query_id: String,
    pub text: Option<String>,
    pub show_alert: bool,
    pub url: Option<String>,
    pub at: Instant,
}

impl State {
    pub(super) fn answer_callback(&mut self, params: &Params) -> Answer {
        let id = params.text("callback_query_id").unwrap_or_default();
        if !self.queries.contains(id) {
            return Err(Refusal::bad("query is too old and response timeout expired or query ID is invalid"));
        }
        let text = params.text("text").map(str::to_owned);
        if text.as_ref().is_some_and(|text| text.chars().count() > 200) {
            return Err(Refusal::bad("MESSAGE_TOO_LONG"));
        }
        self.callback_answers.push(CallbackAnswer {
            query_id: id.to_owned(),
            text,
            show_alert: params.flag("show_alert"),
            url: params.text("url").map(str::to_owned),
            at: now(),
        });
        Ok(true.into())
    }
}

impl FakeTelegram {
    pub fn callback_answers(&self) -> Vec<CallbackAnswer> {
        self.lock().callback_answers.clone()
    }
}
