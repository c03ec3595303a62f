//! What came, how much of it at once, and how much of it the client gave up.

use std::collections::{HashMap, VecDeque};

use super::FakeModels;

/// Whose API a call spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Api {
    OpenAi,
    Ollama,
}

/// A chat that was understood, whatever became of it: a refused call is not here.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatCall {
    pub api: Api,
    pub model: String,
    /// Role and text, in order; the text parts of one message are joined by newlines.
    pub messages: Vec<(String, String)>,
    pub stream: bool,
    /// `max_tokens` or `max_completion_tokens`, and Ollama's `num_predict`.
    pub max_tokens: Option<usize>,
    /// The answer shall be JSON: any `response_format` but text, or Ollama's `format`.
    pub json: bool,
    pub temperature: Option<f64>,
    /// Of the whole prompt, with three for each message and three more, as OpenAI counts.
    pub prompt_tokens: usize,
    /// Ollama only: the prompt was above the window, and a real one would have answered without its
    /// beginning.
    pub truncated: bool,
}

impl ChatCall {
    /// The text of the last message of this role.
    pub fn last_of(&self, role: &str) -> Option<&str> {
        self.messages.iter().rev().find(|(speaker, _)| speaker == role).map(|(_, text)| text.as_str())
    }
}

/// A call for embeddings that was understood, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedCall {
    pub api: Api,
    pub model: String,
    pub inputs: Vec<String>,
    pub dimensions: Option<usize>,
    /// OpenAI only: the vectors were asked for as base64 of little-endian 32-bit floats.
    pub base64: bool,
}

#[derive(Debug, Default)]
pub(super) struct Records {
    chats: VecDeque<ChatCall>,
    embedded: VecDeque<EmbedCall>,
    paths: HashMap<String, usize>,
    in_flight: usize,
    most_in_flight: usize,
    cancelled: usize,
    /// `None`: all.
    kept: Option<usize>,
}

impl Records {
    pub(super) fn called(&mut self, path: &str) {
        *self.paths.entry(path.to_owned()).or_default() += 1;
    }

    pub(super) fn chat(&mut self, call: ChatCall) {
        self.chats.push_back(call);
        trim(&mut self.chats, self.kept);
    }

    pub(super) fn embed(&mut self, call: EmbedCall) {
        self.embedded.push_back(call);
        trim(&mut self.embedded, self.kept);
    }
}

fn trim<T>(records: &mut VecDeque<T>, kept: Option<usize>) {
    let surplus = records.len().saturating_sub(kept.unwrap_or(usize::MAX));
    drop(records.drain(..surplus));
}

/// A chat or a call for embeddings between its arrival and its end.
#[derive(Debug)]
pub(super) struct Flight {
    models: Option<FakeModels>,
}

impl Flight {
    pub(super) fn begin(models: &FakeModels) -> Self {
        let mut state = models.lock();
        let records = &mut state.records;
        records.in_flight += 1;
        records.most_in_flight = records.most_in_flight.max(records.in_flight);
        drop(state);
        Self { models: Some(models.clone()) }
    }

    /// For calls that do not count as work.
    pub(super) fn none() -> Self {
        Self { models: None }
    }

    /// Before the client can know.
    pub(super) fn land(&mut self) {
        if let Some(models) = self.models.take() {
            models.lock().records.in_flight -= 1;
        }
    }

    /// The client left before the end. Nothing when the call had landed: it had its answer.
    pub(super) fn cancel(&mut self) {
        if let Some(models) = self.models.take() {
            let mut state = models.lock();
            state.records.in_flight -= 1;
            state.records.cancelled += 1;
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.land();
    }
}

impl FakeModels {
    /// The chats that were understood, in the order they came.
    pub fn chats(&self) -> Vec<ChatCall> {
        self.lock().records.chats.iter().cloned().collect()
    }

    /// The calls for embeddings that were understood, in the order they came.
    pub fn embedded(&self) -> Vec<EmbedCall> {
        self.lock().records.embedded.iter().cloned().collect()
    }

    /// Requests of any kind, refused ones too.
    pub fn calls(&self) -> usize {
        self.lock().records.paths.values().sum()
    }

    /// Requests to this path, which begins with `/v1/` or `/api/`, refused ones too.
    pub fn calls_of(&self, path: &str) -> usize {
        self.lock().records.paths.get(path).copied().unwrap_or_default()
    }

    /// Chats and calls for embeddings that have come and have not ended.
    pub fn in_flight(&self) -> usize {
        self.lock().records.in_flight
    }

    /// The most there were in flight at once. A call that its client gave up counts until the fake has seen
    /// that, which can be after the client's next one has come.
    pub fn most_in_flight(&self) -> usize {
        self.lock().records.most_in_flight
    }

    /// Chats and calls for embeddings whose client closed the connection before the end of the answer.
    pub fn cancelled(&self) -> usize {
        self.lock().records.cancelled
    }

    /// Keeps only the last calls in [`Self::chats`] and [`Self::embedded`]: a bench would collect them for
    /// ever. Counters are not touched.
    pub fn keep_last(&self, calls: usize) {
        let mut state = self.lock();
        let records = &mut state.records;
        records.kept = Some(calls);
        trim(&mut records.chats, Some(calls));
        trim(&mut records.embedded, Some(calls));
    }
}
