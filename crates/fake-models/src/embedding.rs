//! A text as a vector: its words, hashed. Related texts share words and so are near; nothing is learnt.

/// The hashing trick (Weinberger et al., 2009): each lower-cased word adds one to the place and with the sign
/// that its hash says, and so do its first four letters, so that forms of one word (`настройка`,
/// `настройки`) are near too. A text without words gets a place by its own hash. Not normalised. The same in
/// every run and on every machine.
///
/// # Panics
/// When the dimension is zero.
pub fn bag_of_words(text: &str, dimension: usize) -> Vec<f32> {
    let mut vector = vec![0.0; dimension];
    let lower = text.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    for word in words {
        add(&mut vector, word);
        let stem = word.char_indices().nth(4).map_or(word, |(end, _)| &word[..end]);
        add(&mut vector, &format!("{stem}…"));
    }
    if vector.iter().all(|number| *number == 0.0) {
        add(&mut vector, text);
    }
    vector
}

fn add(vector: &mut [f32], feature: &str) {
    let hash = hash(feature);
    let place = usize::try_from(hash >> 1).unwrap_or_default() % vector.len();
    vector[place] += if hash & 1 == 0 { 1.0 } else { -1.0 };
}

/// FNV-1a with the finaliser of `SplitMix64`: FNV's low bits alone are too much like the last letter.
fn hash(feature: &str) -> u64 {
    let mut hash = feature.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// To the length one; a vector without a direction stays as it is.
pub(super) fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        for number in vector {
            *number /= length;
        }
    }
}
