//! A reply while it grows: without what the model only thinks, and no longer than its limit.
//!
//! Models that reason write `<think>…</think>` into their text where the server does not take it out. A tag may
//! come in any pieces, so an end that may become one is held back.

use crate::{Finish, Grow, ModelError, Reply, Usage, tokens};

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// What there is of a reply.
pub(crate) struct Growing<'a> {
    grow: &'a Grow<'a>,
    /// Bytes, at the most.
    limit: usize,
    text: String,
    /// Came, and may be the beginning of a tag.
    held: String,
    thinks: bool,
    /// Bytes of thoughts: they are paid for as well.
    thought: usize,
    full: bool,
}

impl<'a> Growing<'a> {
    pub(crate) fn new(limit: usize, grow: &'a Grow<'a>) -> Self {
        let (text, held) = (String::new(), String::new());
        Self { grow, limit, text, held, thinks: false, thought: 0, full: false }
    }

    /// More text came. `false`: there is no room for more.
    pub(crate) fn push(&mut self, more: &str) -> bool {
        self.held.push_str(more);
        while self.step() {}
        (self.grow)(&self.text);
        !self.full
    }

    /// Something came that is no text, such as a thought in a field of its own.
    pub(crate) fn thought(&mut self, bytes: usize) {
        self.thought += bytes;
        (self.grow)(&self.text);
    }

    /// Takes what is certain from what is held; `true` when there was a tag, and more may be certain.
    fn step(&mut self) -> bool {
        let tags: &[&str] = if self.thinks { &[CLOSE] } else { &[OPEN, CLOSE] };
        let found = tags.iter().filter_map(|tag| Some((self.held.find(tag)?, *tag))).min();
        if let Some((at, tag)) = found {
            let before = self.held[..at].to_owned();
            self.held.drain(..at + tag.len());
            self.take(&before);
            if tag == CLOSE && !self.thinks {
                // The template opened the thought before the model's first word: all of that was one.
                self.thought += self.text.len();
                self.text.clear();
            }
            self.thinks = tag == OPEN;
            return true;
        }
        let begun = |tag: &&str| (1..tag.len()).rev().find(|length| self.held.ends_with(&tag[..*length]));
        let begun = tags.iter().filter_map(begun).max().unwrap_or(0);
        let certain = self.held[..self.held.len() - begun].to_owned();
        self.held.drain(..certain.len());
        self.take(&certain);
        false
    }

    fn take(&mut self, text: &str) {
        if self.thinks {
            self.thought += text.len();
            return;
        }
        // After a thought there are empty lines.
        let text = if self.text.is_empty() { text.trim_start() } else { text };
        let room = self.limit.saturating_sub(self.text.len());
        let cut = text.floor_char_boundary(room);
        self.full |= cut < text.len();
        self.text.push_str(&text[..cut]);
    }

    /// Nothing more comes. `usage`: prompt and answer, where the provider told; `prompt`: what was estimated.
    ///
    /// # Errors
    /// Nothing was said.
    pub(crate) fn end(
        mut self,
        model: &str,
        finish: Finish,
        usage: Option<(u32, u32)>,
        prompt: u32,
    ) -> Result<Reply, ModelError> {
        let held = std::mem::take(&mut self.held);
        self.take(&held);
        if !held.is_empty() && !self.thinks {
            (self.grow)(&self.text);
        }
        let finish = if self.full { Finish::Length } else { finish };
        if self.text.trim().is_empty() && finish != Finish::Filtered {
            return Err(ModelError::Failed("the answer is empty".to_owned()));
        }
        let usage = if let Some((prompt, completion)) = usage {
            Usage { prompt, completion, estimated: false }
        } else {
            let thought = u32::try_from(self.thought / 4).unwrap_or(u32::MAX);
            let completion = tokens::estimate(&self.text).saturating_add(thought);
            Usage { prompt, completion, estimated: true }
        };
        Ok(Reply { text: self.text, model: model.to_owned(), usage, finish })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What becomes of a text that comes in pieces of so many characters, and all that was heard of it.
    fn grown(text: &str, size: usize, limit: usize) -> (Result<Reply, ModelError>, Vec<String>) {
        let heard = Mutex::new(Vec::new());
        let grow = |text: &str| heard.lock().expect("nobody panicked").push(text.to_owned());
        let mut growing = Growing::new(limit, &grow);
        let letters: Vec<char> = text.chars().collect();
        for piece in letters.chunks(size) {
            if !growing.push(&piece.iter().collect::<String>()) {
                break;
            }
        }
        let reply = growing.end("m", Finish::Stop, None, 1);
        (reply, heard.into_inner().expect("nobody panicked"))
    }

    #[test]
    fn thoughts_are_taken_out_however_they_are_cut() {
        for (text, left) in [
            ("<think>хм, что это?</think>\n\nОтвет", "Ответ"),
            ("А <think>1</think>Б<think>2</think>В", "А БВ"),
            ("мысли без начала</think> Ответ", "Ответ"),
            ("a < b и <thinking> </thin", "a < b и <thinking> </thin"),
            ("Ответ<think>и ещё", "Ответ"),
        ] {
            for size in 1..=text.chars().count() {
                let (reply, heard) = grown(text, size, 1000);
                assert_eq!(reply.expect("there is text").text, left, "pieces of {size}");
                assert_eq!(heard.last().map(String::as_str), Some(left), "pieces of {size}");
            }
        }
    }

    #[test]
    fn an_answer_that_is_too_long_is_cut_between_two_letters() {
        let (reply, _) = grown(&"ж".repeat(100), 7, 51);
        let reply = reply.expect("there is text");
        assert_eq!((reply.text, reply.finish), ("ж".repeat(25), Finish::Length));
        let (reply, _) = grown("жж", 1, 4);
        assert_eq!(reply.expect("there is text").finish, Finish::Stop);
    }

    #[test]
    fn a_model_that_only_thinks_gave_no_answer() {
        assert!(grown("<think>всё", 3, 100).0.is_err());
        assert!(grown(" \n ", 1, 100).0.is_err());
    }
}
