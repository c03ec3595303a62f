//! The checker of what a model writes: nothing is shown before it was compared with the passages.
//!
//! A growing answer is read in units (a sentence, an item, a row, a block of code). A unit that states something must
//! be supported by the passage it cites, or by any, which is then cited instead. What has no support is left out.
//! Units that state nothing wait for one that does. Numbers of citations are given anew, in the order of first use.
//!
//! **What it sees:** words that are not in the passages; numbers, dates, links, code, names that are not there, or
//! stand there for something else; negations. **What it does not:** the right words in a wrong order ("A bought B"),
//! and a synonym where it has none of the other words. In another language than the passage's only facts and words of
//! both languages are compared: [`Checked::unjudged`] names what a model is to judge.
//!
//! **Invariant:** released text is only ever added to, until the model's text begins anew.

mod blocks;
mod cognate;
mod decide;
mod evidence;
mod facts;
mod frame;
mod injection;
mod marks;
mod measure;
mod output;
mod polarity;
mod refusal;
mod support;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::{Passage, quotes};
use blocks::Reader;
use decide::Judge;
pub use decide::{DENSE, THRESHOLD, WEAK};
pub(crate) use evidence::stems;
use output::Output;

/// A text of the model without marks of citations: for histories, whose numbers mean other passages.
pub fn without_marks(text: &str) -> String {
    marks::Plain::of(text).text
}

/// How rare a stem is, above 0.
pub type Idf<'a> = &'a (dyn Fn(&str) -> f32 + Sync);
/// How near a sentence is to the passage at an index, −1 to 1; `None`: not known.
pub type Dense<'a> = &'a (dyn Fn(&str, usize) -> Option<f32> + Sync);

/// What a checker may use beside the passages.
#[derive(Clone, Copy, Default)]
pub struct Measures<'a> {
    /// Without it a word weighs as it is rare among the sentences of the passages.
    pub idf: Option<Idf<'a>>,
    /// Without it words alone decide.
    pub dense: Option<Dense<'a>>,
}

impl fmt::Debug for Measures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { idf, dense } = self;
        f.debug_struct("Measures").field("idf", &idf.is_some()).field("dense", &dense.is_some()).finish()
    }
}

/// Why a sentence was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// Too few of its words stand together in a passage.
    Unsupported,
    /// A number, an amount, a date that no passage has, or that is said of something else there.
    Number,
    /// A link or an address that no passage has.
    Link,
    /// Code, an identifier, a version, a telephone that no passage has.
    Literal,
    /// A name that no passage has.
    Name,
    /// The passage says the contrary.
    Contrary,
    /// It says that the model does not know.
    Refusal,
    /// It is part of a list of sources of the model's own.
    Sources,
    /// The model's text was cut off within it.
    Cut,
}

impl Why {
    /// A name for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsupported => "unsupported",
            Self::Number => "number",
            Self::Link => "link",
            Self::Literal => "literal",
            Self::Name => "name",
            Self::Contrary => "contrary",
            Self::Refusal => "refusal",
            Self::Sources => "sources",
            Self::Cut => "cut",
        }
    }
}

/// A sentence that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    pub text: String,
    pub why: Why,
}

/// A source of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cited {
    /// In the text, from 1.
    pub number: u32,
    /// The passage's index in what was given.
    pub passage: usize,
    /// As [`quotes::quote`].
    pub quote: String,
}

/// A sentence in another language than its passage, which words cannot judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrossLanguage {
    pub sentence: String,
    /// The passage's index in what was given.
    pub passage: usize,
}

/// What may be done with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All it states is supported.
    Grounded,
    /// Something was left out.
    Partly,
    /// Nothing it states is supported: no answer.
    Unsupported,
    /// The model says that the passages do not answer.
    DontKnow,
}

/// An answer that was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// What was released, nothing else.
    pub text: String,
    /// In the order of their numbers.
    pub citations: Vec<Cited>,
    pub dropped: Vec<Dropped>,
    pub verdict: Verdict,
    /// Mean support of what is kept, 0 to 1; 0 when nothing is.
    pub support: f32,
    /// What a model should judge before the answer is trusted; empty within one language.
    pub unjudged: Vec<CrossLanguage>,
}

/// How a model's text came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The model said all it wanted.
    Complete,
    /// At a limit or a fault: a last sentence without a full stop is left out.
    Cut,
}

/// Checks one answer while it grows.
#[derive(Debug)]
pub struct Checker<'a> {
    passages: &'a [Passage<'a>],
    judge: Judge<'a>,
    reader: Reader,
    output: Output,
    /// What was given last.
    text: String,
}

impl<'a> Checker<'a> {
    /// `passages` as the model saw them: number 1 is the first.
    pub fn new(passages: &'a [Passage<'a>], measures: Measures<'a>) -> Self {
        Self {
            passages,
            judge: Judge::new(passages, measures),
            reader: Reader::default(),
            output: Output::default(),
            text: String::new(),
        }
    }

    /// Takes all that the model has said so far and returns what of it may be shown: whole checked units. What is
    /// returned begins with what was returned before, unless `text` does not continue the text given before.
    pub fn push(&mut self, text: &str) -> &str {
        self.advance(text, false);
        self.output.text()
    }

    /// The same for the last time, with the result.
    pub fn finish(mut self, text: &str, ended: Ended) -> Checked {
        let whole = match ended {
            Ended::Complete => text,
            Ended::Cut => without_rest(text),
        };
        self.advance(whole, true);
        if whole.len() < text.trim_end().len() {
            self.output.cut_off(text[whole.len()..].trim());
        }
        let quote = |passage: usize, claims: &[&str]| {
            self.passages.get(passage).map(|passage| quotes::quote(passage, claims)).unwrap_or_default()
        };
        self.output.finish(quote)
    }

    fn advance(&mut self, text: &str, done: bool) {
        if !text.starts_with(&self.text) {
            self.reader = Reader::default();
            self.output = Output::default();
            self.text.clear();
        }
        self.text.push_str(&text[self.text.len()..]);
        for unit in self.reader.read(&self.text, done) {
            self.output.take(unit, &self.judge);
        }
    }
}

/// Up to the end of the last sentence or line that is complete.
fn without_rest(text: &str) -> &str {
    let trimmed = text.trim_end();
    if trimmed.ends_with(['.', '!', '?', '…', ']', '】', ':']) || trimmed.ends_with("```") {
        return text;
    }
    let end = knowledge::sentences::sentences(trimmed).last().map_or(0, |last| last.start);
    let line = trimmed.rfind('\n').map_or(0, |at| at + 1);
    &text[..end.max(line)]
}

/// The whole of an answer that does not stream.
pub fn check<'a>(text: &str, passages: &'a [Passage<'a>], measures: Measures<'a>) -> Checked {
    Checker::new(passages, measures).finish(text, Ended::Complete)
}
