//! Telegram's Bot API on a port of this machine: strict where the real one is, and nastier.
//!
//! Three sides meet in one [`State`]: the bot's calls (`serve` reads them, `methods` does them), the people
//! (`people`, `say`), whose doings become updates that are polled or pushed (`polling`, `delivery`), and what
//! was on a person's screen (`screen`), which is what a test asks about. Misbehaviour is planned by the test
//! (`misbehave`); flood limits are always on (`limits`), and a call before its `retry_after` is a violation.
//!
//! **Invariant:** everything that a call changes, it changes under one lock and before it is answered; the
//! lock is never held across an await.

mod answer;
mod callbacks;
mod calls;
mod chats;
mod content;
mod delivery;
mod drafts;
mod edits;
mod entities;
mod files;
mod html;
mod http;
mod lanes;
mod limits;
mod markup;
mod methods;
mod misbehave;
mod params;
mod people;
mod polling;
mod post;
mod profile;
mod push;
mod say;
mod screen;
mod sends;
mod serve;
mod state;
mod topics;
mod updates;
mod webhook;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::Notify;

pub use callbacks::CallbackAnswer;
pub use drafts::Draft;
pub use limits::Limits;
pub use markup::Button;
pub use misbehave::Misbehaviour;
pub use say::Say;
pub use screen::SeenMessage;
use state::State;
pub use topics::Topic;

const BOT_ID: i64 = 4242;
const TOKEN: &str = "4242:TEST-token_abc";
const USERNAME: &str = "vectora_test_bot";

/// Clones share the server. It ends with the test's runtime.
#[derive(Debug, Clone)]
pub struct FakeTelegram {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    address: SocketAddr,
    /// Long polls that wait: several at once, of which all but the newest are told to go.
    polls: Notify,
    /// The one task that starts deliveries to the webhook.
    deliveries: Notify,
}

impl FakeTelegram {
    /// With the limits that Telegram is known for.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    /// # Panics
    /// When there is no port.
    pub async fn with(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let telegram = Self {
            inner: Arc::new(Inner {
                state: Mutex::new(State::new(limits)),
                address,
                polls: Notify::new(),
                deliveries: Notify::new(),
            }),
        };
        in_background(telegram.clone().accept(listener));
        in_background(telegram.clone().deliver_updates());
        telegram
    }

    /// What a client puts where `https://api.telegram.org` would be.
    pub fn url(&self) -> String {
        format!("http://{}", self.inner.address)
    }

    pub fn token(&self) -> &'static str {
        TOKEN
    }

    pub fn bot_id(&self) -> i64 {
        BOT_ID
    }

    /// Without the `@`.
    pub fn username(&self) -> &'static str {
        USERNAME
    }

    async fn accept(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            // Small answers to small questions: without this, each would wait for an acknowledgement.
            drop(stream.set_nodelay(true));
            in_background(self.clone().serve(stream));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After updates came or went, or the way they go changed.
    fn wake(&self) {
        self.inner.polls.notify_waiters();
        self.inner.deliveries.notify_one();
    }
}

#[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
fn in_background(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}
