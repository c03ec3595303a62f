//! Signs that somebody is there: typing, a draft that grows, a button that was taken.
//!
//! They are worth something at once and nothing later, so they are neither rows nor repeated, nobody waits for them,
//! and when there are too many they are left out. None of them can contradict a message.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use contract::{Channel, TurnId};
use runtime::lifecycle::Lifecycle;
use store::Ledger;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::channel::{ChannelError, Channels};

/// Signs under way at once. Each is a small call; a messenger that does not answer must not pile them up.
const ROOM: usize = 256;

/// Between two frames of a draft.
const FRAME: Duration = Duration::from_millis(300);

/// The longest an answer waits for its last frame: a frame that comes after the message shows once more.
const LAST_FRAME: Duration = Duration::from_millis(500);

/// Gives signs. Clones share the room.
#[derive(Debug, Clone)]
pub struct Presence {
    channels: Arc<Channels>,
    lifecycle: Lifecycle,
    room: Arc<Semaphore>,
    ledger: Ledger,
    /// A channel asked for patience: no signs until then.
    quiet: Arc<Mutex<Option<Instant>>>,
}

impl Presence {
    pub fn new(channels: Arc<Channels>, ledger: Ledger, lifecycle: Lifecycle) -> Self {
        let room = Arc::new(Semaphore::new(ROOM));
        Self { channels, lifecycle, room, ledger, quiet: Arc::default() }
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

    /// A draft of the answer, empty at first; `None` where there are none.
    pub(crate) fn draft(&self, channel: Channel, address: &str, turn: TurnId) -> Option<Draft> {
        let channel = self.channels.of(channel).filter(|channel| channel.shows_drafts(address)).cloned()?;
        let room = self.room.clone().try_acquire_owned().ok()?;
        let (text, mut texts) = watch::channel(String::new());
        let (over, ended) = oneshot::channel();
        let address = address.to_owned();
        let me = self.clone();
        self.lifecycle.spawn("draft", async move {
            // Empty first, whatever there is by now: it says that somebody is at it.
            let (mut shown, mut now) = (None, String::new());
            loop {
                if shown.as_ref() != Some(&now) && !me.is_quiet() {
                    // A human may have the conversation by now, or the person may have dropped the question.
                    if !store::turns::is_active(&me.ledger, turn).await.unwrap_or(false) {
                        break;
                    }
                    if let Err(error) = channel.draft(&address, turn, &now).await {
                        tracing::debug!(%error, "no more frames of this draft");
                        if let ChannelError::Limited(wait) = error {
                            me.quiet(wait);
                        }
                        break;
                    }
                    shown = Some(now.clone());
                }
                let finished = async { while texts.changed().await.is_ok() {} };
                if tokio::time::timeout(FRAME, finished).await.is_ok() {
                    break;
                }
                now.clone_from(&texts.borrow_and_update());
            }
            drop((over, room));
        });
        Some(Draft { text: Arc::new(text), ended })
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
