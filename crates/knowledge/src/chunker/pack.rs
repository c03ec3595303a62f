//! Pieces packed into the texts of chunks.

use super::piece::{CODE, Piece};

/// Characters a chunk aims at. Sections of documentation are short, so a chunk has about 600 in the middle.
///
/// Measured by sections of documentation found by their headings (`docheads`), reranked nDCG@10 en / ru, and
/// the chunks made of the 4,924 sections: never cut 62.1 / 65.3; 1,100 (at most 1,800) 61.9 / 64.5, 6,464;
/// **1,000 (1,600) 61.7 / 64.5, 6,807**; 900 (1,500) 61.6 / 64.0, 7,155; 700 (1,200) 61.0 / 63.4, 8,279.
/// Encyclopaedias do not notice. Larger ones still would show people and models more than they asked for.
pub(super) const TARGET: usize = 1_000;

/// Characters a chunk of prose, items or rows may have rather than being cut.
pub(super) const MAX: usize = 1_600;

/// A chunk below this many characters takes or joins its neighbour of the same section, when both fit into
/// [`MAX`]: two sentences alone are rarely an answer.
const SMALL: usize = 250;

/// The texts of chunks, each at most [`MAX`] characters, or [`CODE`] and its introduction where code is. A
/// section that fits into one chunk is one.
pub(super) fn packed(pieces: Vec<Piece>) -> Vec<String> {
    if pieces.iter().map(|piece| piece.chars + 2).sum::<usize>() <= MAX {
        let whole = pieces.into_iter().map(Pack::of).reduce(|whole, next| whole.with(&next));
        return whole.into_iter().map(|whole| whole.text).collect();
    }
    let mut packs: Vec<Pack> = Vec::new();
    let mut leading: Option<Pack> = None;
    for piece in pieces {
        let leads = piece.leads && piece.chars <= SMALL;
        let atom = match leading.take() {
            Some(lead) if lead.chars + piece.chars <= MAX.max(CODE) => lead.with(&Pack::of(piece)),
            Some(lead) => {
                packs.push(lead);
                Pack::of(piece)
            }
            None => Pack::of(piece),
        };
        if leads && atom.chars <= MAX {
            leading = Some(atom);
            continue;
        }
        match packs.last_mut() {
            Some(last) if last.takes(&atom) => {
                *last = std::mem::take(last).with(&atom);
            }
            _ => packs.push(atom),
        }
    }
    packs.extend(leading);
    join_small_tail(&mut packs);
    packs.into_iter().map(|pack| pack.text).collect()
}

#[derive(Default)]
struct Pack {
    text: String,
    chars: usize,
    gap: &'static str,
}

impl Pack {
    fn of(piece: Piece) -> Self {
        Self { text: piece.text, chars: piece.chars, gap: piece.gap }
    }

    fn with(mut self, next: &Self) -> Self {
        self.text.push_str(next.gap);
        self.text.push_str(&next.text);
        self.chars += next.gap.len() + next.chars;
        self
    }

    fn takes(&self, next: &Self) -> bool {
        let sum = self.chars + next.chars + 2;
        sum <= TARGET || (sum <= MAX && (self.chars < SMALL || next.chars < SMALL / 2))
    }
}

/// The last chunk of a section is what was left over.
fn join_small_tail(packs: &mut Vec<Pack>) {
    let [.., before, last] = packs.as_slice() else { return };
    if last.chars < SMALL
        && before.chars + last.chars + 2 <= MAX
        && let (Some(last), Some(before)) = (packs.pop(), packs.pop())
    {
        packs.push(before.with(&last));
    }
}
