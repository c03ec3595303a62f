//! The final order: near-duplicates are dropped, neighbours become one passage.
//!
//! Pure, and generic over where a text comes from: search ranks what the ledger shows, the evaluation what it read
//! from a file, with the same code.

use contract::{ChunkId, DocumentId};

/// A visible hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate<'a> {
    pub(crate) chunk: ChunkId,
    pub(crate) document: DocumentId,
    /// Of the chunk in its document.
    pub(crate) position: i32,
    /// The headings above it: neighbours of another section are another passage, with a citation of its own.
    pub(crate) heading: &'a [String],
    pub(crate) score: f32,
    pub(crate) text: &'a str,
    /// [`fingerprint`] of the text.
    pub(crate) fingerprint: u64,
}

/// A passage: chunks that follow one another, with the score of the best.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Merged {
    /// Which candidate is the best of it.
    pub(crate) best: usize,
    /// All of it, in the document's order.
    pub(crate) members: Vec<usize>,
    pub(crate) score: f32,
}

/// Characters of a passage at the most, when neighbours are merged: three chunks of the usual size. Longer ones would
/// crowd the others out of an answer.
const LONGEST: usize = 2400;

/// How much lower than its neighbour's a chunk's score may be for it to join: otherwise everything beside a good hit
/// would come along.
const KINDRED: f32 = 0.5;

/// Orders candidates (best first, as the index does) into at most `limit` passages.
pub(crate) fn rank(candidates: &[Candidate<'_>], limit: usize) -> Vec<Merged> {
    let mut taken = vec![false; candidates.len()];
    let mut texts = std::collections::HashSet::new();
    let mut ranked = Vec::new();
    for best in 0..candidates.len() {
        if ranked.len() == limit {
            break;
        }
        if taken[best] {
            continue;
        }
        taken[best] = true;
        if !texts.insert(candidates[best].fingerprint) {
            continue;
        }
        let members = neighbours(candidates, &mut taken, best);
        ranked.push(Merged { best, members, score: candidates[best].score });
    }
    ranked
}

/// The chunks around `best` that were found too, in the document's order.
fn neighbours(candidates: &[Candidate<'_>], taken: &mut [bool], best: usize) -> Vec<usize> {
    let home = &candidates[best];
    let mut length = home.text.len();
    let mut members = vec![best];
    for step in [-1, 1] {
        let mut position = home.position + step;
        while let Some(next) = (0..candidates.len()).find(|n| {
            let other = &candidates[*n];
            !taken[*n]
                && other.document == home.document
                && other.heading == home.heading
                && other.position == position
                && other.score >= home.score * KINDRED
        }) {
            length += candidates[next].text.len();
            if length > LONGEST {
                break;
            }
            taken[next] = true;
            members.push(next);
            position += step;
        }
    }
    members.sort_by_key(|n| candidates[*n].position);
    members
}

/// Equal for texts that differ in spaces, punctuation and case only: the same article under two paths.
pub(crate) fn fingerprint(text: &str) -> u64 {
    // FNV-1a, a character at a time.
    let mix = |hash: u64, letter: char| (hash ^ u64::from(letter)).wrapping_mul(0x0100_0000_01b3);
    text.chars().fold(0xcbf2_9ce4_8422_2325, |hash, letter| match letter {
        '\0'..='\x7f' if !letter.is_ascii_alphanumeric() => hash,
        '\0'..='\x7f' => mix(hash, letter.to_ascii_lowercase()),
        'а'..='я' => mix(hash, letter),
        _ if !letter.is_alphanumeric() => hash,
        _ => letter.to_lowercase().fold(hash, mix),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(document: u128, position: i32, score: f32, text: &str) -> Candidate<'_> {
        Candidate {
            chunk: ChunkId::new(),
            document: DocumentId(uuid::Uuid::from_u128(document)),
            position,
            heading: &[],
            score,
            text,
            fingerprint: fingerprint(text),
        }
    }

    #[test]
    fn neighbours_become_one_passage_in_the_order_of_the_document() {
        let found = [candidate(1, 4, 9.0, "b"), candidate(2, 1, 8.0, "x"), candidate(1, 3, 7.0, "a")];
        let ranked = rank(&found, 10);
        assert_eq!(ranked.len(), 2);
        assert_eq!(ranked[0].members, [2, 0]);
        assert_eq!(ranked[1].members, [1]);
    }

    #[test]
    fn a_neighbour_of_another_section_is_another_passage() {
        let heading = ["Afterwards".to_owned()];
        let other = Candidate { heading: &heading, ..candidate(1, 1, 8.0, "b") };
        assert_eq!(rank(&[candidate(1, 0, 9.0, "a"), other], 10).len(), 2);
    }

    #[test]
    fn the_same_text_under_two_paths_is_shown_once() {
        let found = [candidate(1, 0, 9.0, "Reset it."), candidate(2, 0, 8.0, "reset  it")];
        assert_eq!(rank(&found, 10).len(), 1);
    }

    #[test]
    fn a_weak_neighbour_stays_away() {
        let found = [candidate(1, 0, 9.0, "a"), candidate(1, 1, 1.0, "b")];
        assert_eq!(rank(&found, 1)[0].members, [0]);
    }
}
