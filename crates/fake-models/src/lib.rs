//! OpenAI's and Ollama's HTTP APIs on a port of this machine: strict where the real ones are, and nastier.
//!
//! One listener serves both. `serve` reads the calls of a connection and lets `openai` or `ollama` understand
//! them: what the real one would refuse is refused in its own words, and only what is left is recorded
//! (`record`) and may meet what a test planned (`misbehave`). A chat is told by one storyteller for both APIs
//! (`chat`), at the pace a test wants (`pace`), through `exchange`, which owns the bytes on the socket: chunks
//! that split a letter, silences, cuts. Embeddings (`embed`) are words hashed into a vector (`embedding`).
//!
//! It is no model: what is said is a function of the call. It knows no tools, no images and no log
//! probabilities, and TLS is not spoken.
//!
//! **Invariant:** a call leaves [`FakeModels::in_flight`] before the bytes that tell the client so are
//! written, so that a client with a limit of *n* is never seen with *n* + 1. The lock is never held across
//! an await.
#![expect(clippy::doc_markdown, reason = "OpenAI is a company here, and no item")]

mod base64;
mod body;
mod chat;
mod embed;
mod embedding;
mod exchange;
mod http;
mod misbehave;
mod ollama;
mod openai;
mod pace;
mod record;
mod refusal;
mod serve;
mod settings;
mod state;
mod tokens;
mod wire;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;

pub use embedding::bag_of_words;
pub use misbehave::{Kind, Misbehave};
pub use record::{Api, ChatCall, EmbedCall};
pub use settings::Limits;
use state::State;
pub use tokens::count as tokens;

/// The chat model there is until [`FakeModels::chat_models`] says otherwise.
pub const CHAT_MODEL: &str = "test-chat";
/// The embedding model there is until [`FakeModels::embedding_models`] says otherwise.
pub const EMBEDDING_MODEL: &str = "test-embed";

/// Clones share the server. It ends with the test's runtime.
#[derive(Debug, Clone)]
pub struct FakeModels {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    address: SocketAddr,
}

impl FakeModels {
    /// Without a key, at full speed, well-behaved.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let models = Self { inner: Arc::new(Inner { state: Mutex::default(), address }) };
        in_background(models.clone().accept(listener));
        models
    }

    /// What a client puts where `https://api.openai.com/v1` would be.
    pub fn openai_url(&self) -> String {
        format!("{}/v1", self.ollama_url())
    }

    /// What a client puts where `http://localhost:11434` would be.
    pub fn ollama_url(&self) -> String {
        format!("http://{}", self.inner.address)
    }

    async fn accept(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            // A token is a packet: without this, it would wait for the acknowledgement of the one before.
            drop(stream.set_nodelay(true));
            in_background(self.clone().serve(stream));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
fn in_background(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}
