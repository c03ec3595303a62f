//! `murmur3_32`, seed 0: how a term becomes a number, the same as Qdrant's own sparse models and `FastEmbed`
//! do it.

const C1: u32 = 0xcc9e_2d51;
const C2: u32 = 0x1b87_3593;

/// Austin Appleby's `MurmurHash3_x86_32` with seed 0 (public domain, <https://github.com/aappleby/smhasher>).
pub(super) fn murmur3_32(bytes: &[u8]) -> u32 {
    let mut hash = 0u32;
    let mut blocks = bytes.chunks_exact(4);
    for block in &mut blocks {
        let word = u32::from_le_bytes([block[0], block[1], block[2], block[3]]);
        hash ^= scramble(word);
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let tail = blocks.remainder().iter().rev().fold(0u32, |word, &byte| (word << 8) | u32::from(byte));
    if !blocks.remainder().is_empty() {
        hash ^= scramble(tail);
    }
    // The algorithm counts lengths in 32 bits.
    #[allow(clippy::cast_possible_truncation)]
    let length = bytes.len() as u32;
    hash ^= length;
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

fn scramble(word: u32) -> u32 {
    word.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2)
}

/// The index of a term: the absolute value of the hash taken as signed, as `FastEmbed` numbers terms.
pub(super) fn index(term: &[u8]) -> u32 {
    murmur3_32(term).cast_signed().unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_agrees_with_published_vectors() {
        for (text, hash) in [
            ("", 0),
            ("test", 0xba6b_d213),
            ("Hello, world!", 0xc036_3e43),
            ("The quick brown fox jumps over the lazy dog", 0x2e4f_f723),
            ("abc", 0xb3dd_93fa),
        ] {
            assert_eq!(murmur3_32(text.as_bytes()), hash, "{text}");
        }
    }
}
