//! An embedder that needs no server: words are hashed into dimensions. For tests, and useless for search by
//! meaning: texts are near each other as far as they share words, or ones of a few that mean the same ([`SYNONYMS`]).
//!
//! The beginning of its model's name says how it misbehaves: `away…` is never there, `slow…` takes two seconds, `short…`
//! gives vectors that lack a number, `shrinks…` does so from its second call on. A text with the word `#refused` is
//! refused, and with it the whole call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::embedding::{Embedding, Shape};
use crate::{Embedder, ModelError, Purpose};

/// What means the same; each word stands for the first of its row.
const SYNONYMS: &[&[&str]] =
    &[&["car", "automobile", "машина", "автомобиль"], &["physician", "doctor", "врач", "доктор"]];

/// Longer than any search waits for an embedder.
const SLOW: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct ScriptedEmbedder {
    identity: String,
    shape: Shape,
    batch: usize,
    called: AtomicBool,
}

impl ScriptedEmbedder {
    /// `model` is a name only: two of them differ in nothing but their identity.
    pub fn new(model: &str, shape: Shape, batch: usize) -> Self {
        Self { identity: shape.identity(model), shape, batch, called: AtomicBool::new(false) }
    }

    /// Each word adds 1 to one dimension: two that fall into the same one never cancel each other out. The prefix is no word of its own: queries find their passages.
    fn vector(&self, text: &str) -> Vec<f32> {
        let mut vector = vec![0.0; self.shape.dims];
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        for word in words {
            let word = word.to_lowercase();
            let meaning =
                SYNONYMS.iter().find(|row| row.contains(&word.as_str())).map_or(&*word, |row| row[0]);
            let digest = Sha256::digest(meaning.as_bytes());
            let at = usize::from(digest[0]) << 8 | usize::from(digest[1]);
            let dims = vector.len();
            vector[at % dims] += 1.0;
        }
        if vector.iter().all(|number| *number == 0.0) {
            // A text without words has to lie somewhere.
            vector[0] = 1.0;
        }
        vector
    }
}

impl Embedder for ScriptedEmbedder {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn dims(&self) -> usize {
        self.shape.dims
    }

    fn batch(&self) -> usize {
        self.batch
    }

    fn embed<'a>(&'a self, texts: &'a [String], _: Purpose) -> Embedding<'a> {
        Box::pin(async move {
            if self.identity.starts_with("away") {
                return Err(ModelError::unavailable("the script says so"));
            }
            if self.identity.starts_with("slow") {
                tokio::time::sleep(SLOW).await;
            }
            if texts.iter().any(|text| text.contains("#refused")) {
                return Err(ModelError::Rejected("the script says so".to_owned()));
            }
            let mut vectors: Vec<Vec<f32>> = texts.iter().map(|text| self.vector(text)).collect();
            let again = self.called.swap(true, Ordering::SeqCst);
            if self.identity.starts_with("short") || (again && self.identity.starts_with("shrinks")) {
                for vector in &mut vectors {
                    vector.pop();
                }
            }
            self.shape.checked(vectors, texts.len())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn texts_are_near_each_other_as_far_as_they_share_words() {
        let none = String::new;
        let shape = Shape { dims: 256, query_prefix: none(), passage_prefix: none(), normalise: true };
        let embedder = ScriptedEmbedder::new("words", shape, 8);
        let texts = ["как оплатить счёт", "Оплатить счёт: как?", "как удалить профиль"].map(str::to_owned);
        let vectors = embedder.embed(&texts, Purpose::Query).await.expect("it needs nothing");
        let near = |one: usize, other: usize| -> f32 {
            vectors[one].iter().zip(&vectors[other]).map(|(one, other)| one * other).sum()
        };
        assert!((near(0, 1) - 1.0).abs() < 1e-6 && near(0, 2) < 0.9, "{} {}", near(0, 1), near(0, 2));
    }
}
