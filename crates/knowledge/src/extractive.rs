//! Answers without a model: the sentences of the passages found that answer, quoted and cited.
//!
//! Not the first sentences, and not whole passages. Every sentence, item, row and block of code is weighed by
//! the terms of the question it has itself, and those that its heading, its title and its neighbours have for
//! it; then by whether it holds what the question asks for (a number, a date, a name). What belongs to the
//! chosen one comes with it: the steps under their introduction, the header of a row, the code under `Run:`.
//!
//! Everything but the marks `[1]` is verbatim. Whether the passages support an answer at all is decided by
//! coverage, before this is called.

mod compose;
mod content;
mod cue;
mod expand;
mod question;
mod steps;
mod unit;
mod weigh;

use std::collections::HashMap;
use std::sync::Arc;

use contract::Language;
use runtime::cache::Cache;

use content::Content;
use question::Asked;

/// A passage that was found.
#[derive(Debug, Clone, Copy)]
pub struct Passage<'a> {
    /// The caller's number for it; comes back in [`Cited`].
    pub number: u32,
    pub title: &'a str,
    pub heading: &'a [String],
    /// As [`crate::chunks`] writes it.
    pub text: &'a str,
    /// Its score in the search; only its share of the best one counts.
    pub score: f32,
}

/// An answer made of quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extract {
    /// Quotes, each followed by its mark, `[1]` for the first of `citations`.
    pub text: String,
    /// In the order of their marks; each passage once.
    pub citations: Vec<Cited>,
}

/// A passage that is quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cited {
    /// [`Passage::number`].
    pub passage: u32,
    /// What is quoted of it, verbatim; parts that do not follow each other are parted by ` … `.
    pub quote: String,
}

/// Bytes of a [`Quoter::beginning`]; only a first sentence that is longer has more.
const BEGINNING: usize = 600;

/// Quotes passages. Clones share what is remembered of their texts.
#[derive(Debug, Clone)]
pub struct Quoter {
    contents: Cache<Box<str>, Content>,
}

impl Default for Quoter {
    fn default() -> Self {
        Self { contents: content::cache() }
    }
}

impl Quoter {
    /// The answer, of at most about 900 characters (1,200 with steps). `language` is the question's: passages
    /// in it are preferred where there are any. `idf` tells how rare a term is, as
    /// [`crate::index::Statistics::idf`].
    ///
    /// `None`: no passage has a term of the question.
    pub fn answer(
        &self,
        question: &str,
        passages: &[Passage<'_>],
        language: Language,
        idf: impl Fn(u32) -> f32,
    ) -> Option<Extract> {
        let asked = Asked::new(question, &idf)?;
        let read = weigh::read(&asked, passages, language, self);
        let fragments = expand::fragments(&asked, &read);
        compose::composed(&read, &fragments)
    }

    /// What a passage says first, as a quote: for one that was found by its meaning, whose words tell nothing of where in
    /// it the answer is. `None`: it says nothing.
    pub fn beginning(&self, passage: &Passage<'_>) -> Option<Extract> {
        let content = self.content(passage.text);
        let units = &content.units;
        let start = units.first()?.range.start;
        let fits = units.iter().take_while(|unit| unit.range.end - start <= BEGINNING).last();
        let quote = passage.text[start..fits.or(units.first())?.range.end].to_owned();
        let text = format!("{quote}{}[1]", if quote.ends_with("```") { "\n\n" } else { " " });
        Some(Extract { text, citations: vec![Cited { passage: passage.number, quote }] })
    }

    fn content(&self, text: &str) -> Arc<Content> {
        self.contents.get(text).unwrap_or_else(|| self.contents.keep(text.into(), Content::of(text)))
    }
}

/// How rare terms are among these passages: for where no index is at hand.
pub fn local_idf(passages: &[Passage<'_>]) -> impl Fn(u32) -> f32 + use<> {
    let mut frequencies: HashMap<u32, u32> = HashMap::new();
    for passage in passages {
        for (index, _) in crate::analyser::document(passage.title, passage.heading, passage.text).iter() {
            *frequencies.entry(index).or_default() += 1;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of passages")]
    let count = passages.len() as f32;
    move |term| {
        #[expect(clippy::cast_precision_loss, reason = "a handful of passages")]
        let frequency = frequencies.get(&term).copied().unwrap_or(0) as f32;
        (1.0 + (count - frequency + 0.5) / (frequency + 0.5)).ln()
    }
}

#[cfg(test)]
mod tests;
