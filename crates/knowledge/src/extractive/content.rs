//! What a passage says, apart from any question: read once, and remembered.

use contract::Language;
use runtime::cache::Cache;

use super::unit::{self, Unit};
use crate::analyser;

/// Bytes of all that is remembered: some 3,000 passages of two chunks.
const LIMIT: u64 = 12 << 20;

/// Bytes of a passage with its text, on average.
const PASSAGE: u64 = 4000;

/// A text, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) units: Vec<Unit>,
    /// One a unit: the indices of its terms, in the order of its words.
    pub(super) terms: Vec<Box<[u32]>>,
    pub(super) language: Language,
}

impl Content {
    pub(super) fn of(text: &str) -> Self {
        let units = unit::units(text);
        let terms = units.iter().map(|unit| analyser::indices(&text[unit.range.clone()]).collect()).collect();
        Self { units, terms, language: Language::of(text) }
    }

    /// Of memory, without the allocator's share.
    fn bytes(&self) -> usize {
        let terms: usize =
            self.terms.iter().map(|terms| size_of::<Box<[u32]>>() + size_of_val(&**terms)).sum();
        size_of::<Self>() + self.units.capacity() * size_of::<Unit>() + terms
    }
}

/// Contents by their texts.
pub(super) fn cache() -> Cache<Box<str>, Content> {
    Cache::within(LIMIT, PASSAGE, |text, content| text.len() + content.bytes())
}
