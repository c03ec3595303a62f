//! `sendMessageDraft`: a preview that goes away by itself, or with the message it was the preview of.

use std::time::Instant;

use super::FakeTelegram;
use super::answer::{Answer, Refusal};
use super::content;
use super::params::Params;
use super::state::{State, now};

/// One showing of a draft, from its first frame until it ended or expired.
#[derive(Debug, Clone)]
pub struct Draft {
    pub draft_id: i64,
    /// Every text it showed, in order; an empty one is shown as "Thinking…".
    pub texts: Vec<String>,
    /// When each of `texts` came.
    pub frames: Vec<Instant>,
    /// First visible.
    pub at: Instant,
    /// When a message of the bot took its place.
    pub ended: Option<Instant>,
    /// When it goes away by itself.
    pub expires: Instant,
    /// It came after the message that had already ended this `draft_id`: the person sees an old preview
    /// under the answer.
    pub late: bool,
}

impl Draft {
    fn shows(&self, now: Instant) -> bool {
        self.ended.is_none() && now < self.expires
    }
}

impl State {
    pub(super) fn send_draft(&mut self, params: &Params) -> Answer {
        let life = self.governor.scaled(self.governor.limits.draft_life);
        let chat = self.chat(params)?;
        if !chat.private {
            return Err(Refusal::bad("drafts can be sent only to private chats"));
        }
        chat.thread(params)?;
        let draft_id = params.int("draft_id").unwrap_or_default();
        if draft_id == 0 {
            return Err(Refusal::bad("draft_id must be non-zero"));
        }
        let text = content::draft(params)?.text;
        let at = now();
        let shown = chat.drafts.iter_mut().find(|draft| draft.draft_id == draft_id && draft.shows(at));
        if let Some(draft) = shown {
            draft.texts.push(text);
            draft.frames.push(at);
            draft.expires = at + life;
            return Ok(true.into());
        }
        let late = chat.drafts.iter().any(|draft| draft.draft_id == draft_id && draft.ended.is_some());
        chat.drafts.push(Draft {
            draft_id,
            texts: vec![text],
            frames: vec![at],
            at,
            ended: None,
            expires: at + life,
            late,
        });
        Ok(true.into())
    }
}

impl FakeTelegram {
    /// Every draft the chat ever showed, oldest first.
    pub fn drafts(&self, chat: i64) -> Vec<Draft> {
        self.lock().chats.get(&chat).map(|chat| chat.drafts.clone()).unwrap_or_default()
    }

    /// The texts of the drafts that show now.
    pub fn drafts_on_screen(&self, chat: i64) -> Vec<String> {
        let now = now();
        let showing = self.drafts(chat).into_iter().filter(|draft| draft.shows(now));
        showing.filter_map(|draft| draft.texts.last().cloned()).collect()
    }

    /// In all chats: drafts that showed again after the message they were the preview of.
    pub fn late_drafts(&self) -> usize {
        self.lock().chats.values().flat_map(|chat| &chat.drafts).filter(|draft| draft.late).count()
    }
}
