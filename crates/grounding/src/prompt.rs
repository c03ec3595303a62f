//! What a model is told: who it is, what it may use, what was said before, the question.
//!
//! Passages, history and question are data, in blocks whose tags carry a boundary that the caller draws for each
//! request: a passage cannot know it, so it cannot close its block. The rest of what could be taken for structure is
//! made harmless ([`neutral`]). None of this makes a model obey: what it writes is checked ([`crate::citations`]).

mod answer;
mod judge;
pub mod neutral;
mod rewrite;
mod sufficient;
mod verdict;
mod window;

#[cfg(test)]
mod tests;

pub use answer::{Request, compose};
pub use judge::judge;
pub use rewrite::{parse_rewrite, rewrite};
pub use sufficient::sufficient;
pub use verdict::parse_verdict;
pub use window::{Window, tokens};

/// The version of all texts here: recorded with every answer. It changes when any of them does.
pub const PROMPT_VERSION: &str = "grounded-1";

/// What a model is to say, and nothing else, when the passages do not answer.
pub const NO_ANSWER: &str = "NO_ANSWER";

/// Who answers. Both are the operator's, and are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persona {
    pub name: String,
    /// How it speaks, as told to a model.
    pub instructions: String,
}

impl Default for Persona {
    fn default() -> Self {
        Self {
            name: "a support assistant".to_owned(),
            instructions: "Be friendly, brief and concrete. Give steps as a numbered list.".to_owned(),
        }
    }
}

/// A question of before, and what was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange<'a> {
    pub question: &'a str,
    pub answer: &'a str,
}

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    User,
    Assistant,
}

/// A prompt, ready for any chat model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pub system: String,
    /// The last one is the user's.
    pub messages: Vec<(Role, String)>,
    /// Numbers of the passages in it, from 1; always the first ones.
    pub kept: Vec<u32>,
}

impl Prompt {
    /// What it takes of the window, as [`tokens`] estimates it.
    pub fn tokens(&self) -> usize {
        let said: usize = self.messages.iter().map(|(_, text)| tokens(text) + window::MESSAGE).sum();
        tokens(&self.system) + window::MESSAGE + said
    }

    fn question(system: &str, message: String) -> Self {
        Self { system: system.to_owned(), messages: vec![(Role::User, message)], kept: Vec::new() }
    }
}
