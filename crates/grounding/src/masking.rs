//! Personal data out of every text that leaves for a provider, and back in its answer.
//!
//! What is found: telephone numbers (Russian and international), e-mail addresses, bank cards (Luhn), Russian
//! passports, INN and SNILS (checksums). Each becomes a token such as `[PHONE_1]`; one [`Mask`] a turn, so that a
//! value has the same token in the question, the history and the passages, and so that an answer may name what the
//! passages hold (the operator's own telephone). Names of people and postal addresses are **not** found: no rule
//! without a model tells them from products and places.
//!
//! A mistake in doubt goes towards hiding: what was hidden comes back, what was sent does not. What would blind the
//! model is left alone all the same: dates, prices, versions, numbers of orders, IP addresses, UUIDs.
//!
//! **Invariant:** [`Mask::restore`] of [`Mask::hide`] is the text itself, whatever the text. A token the mask did not
//! give is left as it is: it names nobody.

mod document;
mod email;
mod find;
mod number;
mod phone;
mod token;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

pub(crate) use find::find;
pub use token::Kind;

/// The personal data of one turn, each with its token.
#[derive(Default)]
pub struct Mask {
    off: bool,
    /// A value in its normal form, by its number less one, in each kind.
    values: HashMap<Kind, Vec<Value>>,
    numbers: HashMap<(Kind, String), usize>,
}

/// One value, as often as it is spelt differently: `[PHONE_1]` is the first spelling, `[PHONE_1_2]` the second, so
/// that a model sees that they are the same, and each comes back as it was.
#[derive(Default)]
struct Value {
    spellings: Vec<String>,
}

/// Values are personal: a debug print shows how many there are.
impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held: usize = self.values.values().map(Vec::len).sum();
        f.debug_struct("Mask").field("off", &self.off).field("values", &held).finish_non_exhaustive()
    }
}

impl Mask {
    pub fn new() -> Self {
        Self::default()
    }

    /// A mask that hides nothing: for installations whose provider may see everything.
    pub fn off() -> Self {
        Self { off: true, ..Self::default() }
    }

    /// The text without personal data. Takes time linear in the length of the text.
    pub fn hide(&mut self, text: &str) -> String {
        if self.off {
            return text.to_owned();
        }
        let mut hidden = String::with_capacity(text.len());
        let mut end = 0;
        for span in find(text) {
            hidden.push_str(&text[end..span.range.start]);
            end = span.range.end;
            let token = self.token(span.kind, span.normal, &text[span.range]);
            hidden.push_str(&token);
        }
        hidden.push_str(&text[end..]);
        hidden
    }

    /// A text of the model with the values back in it: also where it has changed the case of a token, its brackets'
    /// markdown or its spaces (`**[phone 1]**`, `\[PHONE\_1\]`, `PHONE_1`).
    pub fn restore(&self, text: &str) -> String {
        self.restored(text, text.len())
    }

    /// The same for a text that goes on: a token that may not have come to its end is held back, and so is what stands
    /// behind it. What this returns for a text is how [`Mask::restore`] begins for any text that continues it.
    pub fn restore_so_far(&self, text: &str) -> String {
        self.restored(text, token::settled(text))
    }

    /// How many values it holds: for a metric.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    fn restored(&self, text: &str, until: usize) -> String {
        if self.off {
            return text.to_owned();
        }
        let mut restored = String::with_capacity(until);
        let mut end = 0;
        for found in token::tokens(text).take_while(|found| found.range.start < until) {
            if let Some(value) = self.value(&found) {
                restored.push_str(&text[end..found.range.start]);
                restored.push_str(value);
                end = found.range.end;
            }
        }
        restored.push_str(&text[end..until.max(end)]);
        restored
    }

    fn value(&self, found: &token::Token) -> Option<&str> {
        let value = self.values.get(&found.kind)?.get(found.number.checked_sub(1)?)?;
        let spelling = value.spellings.get(found.spelling.checked_sub(1)?).or(value.spellings.first());
        spelling.map(String::as_str)
    }

    fn token(&mut self, kind: Kind, normal: String, written: &str) -> String {
        let values = self.values.entry(kind).or_default();
        let at = *self.numbers.entry((kind, normal)).or_insert_with(|| {
            values.push(Value::default());
            values.len() - 1
        });
        let spellings = &mut values[at].spellings;
        let known = spellings.iter().position(|spelling| spelling == written);
        let spelling = known.unwrap_or_else(|| {
            spellings.push(written.to_owned());
            spellings.len() - 1
        });
        token::write(kind, at + 1, spelling + 1)
    }
}
