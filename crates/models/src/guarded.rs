//! An embedder with a guard: batches, slots, breaker, repeats and the total time.

use crate::embedding::Embedding;
use crate::guard::Guard;
use crate::{Embedder, Purpose};

#[derive(Debug)]
pub(crate) struct Guarded<E> {
    pub(crate) embedder: E,
    pub(crate) guard: Guard,
}

impl<E: Embedder> Embedder for Guarded<E> {
    fn identity(&self) -> &str {
        self.embedder.identity()
    }

    fn dims(&self) -> usize {
        self.embedder.dims()
    }

    fn batch(&self) -> usize {
        self.embedder.batch()
    }

    fn embed<'a>(&'a self, texts: &'a [String], purpose: Purpose) -> Embedding<'a> {
        Box::pin(async move {
            let mut vectors = Vec::with_capacity(texts.len());
            for batch in texts.chunks(self.batch()) {
                vectors.extend(self.guard.call(|| true, || self.embedder.embed(batch, purpose)).await?);
            }
            Ok(vectors)
        })
    }
}
