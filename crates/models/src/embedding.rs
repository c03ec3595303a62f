//! The trait of what turns texts into vectors, and what holds for every vector.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use prometheus_client::metrics::counter::Counter;
use sha2::{Digest, Sha256};

use crate::{ModelError, tokens};

/// What a text is embedded for: many models want to be told, by a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Query,
    Passage,
}

/// Vectors under way, in the order of the texts.
pub type Embedding<'a> = Pin<Box<dyn Future<Output = Result<Vec<Vec<f32>>, ModelError>> + Send + 'a>>;

/// Turns texts into vectors.
pub trait Embedder: Debug + Send + Sync {
    /// What a generation remembers: `<model>@<dims>#<fingerprint>`. Vectors of different identities must not
    /// be compared.
    fn identity(&self) -> &str;

    /// Numbers in a vector.
    fn dims(&self) -> usize;

    /// Texts in one call, at the most. More are cut into several calls.
    fn batch(&self) -> usize;

    /// One vector a text, in their order: each of [`Self::dims`] finite numbers.
    ///
    /// # Errors
    /// [`ModelError`]; [`ModelError::Failed`] names both numbers when a dimension is not the configured one.
    fn embed<'a>(&'a self, texts: &'a [String], purpose: Purpose) -> Embedding<'a>;
}

/// How texts become what is sent, and answers become vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub dims: usize,
    /// Stands before every query, such as `query: `.
    pub query_prefix: String,
    /// Stands before every passage, such as `passage: `.
    pub passage_prefix: String,
    /// Vectors are brought to length 1.
    pub normalise: bool,
}

impl Shape {
    /// `<model>@<dims>#<fingerprint>`: eight hex digits of the SHA-256 of all that changes a vector beside the
    /// model. Not the address: the same model is the same model elsewhere.
    pub fn identity(&self, model: &str) -> String {
        let mut digest = Sha256::new();
        // Lengths, so that no two pairs of prefixes look the same.
        for prefix in [&self.query_prefix, &self.passage_prefix] {
            digest.update(prefix.len().to_le_bytes());
            digest.update(prefix.as_bytes());
        }
        digest.update([u8::from(self.normalise)]);
        let digest = digest.finalize();
        let fingerprint = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        format!("{model}@{}#{fingerprint:08x}", self.dims)
    }

    /// The texts as they are sent.
    pub(crate) fn prefixed(&self, texts: &[String], purpose: Purpose) -> Vec<String> {
        let prefix = match purpose {
            Purpose::Query => &self.query_prefix,
            Purpose::Passage => &self.passage_prefix,
        };
        texts.iter().map(|text| format!("{prefix}{text}")).collect()
    }

    /// Counts what a call cost: as the provider tells it, or else about.
    pub(crate) fn count(spent: &Counter, told: Option<u32>, texts: &[String]) {
        let about = || texts.iter().map(|text| tokens::estimate(text)).fold(0, u32::saturating_add);
        spent.inc_by(u64::from(told.filter(|told| *told > 0).unwrap_or_else(about)));
    }

    /// What came for `wanted` texts, checked and normalised.
    ///
    /// # Errors
    /// Another number of vectors, another dimension, something that is no number, or no direction.
    pub(crate) fn checked(
        &self,
        mut vectors: Vec<Vec<f32>>,
        wanted: usize,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        if vectors.len() != wanted {
            let came = vectors.len();
            return Err(ModelError::Failed(format!("{came} vectors came for {wanted} texts")));
        }
        for vector in &mut vectors {
            if vector.len() != self.dims {
                let (came, dims) = (vector.len(), self.dims);
                let text = format!("a vector of {came} dimensions came, {dims} are configured");
                return Err(ModelError::Misfit(text));
            }
            if !vector.iter().all(|number| number.is_finite()) {
                return Err(ModelError::Failed("a vector holds something that is no number".to_owned()));
            }
            if vector.iter().all(|number| *number == 0.0) {
                return Err(ModelError::Failed("a vector of nothing but zeros came".to_owned()));
            }
            if self.normalise {
                normalise(vector);
            }
        }
        Ok(vectors)
    }
}

/// To length 1. Not for a vector of zeros.
fn normalise(vector: &mut [f32]) {
    // In f64: the squares of large numbers would overflow.
    let length = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    for number in vector {
        #[expect(clippy::cast_possible_truncation, reason = "at most 1")]
        let scaled = (f64::from(*number) / length) as f32;
        *number = scaled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(normalise: bool) -> Shape {
        let (query_prefix, passage_prefix) = ("query: ".to_owned(), "passage: ".to_owned());
        Shape { dims: 2, query_prefix, passage_prefix, normalise }
    }

    #[test]
    fn the_identity_follows_from_everything_that_changes_a_vector() {
        let identity = shape(true).identity("e5");
        assert!(identity.starts_with("e5@2#") && identity.len() == "e5@2#".len() + 8, "{identity}");
        assert_eq!(identity, shape(true).identity("e5"));
        let moved = Shape {
            query_prefix: "query: p".to_owned(),
            passage_prefix: "assage: ".to_owned(),
            ..shape(true)
        };
        for other in [shape(false).identity("e5"), moved.identity("e5"), shape(true).identity("bge")] {
            assert_ne!(identity, other);
        }
    }

    #[test]
    fn wrong_vectors_are_told_with_both_numbers() {
        let short = shape(true).checked(vec![vec![1.0]], 1).expect_err("one is missing").to_string();
        assert!(short.contains("1 dimensions") && short.contains('2'), "{short}");
        assert!(shape(true).checked(vec![vec![f32::NAN, 1.0]], 1).is_err());
        let few = shape(true).checked(Vec::new(), 3).expect_err("none came").to_string();
        assert!(few.contains("0 vectors") && few.contains("3 texts"), "{few}");
    }

    #[test]
    fn vectors_are_brought_to_length_one_where_that_is_wanted() {
        assert_eq!(shape(true).checked(vec![vec![3.0, 4.0]], 1), Ok(vec![vec![0.6, 0.8]]));
        assert_eq!(shape(false).checked(vec![vec![3.0, 4.0]], 1), Ok(vec![vec![3.0, 4.0]]));
        let large = shape(true).checked(vec![vec![f32::MAX, 0.0]], 1);
        assert_eq!(large, Ok(vec![vec![1.0, 0.0]]));
        assert!(shape(true).checked(vec![vec![0.0, 0.0]], 1).is_err(), "it has no direction");
    }
}
