//! The checker of what a model writes: nothing is shown before it was compared with the passages.
//!
//! A growing answer is read in units (a sentence, an item, a row, a block of code). A unit that states something must
//! be supported by the passage it cites, or by any, which is then cited instead. What has no support is left out.
//! Units that state nothing wait for one that does. Numbers of citations are given anew, in the order of first use.
//!
//! Reading and deciding are two steps: [`Checker::read`] cuts units off, [`Checker::doubts`] names what words do not
//! decide in them, and [`Checker::release`] decides, with what the caller has found out about these.
//!
//! **What it sees:** words that are not in the passages; numbers, dates, links, code, names that are not there, or
//! stand there for something else; negations. **What it does not:** the right words in a wrong order ("A bought B"),
//! and a synonym where it has none of the other words. In another language than the passage's only facts and words of
//! both languages are compared, and the meaning where it is known: [`Checked::unjudged`] names what a model is to judge.
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

use crate::{Passage, quotes};
use blocks::{Reader, Unit};
use decide::Judge;
pub use decide::{THRESHOLD, WEAK};
pub(crate) use evidence::stems;
use output::Output;

/// The statements of a passage: its sentences without those that command a model, and what follows these in their
/// paragraph.
pub fn statements(text: &str) -> Vec<&str> {
    evidence::sentences_of(text, false)
}

/// Whether two sentences, of whatever languages, both deny something or both do not.
pub fn same_polarity(one: &str, other: &str) -> bool {
    let denies = |text| polarity::clauses(text).iter().any(|clause| clause.negative);
    denies(one) == denies(other)
}

/// A text of the model without marks of citations: for histories, whose numbers mean other passages.
pub fn without_marks(text: &str) -> String {
    marks::Plain::of(text).text
}

/// Whether a passage, by its index in what was given, says what a sentence says; `None`: not known.
pub type Meaning<'a> = &'a dyn Fn(&str, usize) -> Option<bool>;

/// Words alone.
const BY_WORDS: Meaning<'static> = &|_, _| None;

/// A sentence that words do not decide: how near in meaning it is to a passage may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    pub sentence: String,
    /// The passage's index in what was given.
    pub passage: usize,
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

/// A sentence in another language than its passage: words cannot judge it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unjudged {
    pub sentence: String,
    /// The passage's index in what was given.
    pub passage: usize,
    /// The meaning is said to be the same.
    pub confirmed: bool,
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
    pub unjudged: Vec<Unjudged>,
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
    judge: Judge,
    reader: Reader,
    /// Read and not decided.
    waiting: Vec<Unit>,
    output: Output,
    /// What was given last.
    text: String,
}

impl<'a> Checker<'a> {
    /// `passages` as the model saw them: number 1 is the first.
    pub fn new(passages: &'a [Passage<'a>]) -> Self {
        Self {
            passages,
            judge: Judge::new(passages),
            reader: Reader::default(),
            waiting: Vec::new(),
            output: Output::default(),
            text: String::new(),
        }
    }

    /// Takes all that the model has said so far.
    pub fn read(&mut self, text: &str) {
        self.advance(text, false);
    }

    /// The same for the last time.
    pub fn end(&mut self, text: &str, ended: Ended) {
        let whole = match ended {
            Ended::Complete => text,
            Ended::Cut => without_rest(text),
        };
        if text.starts_with(&self.text) {
            // Cut off in front of a sentence that has no end: what was decided stays.
            self.text.truncate(whole.len());
        }
        self.advance(whole, true);
        if whole.len() < text.trim_end().len() {
            self.output.cut_off(text[whole.len()..].trim());
        }
    }

    /// What of that which was read is neither supported nor refuted by words.
    pub fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        for unit in &self.waiting {
            output::doubts(unit, &self.judge, &mut doubts);
        }
        doubts
    }

    /// Decides what was read and returns what may be shown: whole checked units. It begins with what was returned
    /// before, unless the text given last did not continue the one before.
    pub fn release(&mut self, meaning: Meaning<'_>) -> &str {
        for unit in self.waiting.drain(..) {
            self.output.take(unit, &self.judge, meaning);
        }
        self.output.text()
    }

    /// The result. What was not released is decided by words alone.
    pub fn finish(mut self) -> Checked {
        self.release(BY_WORDS);
        let quote = |passage: usize, claims: &[&str]| {
            self.passages.get(passage).map(|passage| quotes::quote(passage, claims)).unwrap_or_default()
        };
        self.output.finish(quote)
    }

    fn advance(&mut self, text: &str, done: bool) {
        if !text.starts_with(&self.text) {
            self.reader = Reader::default();
            self.waiting.clear();
            self.output = Output::default();
            self.text.clear();
        }
        self.text.push_str(&text[self.text.len()..]);
        self.waiting.extend(self.reader.read(&self.text, done));
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

/// The whole of an answer, by words alone.
pub fn check(text: &str, passages: &[Passage<'_>]) -> Checked {
    let mut checker = Checker::new(passages);
    checker.end(text, Ended::Complete);
    checker.finish()
}
