//! A question as terms to search for, and the words it is shown by.

use super::{stem::stem, terms, tokens, words::courtesy};
use crate::Sparse;

/// What a term stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The stem of a word.
    Stem,
    /// The first letters of a word.
    Prefix,
}

/// A term of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Its index in sparse vectors.
    pub index: u32,
    /// Its weight in the question: how often it occurs there.
    pub weight: f32,
    /// The word it comes from, as written in the question.
    pub shown: String,
    pub kind: Kind,
}

/// A word of a question that is indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// As [`super::Token::folded`].
    pub folded: String,
    /// As [`stem`] of it.
    pub stem: String,
    /// As written in the question.
    pub shown: String,
    /// Where the term of its stem is in [`Query::terms`].
    pub term: usize,
}

/// A question as the index takes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// Each index once, in the order of the question.
    pub terms: Vec<Term>,
    /// Each word once, in the order of the question.
    pub words: Vec<Word>,
    /// The question as positions in `words`: what follows what.
    pub order: Vec<usize>,
}

/// Questions are short. What comes after so many words (a letter pasted into a chat) is not searched for.
const WORDS: usize = 64;
/// Words read to find so many.
const READ: usize = 4 * WORDS;

impl Query {
    /// As a sparse vector.
    pub fn sparse(&self) -> Sparse {
        Sparse::from_pairs(self.terms.iter().map(|term| (term.index, term.weight)).collect())
    }

    /// Whether there is nothing to search for: no words, or only ones that say nothing ("who are you?").
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    fn add(&mut self, index: u32, kind: Kind, shown: &str) -> usize {
        if let Some(position) = self.terms.iter().position(|term| term.index == index) {
            self.terms[position].weight += 1.0;
            return position;
        }
        self.terms.push(Term { index, weight: 1.0, shown: shown.to_owned(), kind });
        self.terms.len() - 1
    }
}

/// The terms and words of a question. Never fails; see [`Query::is_empty`].
pub fn query(text: &str) -> Query {
    let mut query = Query::default();
    let tokens: Vec<_> = tokens(text).take(READ).collect();
    let said = courtesy(&tokens);
    for token in tokens.into_iter().zip(said).filter(|(_, said)| !said).map(|(token, _)| token) {
        let Some(found) = terms::terms(&token.folded) else { continue };
        if query.order.len() == WORDS {
            break;
        }
        let shown = &text[token.start..token.end];
        let term = query.add(found.stem, Kind::Stem, shown);
        if let Some(prefix) = found.prefix {
            query.add(prefix, Kind::Prefix, shown);
        }
        let known = query.words.iter().position(|word| word.folded == *token.folded);
        query.order.push(known.unwrap_or(query.words.len()));
        if known.is_none() {
            let stem = stem(&token.folded).into_owned();
            let shown = shown.to_owned();
            query.words.push(Word { folded: token.folded.into_owned(), stem, shown, term });
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_named_once_and_counted() {
        let query = query("password passwords");
        assert_eq!(query.terms.iter().map(|term| term.weight).collect::<Vec<_>>(), [2.0, 2.0]);
        assert_eq!(query.words.len(), 2);
        assert_eq!(query.order, [0, 1]);
        assert_eq!(query.words[1].term, 0);
    }

    #[test]
    fn words_are_shown_as_they_were_written() {
        let query = query("Где Мой Заказ №15?");
        assert_eq!(query.words.iter().map(|word| word.shown.as_str()).collect::<Vec<_>>(), ["Заказ", "15"]);
    }

    #[test]
    fn a_letter_pasted_as_a_question_is_searched_by_its_beginning() {
        let text = (0..500).map(|number| format!("word{number}")).collect::<Vec<_>>().join(" ");
        assert_eq!(query(&text).words.len(), WORDS);
    }
}
