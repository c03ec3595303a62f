//! Signs that somebody is there: typing, a draft that grows, a button that was taken.
//!
//! They are worth something at once and nothing later, so they are neither rows nor repeated, nobody waits for them,
//! and when there are too many they are left out. None of them can contradict a message.

mod growing;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use contract::{Channel, TurnId};
use nats::Nats;
use runtime::lifecycle::Lifecycle;
use store::Ledger;
use tokio::sync::{Semaphore, oneshot, watch};

pub(crate) use self::growing::Growing;
use crate::Metrics;
use crate::channel::{ChannelError, Channels};

/// Signs under way at once. Each is a small call; a messenger that does not answer must not pile them up.
const ROOM: usize = 256;

/// Between two frames of a draft.
const FRAME: Duration = Duration::from_millis(300);

/// Typing fades after 5 s, a draft after 30 s (`sendChatAction`, `sendMessageDraft`): both are given again before.
const TYPING_AGAIN: Duration = Duration::from_millis(4_500);
const DRAFT_AGAIN: Duration = Duration::from_secs(20);

/// A frame that took longer than this may have been shown when its turn was over.
const LATE: Duration = Duration::from_secs(1);

/// The longest an answer waits for its last frame: a frame that comes after the message shows once more.
const LAST_FRAME: Duration = Duration::from_millis(500);

/// Gives signs. Clones share the room.
#[derive(Debug, Clone)]
pub struct Presence {
    channels: Arc<Channels>,
    lifecycle: Lifecycle,
    room: Arc<Semaphore>,
    ledger: Ledger,
    nats: Nats,
    metrics: Metrics,
    /// A channel asked for patience: no signs until then.
    quiet: Arc<Mutex<Option<Instant>>>,
}

impl Presence {
    pub fn new(
        channels: Arc<Channels>,
        ledger: Ledger,
        nats: Nats,
        lifecycle: Lifecycle,
        metrics: Metrics,
    ) -> Self {
        let room = Arc::new(Semaphore::new(ROOM));
        Self { channels, lifecycle, room, ledger, nats, metrics, quiet: Arc::default() }
    }

    /// A channel asks for patience: messages come first.
    pub(crate) fn quiet(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        *quiet = Some(quiet.map_or(until, |before| before.max(until)));
    }

    fn is_quiet(&self) -> bool {
        let quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        quiet.is_some_and(|until| Instant::now() < until)
    }

    /// Somebody is at it.
    pub(crate) fn typing(&self, channel: Channel, address: &str) {
        let address = address.to_owned();
        self.give(channel, move |channel| async move { channel.typing(&address).await });
    }

    /// The button was taken; `words` are shown for a moment.
    pub(crate) fn acknowledge(&self, channel: Channel, press: &str, words: Option<String>) {
        let press = press.to_owned();
        self.give(channel, move |channel| async move { channel.acknowledge(&press, words.as_deref()).await });
    }

    fn give<F, S>(&self, channel: Channel, sign: S)
    where
        S: FnOnce(Arc<dyn crate::channel::Channel>) -> F,
        F: Future<Output = Result<(), ChannelError>> + Send + 'static,
    {
        let Some(channel) = self.channels.of(channel).filter(|_| !self.is_quiet()).cloned() else { return };
        let Ok(room) = self.room.clone().try_acquire_owned() else { return };
        let sign = sign(channel);
        let me = self.clone();
        self.lifecycle.spawn("presence", async move {
            if let Err(error) = sign.await {
                tracing::debug!(%error, "a sign was not shown");
                if let ChannelError::Limited(wait) = error {
                    me.quiet(wait);
                }
            }
            drop(room);
        });
    }

    /// Shows that the answer to a turn is being made, until the returned one is finished: a draft, empty at first, or,
    /// where there are none, typing. `None` where there is nothing to show it with, or no room.
    pub(crate) fn draft(&self, channel: Channel, address: &str, turn: TurnId) -> Option<Draft> {
        let channel = self.channels.of(channel).cloned()?;
        let room = self.room.clone().try_acquire_owned().ok()?;
        let (text, texts) = watch::channel(String::new());
        let (over, ended) = oneshot::channel();
        let drawing = Drawing { me: self.clone(), channel, address: address.to_owned(), turn };
        self.lifecycle.spawn("draft", async move {
            drawing.run(texts).await;
            drop((over, room));
        });
        Some(Draft { text: Arc::new(text), ended })
    }
}

/// A draft at work.
struct Drawing {
    me: Presence,
    channel: Arc<dyn crate::channel::Channel>,
    address: String,
    turn: TurnId,
}

impl Drawing {
    async fn run(&self, mut texts: watch::Receiver<String>) {
        let drafts = self.channel.shows_drafts(&self.address);
        let again = if drafts { DRAFT_AGAIN } else { TYPING_AGAIN };
        // Empty first, whatever there is by now: it says that somebody is at it. Typing was shown already.
        let (mut shown, mut now) = (None, String::new());
        let mut last = (!drafts).then(Instant::now);
        loop {
            let fades = last.is_none_or(|last| last.elapsed() >= again);
            if (fades || (drafts && shown.as_ref() != Some(&now))) && !self.me.is_quiet() {
                if !self.sign(drafts, &now).await {
                    break;
                }
                shown = Some(now.clone());
                last = Some(Instant::now());
            }
            let finished = async { while texts.changed().await.is_ok() {} };
            if tokio::time::timeout(FRAME, finished).await.is_ok() {
                break;
            }
            now.clone_from(&texts.borrow_and_update());
        }
    }

    /// `false`: no more of them.
    async fn sign(&self, draft: bool, text: &str) -> bool {
        let began = Instant::now();
        // A human may have the conversation by now, or the person may have dropped the question.
        if !self.is_active().await {
            return false;
        }
        let shown = if draft {
            self.channel.draft(&self.address, self.turn, text).await
        } else {
            self.channel.typing(&self.address).await
        };
        if began.elapsed() > LATE && !self.is_active().await {
            self.me.metrics.late_frames.inc();
        }
        if let Err(error) = shown {
            tracing::debug!(%error, "no more frames of this draft");
            if let ChannelError::Limited(wait) = error {
                self.me.quiet(wait);
            }
            return false;
        }
        true
    }

    async fn is_active(&self) -> bool {
        store::turns::is_active(&self.me.ledger, self.turn).await.unwrap_or(false)
    }
}

/// An answer that is being shown while it grows.
#[derive(Debug)]
pub(crate) struct Draft {
    text: Arc<watch::Sender<String>>,
    ended: oneshot::Receiver<()>,
}

/// Where what there is of an answer goes.
#[derive(Debug, Clone)]
pub(crate) struct Frames(Arc<watch::Sender<String>>);

impl Frames {
    /// What there is of the answer by now. The latest is shown, a few times a second.
    pub(crate) fn show(&self, text: &str) {
        self.0.send_replace(text.to_owned());
    }
}

impl Draft {
    pub(crate) fn frames(&self) -> Frames {
        Frames(self.text.clone())
    }

    /// No more frames: the message comes. Waits for the one under way. All [`Frames`] must be gone.
    pub(crate) async fn finish(self) {
        drop(self.text);
        drop(tokio::time::timeout(LAST_FRAME, self.ended).await);
    }
}
