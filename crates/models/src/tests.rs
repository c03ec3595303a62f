//! Chains and embedders against servers that misbehave, built as the configuration builds them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fake_models::FakeModels;
use serde::Deserialize as _;

use crate::{ChatModel, Metrics, ModelError, Models, Reply, Request, Role, Said, Settings, configured};

mod embedding;
mod failing_over;
mod guarding;
mod misbehaving;
mod settings;

/// A request with this question.
pub(crate) fn asking(question: &str) -> Request {
    let said = vec![Said { role: Role::User, text: question.to_owned() }];
    Request { system: String::new(), said, max_tokens: 256, temperature: 0.0 }
}

/// What the fake says to it by itself, with letters of one to four bytes.
const QUESTION: &str = "Как оплатить счёт № 5? 東京 🦀 café";
const ANSWER: &str = "Вы спросили: Как оплатить счёт № 5? 東京 🦀 café [1].";

/// The settings of a text.
fn settings(text: &str) -> Settings {
    let table: toml::Table = text.parse().expect("TOML");
    Settings::deserialize(table).expect("settings")
}

/// The metrics as Prometheus would read them.
struct Metered {
    models: Models,
    registry: prometheus_client::registry::Registry,
}

fn models(text: &str) -> Metered {
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut registry = prometheus_client::registry::Registry::default();
    let metrics = Metrics::register(&mut registry);
    Metered { models: configured(&settings(text), &metrics).expect("it can work"), registry }
}

impl Metered {
    /// A line of the metrics without its value.
    fn value(&self, line: &str) -> f64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).expect("written");
        let value = text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no {line} in {text}"))
    }

    fn chat(&self) -> &dyn ChatModel {
        self.models.chat.as_deref().expect("somebody answers")
    }

    async fn ask(&self) -> Result<Reply, ModelError> {
        self.chat().reply(&asking(QUESTION), &|_| ()).await
    }

    /// The reply, and all that was heard while it grew.
    async fn ask_and_hear(&self, question: &str) -> (Result<Reply, ModelError>, Vec<String>) {
        let heard = Mutex::new(Vec::new());
        let grow = |text: &str| heard.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
        let reply = self.chat().reply(&asking(question), &grow).await;
        (reply, heard.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One provider as a table, at this server. It is patient: a machine that is busy must not look like a server that
/// stalls.
fn provider(name: &str, kind: &str, fake: &FakeModels) -> String {
    let url = if kind == "ollama" { fake.ollama_url() } else { fake.openai_url() };
    format!(
        "[providers.{name}]\nkind = \"{kind}\"\nbase_url = \"{url}\"\nmodel = \"test-chat\"\n\
         first_token = \"20s\"\nidle = \"20s\"\nconnect = \"20s\"\ntotal = \"20s\"\nwindow = 8192\n"
    )
}

/// With a limit short enough to be waited for.
fn hurried(table: &str, limit: &str) -> String {
    table.replace(&format!("{limit} = \"20s\""), &format!("{limit} = \"400ms\""))
}

/// A chain of one.
fn alone(kind: &str, fake: &FakeModels) -> Metered {
    of_one(&provider("one", kind, fake))
}

fn of_one(table: &str) -> Metered {
    models(&format!("provider = [\"one\"]\ntotal = \"60s\"\nbreaker = \"100ms\"\n{table}"))
}

/// Waits for a condition; too long is a failure.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(10), "waited for: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
