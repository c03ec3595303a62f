//! How a chat is written down: what OpenAI's SSE and Ollama's NDJSON have in common.

use super::record::Api;

/// What comes at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Thought(String),
    Text(String),
}

/// What is known when all is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) reason: &'static str,
    pub(super) prompt_tokens: usize,
    pub(super) completion_tokens: usize,
    /// The counts are told.
    pub(super) counted: bool,
}

/// Frames end with what parts them.
pub(super) trait Wire {
    const API: Api;
    const STREAM: &'static str;
    /// A frame that means nothing.
    const IDLE: &'static str;

    /// Before the first piece; may be nothing.
    fn opening(&self) -> String;
    fn piece(&self, piece: &Piece) -> String;
    /// After the last piece. Without these frames, the answer has no end.
    fn closing(&self, ending: &Ending) -> Vec<String>;
    /// An error when the status is already sent, and whatever such a server sends after it.
    fn failure(&self) -> String;
    /// An answer that is not streamed.
    fn whole(&self, thought: Option<&str>, text: &str, ending: &Ending) -> String;
}
