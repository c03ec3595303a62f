//! From a folded word to the indices of its terms, remembered a thread: texts repeat their words, and
//! stemming costs more than everything else here together.

use std::cell::RefCell;

use super::{murmur, recipe, stem::stem, words::is_function_word};

/// The indices of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    /// Of its stem.
    pub(super) stem: u32,
    /// Of its first letters, when it is long enough to have them.
    pub(super) prefix: Option<u32>,
}

/// Words remembered, a power of two. At some 60 bytes each: half a megabyte for each thread that analyses.
const REMEMBERED: usize = 8192;

#[derive(Default, Clone)]
struct Slot {
    word: String,
    terms: Option<Terms>,
}

thread_local! {
    static KNOWN: RefCell<Vec<Slot>> = RefCell::new(vec![Slot::default(); REMEMBERED]);
}

/// The terms of a folded word; none when it is a word that is not indexed.
pub(super) fn terms(word: &str) -> Option<Terms> {
    // Rare words are long, and would push out what is worth remembering.
    if word.len() > 64 {
        return derive(word);
    }
    KNOWN.with_borrow_mut(|known| {
        let slot = &mut known[position(word)];
        if slot.word != word {
            slot.terms = derive(word);
            slot.word.clear();
            slot.word.push_str(word);
        }
        slot.terms
    })
}

/// Where a word is remembered: `FxHash` of its bytes, its high bits.
fn position(word: &str) -> usize {
    const FACTOR: u64 = 0x517c_c1b7_2722_0a95;
    let mut hash = 0u64;
    for block in word.as_bytes().chunks(8) {
        let mut bytes = [0; 8];
        bytes[..block.len()].copy_from_slice(block);
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(bytes)).wrapping_mul(FACTOR);
    }
    usize::try_from(hash >> (64 - REMEMBERED.ilog2())).unwrap_or(0)
}

fn derive(word: &str) -> Option<Terms> {
    if is_function_word(word) {
        return None;
    }
    let length = if word.is_ascii() { recipe::PREFIX_ASCII } else { recipe::PREFIX_OTHER };
    let prefix = (word.chars().nth(recipe::PREFIX_FROM - 1).is_some()).then(|| {
        let end = word.char_indices().nth(length).map_or(word.len(), |(end, _)| end);
        let mut marked = Vec::with_capacity(end + 1);
        marked.push(recipe::PREFIX_MARK);
        marked.extend_from_slice(&word.as_bytes()[..end]);
        murmur::index(&marked)
    });
    Some(Terms { stem: murmur::index(stem(word).as_bytes()), prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_what_is_derived() {
        for word in ["the", "пароль", "password", "ab", "api", "пароль", "the", "password"] {
            assert_eq!(terms(word), derive(word), "{word}");
        }
    }

    #[test]
    fn words_of_one_family_share_their_prefix() {
        let (person, paper) = (derive("абонент").expect("a word"), derive("абонемент").expect("a word"));
        assert_ne!(person.stem, paper.stem);
        assert_eq!(person.prefix, paper.prefix);
    }

    #[test]
    fn a_prefix_is_not_a_word() {
        let abon = derive("abono").expect("a word");
        assert_ne!(Some(abon.stem), abon.prefix);
        assert_eq!(derive("ab").expect("a word").prefix, None);
    }
}
