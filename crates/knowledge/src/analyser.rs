//! Text to sparse vectors: the `lexical` vector of a chunk, and of a question.
//!
//! A chunk's vector has a term for the stem of each word and one for its first letters, which hold together
//! the families of words that a stemmer leaves apart (абонент, абонемент). Words that say nothing are left
//! out. The weights are BM25's without the IDF, which the index multiplies in; the average length is a
//! constant. So a vector depends on nothing but its own text. The constants, and what else was measured:
//! [`recipe`].
//!
//! **Invariant:** [`document`] and [`query`] treat a word alike, except that a question's `camelCase` words
//! are not taken apart, and its courtesies ("please", "подскажите") are not asked for. Whatever changes an
//! index or a weight changes [`VERSION`].

mod murmur;
mod parts;
mod query;
mod recipe;
mod stem;
mod terms;
mod token;
mod words;

pub use query::{Kind, Query, Term, Word, query};
pub use recipe::VERSION;
pub use stem::stem;
pub use token::{BEGINNING, Beginning, Token, Written, beginning, tokens, written};
pub use words::is_function_word;

use std::borrow::Cow;

use crate::Sparse;

/// The vector of a chunk: its document's title, the headings above it from the outermost, its text.
///
/// Weights are from 0 to `K1` + 1 = 2, where 1 is a word that occurs once in a chunk of average length.
/// Empty when there is no word in it that is indexed.
pub fn document(title: &str, heading: &[String], text: &str) -> Sparse {
    let mut found: Vec<(u32, f32)> = Vec::with_capacity(text.len() / 4);
    let mut length = 0.0;
    let fields = std::iter::once(title).chain(heading.iter().map(String::as_str)).chain([text]);
    for field in fields {
        for (word, is_whole) in with_parts(field) {
            if let Some(terms) = terms::terms(&word) {
                length += if is_whole { 1.0 } else { 0.0 };
                push(&mut found, terms, if is_whole { 1.0 } else { recipe::PART });
            }
        }
    }
    let norm = recipe::K1 * (1.0 - recipe::B + recipe::B * length / recipe::AVERAGE_LENGTH);
    let mut sparse = Sparse::from_pairs(found);
    for value in &mut sparse.values {
        *value = *value * (recipe::K1 + 1.0) / (*value + norm);
    }
    sparse
}

/// The indices that [`document`] has for a text, in the order of its words.
pub fn indices(text: &str) -> impl Iterator<Item = u32> {
    let terms = with_parts(text).filter_map(|(word, _)| terms::terms(&word));
    terms.flat_map(|terms| [Some(terms.stem), terms.prefix]).flatten()
}

/// The words of a text, folded, and the parts of those that have any (`false`).
fn with_parts(text: &str) -> impl Iterator<Item = (Cow<'_, str>, bool)> {
    written(text).flat_map(|word| {
        let folded = word.folded();
        let whole = (!folded.is_empty()).then_some((folded, true));
        whole.into_iter().chain(word.parts().map(|part| (part, false)))
    })
}

fn push(found: &mut Vec<(u32, f32)>, terms: terms::Terms, count: f32) {
    found.push((terms.stem, count));
    if let Some(prefix) = terms.prefix {
        found.push((prefix, count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_meets_the_words_of_its_chunk() {
        let chunk = document("Account", &["Security".into()], "Reset passwords on the sign-in page.");
        let question = query("How do I reset my password?");
        assert_eq!(
            question.words.iter().map(|word| word.shown.as_str()).collect::<Vec<_>>(),
            ["reset", "password"]
        );
        for term in &question.terms {
            assert!(chunk.get(term.index).is_some(), "{}", term.shown);
        }
    }

    #[test]
    fn titles_and_headings_are_part_of_what_is_found() {
        let chunk = document("Оплата", &["Возвраты".into()], "Пишите в поддержку.");
        for term in query("оплата возврат").terms {
            assert!(chunk.get(term.index).is_some(), "{}", term.shown);
        }
    }

    #[test]
    fn the_parts_of_an_identifier_are_found_beside_the_whole() {
        let chunk = document("", &[], "Set maxSurge to 1.");
        let weight = |text| chunk.get(query(text).terms[0].index);
        assert!(weight("maxSurge") > weight("surge"));
        assert!(weight("surge").is_some());
    }

    #[test]
    fn weights_saturate_and_longer_chunks_weigh_less() {
        let of =
            |text: &str| document("", &[], text).get(query("printer").terms[0].index).expect("it is there");
        let (once, often) = (of("printer"), of(&"printer ".repeat(500)));
        assert!(once < often && often < 2.0);
        assert!(of(&format!("printer {}", "paper ".repeat(300))) < once);
    }

    #[test]
    fn the_indices_of_a_text_are_those_of_its_vector() {
        for text in ["Set maxSurge to 1, please.", "Сменить пароль абонента", ""] {
            let found: std::collections::BTreeSet<u32> = indices(text).collect();
            let of_vector: std::collections::BTreeSet<u32> =
                document("", &[], text).iter().map(|(index, _)| index).collect();
            assert_eq!(found, of_vector, "{text}");
        }
    }

    #[test]
    fn text_without_indexed_words_has_an_empty_vector() {
        assert!(document("", &[], "").is_empty());
        assert!(document("", &[], "Who are you?").is_empty());
        assert!(query("Кто ты?").is_empty());
    }
}
