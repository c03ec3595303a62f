//! Follow-up questions, without a model: "and on Android?" is about what was asked before.
//!
//! The signs are a beginning ("what about", "а если"), a word that stands for something said before ("it", "там"), or
//! that nothing is left to ask for. A question that could stand alone is left alone: a wrong addition searches for
//! the wrong thing, a missing one finds nothing and the person asks again. What is added is the whole question of
//! before, since the words of both are searched for.

mod words;

#[cfg(test)]
mod tests;

use knowledge::analyser;

use words::{
    ANOTHER, AUXILIARY, BARE, CONNECTIVE, DEICTIC, ELLIPSIS, EXPLETIVE, INTERROGATIVE, PLACE, POINTING,
    PREPOSITION, PRONOUN, QUANTITY, SAID, is_in, starts,
};

/// Questions of before that are joined, at the most: "and there?" behind "and on Android?" behind the first.
const CHAIN: usize = 3;
/// Words before a pronoun that it may stand for: with so many, it was named in the question itself.
const NAMED: usize = 2;

/// The question with what it is about, or `None` when it stands alone or nothing was asked before. `asked`: the
/// questions of the conversation, oldest first.
pub fn resolve(question: &str, asked: &[&str]) -> Option<String> {
    if asked.is_empty() || !depends(question) {
        return None;
    }
    let mut parts = vec![question.trim()];
    for before in asked.iter().rev().take(CHAIN).filter(|before| !before.trim().is_empty()) {
        parts.push(before.trim());
        if !depends(before) {
            break;
        }
    }
    parts.reverse();
    (parts.len() > 1).then(|| parts.join(" "))
}

/// Whether a question cannot be understood without the one before it.
pub fn depends(question: &str) -> bool {
    let tokens: Vec<_> = analyser::tokens(question).collect();
    let words: Vec<&str> = tokens.iter().map(|token| &*token.folded).collect();
    // Thanks and greetings ask for nothing.
    if words.is_empty() || words.iter().all(|word| is_in(SAID, word)) {
        return false;
    }
    let asked = Question { words: &words, text: question };
    asked.is_continued() || asked.points_back() || asked.is_bare()
}

struct Question<'a> {
    words: &'a [&'a str],
    text: &'a str,
}

impl Question<'_> {
    /// It has a question word or a verb that asks: "and **how do** I …".
    fn asks(&self) -> bool {
        self.words.iter().any(|word| is_in(INTERROGATIVE, word) || is_in(AUXILIARY, word))
    }

    /// `And on Android?`, `what about refunds?`, `а если нет чека?`.
    fn is_continued(&self) -> bool {
        // "What about …" with a sentence behind it says what it means.
        const LONG: usize = 7;
        let asked = content(self.words);
        if starts(ELLIPSIS, self.words) {
            let conditional = self.words.iter().any(|word| matches!(*word, "if" | "если"));
            // `What if I lose my card, how do I block it?` has its own question.
            let own = conditional && self.text.contains(',') && asked > 2;
            return asked < LONG && !own;
        }
        let Some((first, rest)) = self.words.split_first() else { return false };
        if !is_in(CONNECTIVE, first) {
            return false;
        }
        if self.asks() { content(rest) < 2 } else { content(rest) <= 3 }
    }

    /// `How do I cancel it?`, `А там есть доставка?`.
    fn points_back(&self) -> bool {
        (0..self.words.len()).any(|at| {
            let word = self.words[at];
            let before = content(&self.words[..at]);
            let next = self.words.get(at + 1).copied().unwrap_or_default();
            let previous = at.checked_sub(1).map_or("", |at| self.words[at]);
            if before >= NAMED {
                return false;
            }
            if is_deictic(next) && (is_in(PRONOUN, word) || is_in(POINTING, word)) {
                return false;
            }
            if is_in(PRONOUN, word) {
                return !self.is_expletive(at);
            }
            if is_in(PLACE, word) {
                // `Is there a fee?`
                return !(word == "there"
                    && (is_in("is are was were be", previous) || is_in("is are was", next)));
            }
            if is_in(POINTING, word) {
                // `that` before a sentence joins.
                let sentence = self.words.len() > at + 3;
                let joins = word == "that" && sentence && before > 0 && !is_in(PREPOSITION, previous);
                let names = content(&self.words[at + 1..]) > 2;
                return !joins && !names;
            }
            is_in(ANOTHER, word) && content(self.words) < 2
        })
    }

    /// `How long does it take to deliver?`, `Is it possible to …?`: it stands for what follows.
    fn is_expletive(&self, at: usize) -> bool {
        let after = &self.words[at + 1..];
        let dummy = after.first().is_some_and(|next| is_in(EXPLETIVE, next));
        matches!(self.words[at], "it" | "это") && dummy && content(&after[1..]) > 0
    }

    /// Nothing to search for is left: `Why?`, `How much does it cost?`, `on Android?`.
    fn is_bare(&self) -> bool {
        let asked = content(self.words);
        if asked == 0 {
            return self.words.iter().any(|word| is_in(BARE, word) || is_in(INTERROGATIVE, word));
        }
        let fragment =
            asked == 1 && self.words.len() <= 3 && self.text.trim_end().ends_with('?') && !self.asks();
        fragment && (self.words.len() == 1 || is_in(PREPOSITION, self.words[0]))
    }
}

/// `this app` is the one they talk to, whatever was said before.
fn is_deictic(word: &str) -> bool {
    !word.is_empty()
        && DEICTIC.split_ascii_whitespace().any(|known| analyser::stem(known) == analyser::stem(word))
}

/// Words that are asked for.
fn content(words: &[&str]) -> usize {
    words.iter().filter(|word| is_content(word)).count()
}

fn is_content(word: &str) -> bool {
    !(analyser::is_function_word(word)
        || is_in(SAID, word)
        || is_in(QUANTITY, word)
        || is_in(INTERROGATIVE, word)
        || is_in(AUXILIARY, word)
        || is_in(PREPOSITION, word)
        || is_in(CONNECTIVE, word)
        || is_in(BARE, word)
        || is_in(ANOTHER, word))
}
