//! The methods by name, and which of them act on a chat.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::limits::Family;
use super::params::Params;
use super::state::{State, bot, now};

/// The chat and the family of a call that flood limits are for.
pub(super) fn scope(method: &str, params: &Params) -> Option<(i64, Family)> {
    let family = match method {
        "sendMessage" | "copyMessage" | "editMessageText" | "editMessageReplyMarkup" => Family::Messages,
        "sendMessageDraft" => Family::Drafts,
        "sendChatAction" => Family::Actions,
        "createForumTopic" | "closeForumTopic" | "reopenForumTopic" | "editForumTopic"
        | "deleteForumTopic" => Family::Topics,
        _ => return None,
    };
    Some((params.int("chat_id")?, family))
}

impl State {
    /// Telegram checks what it can before it counts: a message that cannot be parsed costs nothing.
    pub(super) fn apply(&mut self, method: &str, params: &Params) -> Answer {
        let now = now();
        let scope = scope(method, params);
        if let Some((chat, family)) = scope {
            self.governor.enter(chat, family, now)?;
        }
        let answer = self.perform(method, params);
        let counts = answer.as_ref().map_or_else(Refusal::is_not_modified, |_| true);
        if let Some((chat, family)) = scope.filter(|_| counts) {
            self.governor.charge(chat, family, now);
        }
        answer
    }

    fn perform(&mut self, method: &str, params: &Params) -> Answer {
        match method {
            "getMe" => Ok(me()),
            "setWebhook" => self.updates.set_webhook(params),
            "deleteWebhook" => Ok(self.updates.delete_webhook(params.flag("drop_pending_updates"))),
            "getWebhookInfo" => Ok(self.updates.webhook_info()),
            "sendMessage" => self.send_message(params),
            "copyMessage" => self.copy_message(params),
            "editMessageText" => self.edit_text(params),
            "editMessageReplyMarkup" => self.edit_markup(params),
            "sendMessageDraft" => self.send_draft(params),
            "sendChatAction" => self.send_action(params),
            "answerCallbackQuery" => self.answer_callback(params),
            "createForumTopic" => self.create_topic(params),
            "closeForumTopic" => self.close_topic(params, true),
            "reopenForumTopic" => self.close_topic(params, false),
            "editForumTopic" => self.rename_topic(params),
            "deleteForumTopic" => self.remove_topic(params),
            "getFile" => self.files.get(params),
            _ => self.profile.perform(method, params),
        }
    }
}

fn me() -> Value {
    let mut me = bot();
    let more = json!({
        "can_join_groups": true,
        "can_read_all_group_messages": true,
        "supports_inline_queries": false,
        "can_connect_to_business": false,
        "has_main_web_app": false,
    });
    if let (Value::Object(me), Value::Object(more)) = (&mut me, more) {
        me.extend(more);
    }
    me
}
