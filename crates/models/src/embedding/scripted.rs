//! An embedder that needs nobody: for tests, and for measuring the mechanism alone.
//!
//! A text's vector is made of its words, hashed, so that texts with common words are near each other. Of a few
//! words it knows that they mean the same ([`SYNONYMS`]): that is what a lexical search cannot know.
//!
//! It is written `<name>@<dims>`, and the beginning of the name says how it misbehaves: `away…` is never there,
//! `slow…` takes two seconds, `short…` gives vectors that lack a value. A text with the word `#refused` is refused, and
//! with it the whole call.

use std::str::FromStr;
use std::time::Duration;

use super::{Embedder, Embedding, Purpose};
use crate::ModelError;

/// What means the same; each word stands for the first of its row.
const SYNONYMS: &[&[&str]] =
    &[&["car", "automobile", "машина", "автомобиль"], &["physician", "doctor", "врач", "доктор"]];

/// Longer than any search waits for an embedder.
const SLOW: Duration = Duration::from_secs(2);

/// Letters that the forms of a word have in common.
const STEM: usize = 5;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scripted {
    identity: String,
    dims: usize,
}

impl FromStr for Scripted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let dims = text.rsplit_once('@').and_then(|(_, dims)| dims.parse().ok());
        match dims {
            Some(dims @ 2..=4096) => Ok(Self { identity: text.to_owned(), dims }),
            _ => Err(format!("{text:?} is not a name and from 2 to 4096 dimensions, such as words@64")),
        }
    }
}

impl Scripted {
    fn vector(&self, text: &str) -> Vec<f32> {
        let mut vector = vec![0.0; self.dims];
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 2) {
            let word = word.to_lowercase();
            let meaning =
                SYNONYMS.iter().find(|row| row.contains(&word.as_str())).map_or(&*word, |row| row[0]);
            let stem: String = meaning.chars().take(STEM).collect();
            let place = usize::try_from(fnv(&stem)).unwrap_or(usize::MAX) % self.dims;
            vector[place] += 1.0;
        }
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        match length {
            // No vector of nothing has a direction.
            0.0 => vector[0] = 1.0,
            length => vector.iter_mut().for_each(|value| *value /= length),
        }
        vector
    }
}

/// FNV-1a, 32 bits: the same on every machine.
fn fnv(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

impl Embedder for Scripted {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn dims(&self) -> usize {
        self.dims
    }

    fn batch(&self) -> usize {
        32
    }

    fn embed<'a>(&'a self, texts: &'a [String], _purpose: Purpose) -> Embedding<'a> {
        Box::pin(async move {
            if self.identity.starts_with("away") {
                return Err(ModelError::Unavailable("scripted embedder"));
            }
            if self.identity.starts_with("slow") {
                tokio::time::sleep(SLOW).await;
            }
            if texts.iter().any(|text| text.contains("#refused")) {
                return Err(ModelError::Rejected("the script says so".to_owned()));
            }
            let mut vectors: Vec<Vec<f32>> = texts.iter().map(|text| self.vector(text)).collect();
            if self.identity.starts_with("short") {
                for vector in &mut vectors {
                    vector.pop();
                }
            }
            Ok(vectors)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn cosine(one: &str, other: &str) -> f32 {
        let embedder: Scripted = "words@64".parse().expect("a name and a number");
        let texts = [one.to_owned(), other.to_owned()];
        let vectors = embedder.embed(&texts, Purpose::Query).await.expect("it needs nobody");
        vectors[0].iter().zip(&vectors[1]).map(|(one, other)| one * other).sum()
    }

    #[tokio::test]
    async fn what_means_the_same_is_near() {
        assert!(cosine("repair the car", "the automobile was repaired").await > 0.9);
        assert!(cosine("врач", "a doctor").await > 0.9);
        assert!(cosine("repair", "invoice").await < 0.1);
    }

    #[tokio::test]
    async fn it_misbehaves_as_its_name_says() {
        let of = |name: &str| name.parse::<Scripted>().expect("a name and a number");
        let texts = ["a word".to_owned()];
        let away = of("away@8").embed(&texts, Purpose::Query).await;
        assert_eq!(away, Err(ModelError::Unavailable("scripted embedder")));
        assert_eq!(of("short@8").embed(&texts, Purpose::Query).await.expect("vectors")[0].len(), 7);
        let refused = of("words@8").embed(&["#refused".to_owned()], Purpose::Passage).await;
        assert!(matches!(refused, Err(ModelError::Rejected(_))));
        assert!("words".parse::<Scripted>().is_err() && "words@1".parse::<Scripted>().is_err());
    }
}
