//! From which cosine on two sentences of one language say the same.
//!
//! What the sentences of a passage say is different, and of one topic: whoever says the same as one of them is nearer to it
//! than its nearest neighbour is. The cosine that 95 % of neighbours do not reach is taken. all-MiniLM: .73 on xquad en,
//! .84 on docheads en; of twelve paraphrases written by hand 4 and 1 reach it, of twelve other statements on the same
//! topics 1 and none. So it lifts little: rather a sentence too few than one that is not so.

use std::collections::HashMap;

use contract::Language;
use knowledge::sentences::sentences;
use store::passages::Passage;

use super::across::{SURE, quantile};
use super::probe::is_prose;
use crate::Vectors;
use crate::meaning::cosine;
use crate::vectors::VectorError;

/// Passages that are looked at, and sentences of each: as many as a comparison has before it, mostly; half as much again
/// as a fit embeds otherwise.
const PASSAGES: usize = 40;
const SENTENCES: usize = 12;

/// Fewer sentences say nothing.
const ENOUGH: usize = 60;

/// Below, nothing is sure, whatever the embedder; above, they are the same words.
pub(super) const LIMITS: (f32, f32) = (0.5, 0.97);

/// `None`: the sample says too little in this language.
///
/// # Errors
/// [`VectorError`].
pub(super) async fn within(
    vectors: &Vectors,
    embedder: &str,
    sample: &[Passage],
    language: Language,
) -> Result<Option<f32>, VectorError> {
    let passages: Vec<Vec<String>> = sample
        .iter()
        .map(|passage| spoken(&passage.text, language))
        .filter(|spoken| spoken.len() >= 3)
        .take(PASSAGES)
        .collect();
    let texts: Vec<String> = passages.concat();
    if texts.len() < ENOUGH {
        return Ok(None);
    }
    let vectors = vectors.of_questions(embedder, &texts).await?;
    let known: HashMap<&str, &Vec<f32>> = texts.iter().map(String::as_str).zip(&vectors).collect();
    let nearest = passages.iter().flat_map(|passage| {
        passage.iter().map(|one| {
            let others = passage.iter().filter(|other| *other != one);
            others.map(|other| cosine(known[one.as_str()], known[other.as_str()])).fold(f32::MIN, f32::max)
        })
    });
    Ok(quantile(nearest.collect(), SURE).map(|near| near.clamp(LIMITS.0, LIMITS.1)))
}

/// The first sentences of a text in this language, each once.
fn spoken(text: &str, language: Language) -> Vec<String> {
    let mut spoken: Vec<String> = Vec::new();
    for range in sentences(text) {
        let sentence = &text[range];
        let fits = is_prose(sentence) && Language::of(sentence) == language;
        if fits && spoken.len() < SENTENCES && !spoken.iter().any(|known| known == sentence) {
            spoken.push(sentence.to_owned());
        }
    }
    spoken
}
