//! What tests stand on: real PostgreSQL, real NATS, real processes of the shipped binary that are really
//! killed, and a messenger that misbehaves on demand.
//!
//! A test waits for a condition with a deadline ([`eventually`]) and never sleeps for luck. At its end it calls
//! [`Installation::assert_finished`]: nothing may be left unfinished.

#![expect(clippy::missing_panics_doc, reason = "a testkit panics: that is how a test fails")]

pub mod bot;
pub mod engine;
pub mod installation;
pub mod jetstream;
pub mod library;
pub mod load;
pub mod messenger;
pub mod postgres;
pub mod program;
pub mod up;

use std::future::Future;
use std::time::{Duration, Instant};

pub use bot::{Bot, Receiving};
pub use engine::Engine;
pub use fake_models as models;
pub use fake_telegram as telegram;
pub use installation::{Installation, Plan};
pub use jetstream::JetStream;
pub use load::Load;
pub use messenger::Messenger;
pub use postgres::Database;
pub use program::Program;
/// For statements of tests: sqlx itself is known by `store` and the testkit only.
pub use sqlx;

/// The longest any condition may take on a busy two-core machine.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// Waits until `look` finds something, and returns it.
///
/// # Panics
/// When it does not within [`DEADLINE`]; `what` says what was waited for.
pub async fn eventually<T, F, Fut>(what: &str, mut look: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A figure for people: shown by `--nocapture`, and for a test that fails.
#[expect(clippy::print_stdout, reason = "what a test prints is for a terminal")]
pub fn figure(text: impl std::fmt::Display) {
    println!("MEASURED {text}");
}

/// Installs the TLS provider that reqwest wants even for plain connections.
pub fn install_tls() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// [`figure`] for a time.
pub fn measured(what: &str, took: Duration) {
    figure(format_args!("{what}: {:.3} s", took.as_secs_f64()));
}
