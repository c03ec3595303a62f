//! Lists of words, written as one text and asked for as a set.

use std::{collections::HashSet, sync::OnceLock};

/// Words that a text is compared with, one after another: a look is as long for a hundred as for one.
#[derive(Debug)]
pub(crate) struct WordList {
    words: &'static str,
    set: OnceLock<HashSet<&'static str>>,
}

impl WordList {
    /// `words` have white space between them.
    pub(crate) const fn new(words: &'static str) -> Self {
        Self { words, set: OnceLock::new() }
    }

    /// Whether `word` is one of them, written the same.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.set.get_or_init(|| self.iter().collect()).contains(word)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.words.split_ascii_whitespace()
    }
}
