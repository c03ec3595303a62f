//! An answer in the making, where it can be seen: in a draft, and in the events of its questions.

use std::sync::Arc;
use std::time::Duration;

use contract::{MessageId, QuestionEvent};
use nats::Nats;
use store::turns::Turn;
use tokio::sync::watch;

use super::{Draft, Frames, Presence};
use crate::shown;

/// Between two frames: at most ten a second, whatever a model says.
const FRAME: Duration = Duration::from_millis(100);

/// Who comes late hears what was said so far within this, although nothing new is said.
const AGAIN: Duration = Duration::from_secs(1);

/// Ends when it is dropped; [`Growing::finish`] waits for the last frame of a draft as well.
#[derive(Debug)]
pub(crate) struct Growing {
    draft: Option<Draft>,
    text: Arc<watch::Sender<String>>,
}

/// Where what there is of an answer goes.
#[derive(Debug, Clone)]
pub(crate) struct Grow {
    frames: Option<Frames>,
    text: Arc<watch::Sender<String>>,
}

impl Presence {
    /// Shows the answer to a turn from now on; `epoch` is that of the claim that makes it.
    pub(crate) fn growing(&self, turn: &Turn, epoch: i64, stage: &'static str) -> Growing {
        let (text, texts) = watch::channel(String::new());
        let (nats, messages) = (self.nats.clone(), turn.messages.clone());
        self.lifecycle.spawn("growing", async move { tell(&nats, &messages, epoch, stage, texts).await });
        Growing { draft: self.draft(turn.channel, &turn.address, turn.id), text: Arc::new(text) }
    }
}

impl Growing {
    pub(crate) fn grow(&self) -> Grow {
        Grow { frames: self.draft.as_ref().map(Draft::frames), text: self.text.clone() }
    }

    /// No more frames: the answer comes. All [`Grow`]s must be gone.
    pub(crate) async fn finish(self) {
        drop(self.text);
        if let Some(draft) = self.draft {
            draft.finish().await;
        }
    }
}

impl Grow {
    /// What there is by now, from the beginning.
    pub(crate) fn show(&self, text: &str) {
        if let Some(frames) = &self.frames {
            frames.show(&shown::draft(text));
        }
        self.text.send_if_modified(|shown| {
            let grown = shown != text;
            if grown {
                text.clone_into(shown);
            }
            grown
        });
    }
}

async fn tell(
    nats: &Nats,
    messages: &[MessageId],
    epoch: i64,
    stage: &str,
    mut texts: watch::Receiver<String>,
) {
    loop {
        if matches!(tokio::time::timeout(AGAIN, texts.changed()).await, Ok(Err(_))) {
            return;
        }
        let text = texts.borrow_and_update().clone();
        if !text.is_empty() {
            let event = QuestionEvent::growing(epoch, stage, &text);
            for message in messages {
                nats.notify(*message, &event).await;
            }
        }
        tokio::time::sleep(FRAME).await;
    }
}
