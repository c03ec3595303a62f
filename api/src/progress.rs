//! What a follower of a question has been shown, and so what is worth showing next.

use std::collections::HashMap;

use axum::response::sse::Event;
use contract::{Question, QuestionEvent, QuestionStatus};
use serde_json::json;

/// One frame of an event stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Frame {
    /// The question has another status than the frame before: all of it.
    Status(Box<Question>),
    /// A stage has begun to work on it.
    Stage(String),
    /// What there is of the answer by now, from its beginning. It may get shorter when another model takes over.
    Text(String),
}

impl Frame {
    pub(crate) fn event(&self) -> Event {
        let (name, json) = match self {
            Self::Status(question) => ("status", serde_json::to_string(question)),
            Self::Stage(stage) => ("stage", serde_json::to_string(&json!({ "stage": stage }))),
            Self::Text(text) => ("text", serde_json::to_string(&json!({ "text": text }))),
        };
        Event::default().event(name).data(json.expect("a question is plain data: it always serialises"))
    }
}

/// The memory of one stream.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    status: Option<QuestionStatus>,
    stage: Option<String>,
    /// Of the turn's last claim, as the ledger had it.
    epoch: i64,
    /// The highest epoch heard of each stage. Kept apart by stage, because `intake` claims the queue of a
    /// conversation and the others a turn, and the epochs of two rows cannot be compared.
    epochs: HashMap<String, i64>,
    /// What was last shown of the answer, and of which claim.
    text: Option<(i64, String)>,
}

impl Progress {
    /// The ledger was read; `epoch` is that of the turn's last claim, 0 while there is none.
    pub(crate) fn read(&mut self, question: Question, epoch: i64) -> Option<Frame> {
        self.epoch = self.epoch.max(epoch);
        if self.status == Some(question.status) {
            return None;
        }
        self.status = Some(question.status);
        Some(Frame::Status(Box::new(question)))
    }

    /// An event was heard. A claim is told of once; one that has lost its lease is not listened to.
    pub(crate) fn heard(&mut self, event: &QuestionEvent) -> Option<Frame> {
        let stage = event.stage.as_ref()?;
        if self.is_final() || event.epoch < self.epoch {
            return None;
        }
        if let Some(text) = &event.text {
            return self.grown(event.epoch, text);
        }
        let known = self.epochs.entry(stage.clone()).or_insert(i64::MIN);
        if event.epoch < *known || (event.epoch == *known && self.stage.as_ref() == Some(stage)) {
            return None;
        }
        *known = event.epoch;
        self.stage = Some(stage.clone());
        Some(Frame::Stage(stage.clone()))
    }

    /// A frame that shows something else than the last one, of the same claim or a later one.
    fn grown(&mut self, epoch: i64, text: &str) -> Option<Frame> {
        if self.text.as_ref().is_some_and(|(before, shown)| epoch < *before || shown == text) {
            return None;
        }
        self.text = Some((epoch, text.to_owned()));
        Some(Frame::Text(text.to_owned()))
    }

    /// Whether the ledger should be read because of `event`: its row has changed, or work has begun on a
    /// question that was last shown as waiting.
    pub(crate) fn asks_for_reading(&self, event: &QuestionEvent) -> bool {
        event.stage.is_none() || matches!(self.status, None | Some(QuestionStatus::Accepted))
    }

    pub(crate) fn is_final(&self) -> bool {
        self.status.is_some_and(QuestionStatus::is_final)
    }
}

#[cfg(test)]
mod tests {
    use contract::{ConversationId, MessageId};

    use super::*;

    fn question(status: QuestionStatus) -> Question {
        Question {
            id: MessageId::new(),
            conversation_id: ConversationId::new(),
            status,
            answer: None,
            citations: Vec::new(),
            error: None,
        }
    }

    fn began(stage: &str, epoch: i64) -> QuestionEvent {
        QuestionEvent::begun(epoch, stage)
    }

    #[test]
    fn a_status_is_shown_when_it_changes_and_not_again() {
        let mut progress = Progress::default();
        assert!(progress.read(question(QuestionStatus::Accepted), 0).is_some());
        assert!(progress.read(question(QuestionStatus::Accepted), 0).is_none());
        assert!(progress.read(question(QuestionStatus::Answered), 0).is_some());
        assert!(progress.is_final());
    }

    #[test]
    fn a_worker_that_lost_its_claim_is_not_listened_to() {
        let mut progress = Progress::default();
        assert!(progress.heard(&began("answer", 1)).is_some());
        assert!(progress.heard(&began("answer", 1)).is_none(), "a doubled frame");
        assert!(progress.heard(&began("answer", 2)).is_some(), "claimed again");
        assert!(progress.heard(&began("answer", 1)).is_none(), "the first one wakes up");
    }

    #[test]
    fn what_the_ledger_knows_to_be_over_is_not_shown() {
        let mut progress = Progress::default();
        progress.read(question(QuestionStatus::Working), 2);
        assert!(progress.heard(&began("answer", 1)).is_none());
        assert!(progress.heard(&began("answer", 2)).is_some());
    }

    #[test]
    fn the_queue_of_a_long_conversation_does_not_drown_out_a_young_turn() {
        let mut progress = Progress::default();
        assert!(progress.heard(&began("intake", 57)).is_some());
        assert!(progress.heard(&began("answer", 1)).is_some());
    }

    #[test]
    fn the_ledger_is_read_when_the_row_changed_or_work_began_on_a_waiting_question() {
        let mut progress = Progress::default();
        let changed = QuestionEvent::changed(0);
        progress.read(question(QuestionStatus::Accepted), 0);
        assert!(progress.asks_for_reading(&began("answer", 1)));
        progress.read(question(QuestionStatus::Working), 0);
        assert!(!progress.asks_for_reading(&began("answer", 1)));
        assert!(progress.asks_for_reading(&changed));
        assert_eq!(progress.heard(&changed), None);
    }

    #[test]
    fn an_answer_grows_and_a_worker_that_lost_its_claim_adds_nothing_to_it() {
        let mut progress = Progress::default();
        let growing = |epoch, text| QuestionEvent::growing(epoch, "answer", text);
        let frame = |text: &str| Some(Frame::Text(text.to_owned()));
        assert_eq!(progress.heard(&growing(1, "One.")), frame("One."));
        assert_eq!(progress.heard(&growing(1, "One.")), None, "said again for those who came late");
        assert_eq!(progress.heard(&growing(2, "Another.")), frame("Another."));
        assert_eq!(progress.heard(&growing(1, "One. Two.")), None, "the first one wakes up");
        assert_eq!(progress.heard(&growing(2, "Another. More.")), frame("Another. More."));
        progress.read(question(QuestionStatus::Answered), 2);
        assert_eq!(progress.heard(&growing(2, "Another. More. And.")), None);
    }

    #[test]
    fn nothing_follows_the_last_status() {
        let mut progress = Progress::default();
        progress.read(question(QuestionStatus::Refused), 0);
        assert_eq!(progress.heard(&began("answer", 9)), None);
    }
}
