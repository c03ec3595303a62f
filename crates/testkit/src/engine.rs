//! Qdrant's engine for a test, in the test's process: no process that is killed takes it along.

use std::path::PathBuf;

use qdrant_local::{Options, Server};

/// It stops when it is dropped, before its directory goes: the engine flushes at its end, and aborts the process
/// when it cannot.
#[derive(Debug)]
pub struct Engine {
    pub key: String,
    server: Option<Server>,
}

impl Engine {
    /// Starts in `directory`.
    pub async fn start(directory: PathBuf) -> Self {
        let key = embedded::random_token().expect("there is randomness");
        let server = Server::start(Options::new(directory, key.clone().into())).await;
        Self { key, server: Some(server.expect("the index starts")) }
    }

    pub fn url(&self) -> String {
        self.server.as_ref().map(Server::url).expect("it runs until it is dropped")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(server) = self.server.take() else { return };
        // A thread of its own: the test's runtime is still needed, and cannot be waited for from inside.
        let stopping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(server.stop());
        });
        drop(stopping.join());
    }
}
