//! Searches, and the probes that tell the IDF of a term.
//!
//! Qdrant multiplies the IDF into the score and never returns it. A query of a single term with weight 1
//! scores its best point `idf × the term's weight in that point`; the point's own vector has the weight, so
//! the quotient is the IDF. One probe a term, all in one call, and in the same call as the search.

use qdrant_client::qdrant::with_vectors_selector::SelectorOptions;
use qdrant_client::qdrant::{
    Query, QueryBatchPointsBuilder, QueryPoints, QueryPointsBuilder, ScoredPoint, VectorInput, VectorOutput,
    VectorsSelector, vector_output, vectors_output,
};
use uuid::Uuid;

use super::{DENSE, Index, IndexError, VECTOR, points};
use crate::Sparse;

/// A point that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    pub id: Uuid,
    /// Of a lexical search: Σ over the common terms of query weight × IDF × document weight. Of a dense one: the
    /// cosine, −1 to 1.
    pub score: f32,
}

/// What to search for: by words, by meaning, or by both in one call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Hits by words at the most.
    pub limit: u32,
    /// Without terms: no search by words.
    pub sparse: Option<&'a Sparse>,
    /// Nearest points at the most.
    pub nearest: u32,
    /// In the collection of a generation with an embedder.
    pub dense: Option<&'a [f32]>,
}

impl<'a> Wanted<'a> {
    /// By words alone.
    pub const fn lexical(sparse: &'a Sparse, limit: u32) -> Self {
        Self { limit, sparse: Some(sparse), nearest: 0, dense: None }
    }
}

/// What a probe learnt of a term that occurs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    /// The best score a query of this term alone, with weight 1, can have.
    pub score: f32,
    /// The term's weight in the point that has it.
    pub weight: f32,
}

impl Probe {
    /// ln(1 + (N − n + ½) / (n + ½)), as the engine computed it.
    pub fn idf(self) -> f32 {
        if self.weight > 0.0 { self.score / self.weight } else { 0.0 }
    }
}

/// A search and the probes that went with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    pub hits: Vec<Hit>,
    /// Of the dense search, best first; empty without one.
    pub dense: Vec<Hit>,
    /// In the order of the terms asked for; `None` is a term in no point.
    pub probes: Vec<Option<Probe>>,
}

impl Index {
    /// The best points, best first. A query without terms finds nothing.
    ///
    /// # Errors
    /// [`IndexError`]
    pub async fn search(&self, collection: &str, query: &Sparse, limit: u32) -> Result<Vec<Hit>, IndexError> {
        Ok(self.search_with_probes(collection, Wanted::lexical(query, limit), &[]).await?.hits)
    }

    /// Several searches in one call; results in the order of the queries.
    ///
    /// # Errors
    /// [`IndexError`]
    pub async fn search_many(
        &self,
        collection: &str,
        queries: &[Sparse],
        limit: u32,
    ) -> Result<Vec<Vec<Hit>>, IndexError> {
        let asked = queries.iter().filter(|query| !query.is_empty());
        let asked = asked.map(|query| ranking(collection, query, limit)).collect();
        let mut answers = self.batch(collection, asked).await?.into_iter();
        queries
            .iter()
            .map(|query| if query.is_empty() { Ok(Vec::new()) } else { hits(answers.next()) })
            .collect()
    }

    /// What is known of terms, in their order; `None` is a term in no point.
    ///
    /// # Errors
    /// [`IndexError`]
    pub async fn probe(&self, collection: &str, terms: &[u32]) -> Result<Vec<Option<Probe>>, IndexError> {
        Ok(self.search_with_probes(collection, Wanted::default(), terms).await?.probes)
    }

    /// Searches and probes in one call.
    ///
    /// # Errors
    /// [`IndexError`]
    pub async fn search_with_probes(
        &self,
        collection: &str,
        wanted: Wanted<'_>,
        unknown: &[u32],
    ) -> Result<Probed, IndexError> {
        let sparse = wanted.sparse.filter(|query| !query.is_empty() && wanted.limit > 0);
        let dense = wanted.dense.filter(|_| wanted.nearest > 0);
        let mut asked = Vec::with_capacity(2 + unknown.len());
        asked.extend(sparse.map(|query| ranking(collection, query, wanted.limit)));
        asked.extend(dense.map(|vector| nearest(collection, vector, wanted.nearest)));
        asked.extend(unknown.iter().map(|&term| probing(collection, term)));
        let mut answers = self.batch(collection, asked).await?.into_iter();
        let lexical = if sparse.is_some() { hits(answers.next())? } else { Vec::new() };
        let dense = if dense.is_some() { hits(answers.next())? } else { Vec::new() };
        let probes = unknown
            .iter()
            .map(|&term| {
                let found = answers.next().ok_or_else(too_few)?;
                Ok(found.into_iter().next().and_then(|point| learnt(point, term)))
            })
            .collect::<Result<_, IndexError>>()?;
        Ok(Probed { hits: lexical, dense, probes })
    }

    async fn batch(
        &self,
        collection: &str,
        asked: Vec<QueryPoints>,
    ) -> Result<Vec<Vec<ScoredPoint>>, IndexError> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let request = QueryBatchPointsBuilder::new(collection, asked);
        let answer = self.read(collection, self.reader.query_batch(request)).await?;
        Ok(answer.result.into_iter().map(|batch| batch.result).collect())
    }
}

/// Ids and scores only.
fn ranking(collection: &str, query: &Sparse, limit: u32) -> QueryPoints {
    let vector = VectorInput::new_sparse(query.indices.clone(), query.values.clone());
    QueryPointsBuilder::new(collection)
        .query(Query::new_nearest(vector))
        .using(VECTOR)
        .limit(u64::from(limit))
        .with_payload(false)
        .with_vectors(false)
        .build()
}

/// The same by the dense vector.
fn nearest(collection: &str, vector: &[f32], limit: u32) -> QueryPoints {
    QueryPointsBuilder::new(collection)
        .query(Query::new_nearest(VectorInput::new_dense(vector.to_vec())))
        .using(DENSE)
        .limit(u64::from(limit))
        .with_payload(false)
        .with_vectors(false)
        .build()
}

/// The best point of one term, with its vector.
fn probing(collection: &str, term: u32) -> QueryPoints {
    QueryPointsBuilder::new(collection)
        .query(Query::new_nearest(VectorInput::new_sparse(vec![term], vec![1.0])))
        .using(VECTOR)
        .limit(1)
        .with_payload(false)
        .with_vectors(SelectorOptions::from(VectorsSelector { names: vec![VECTOR.to_owned()] }))
        .build()
}

fn hits(found: Option<Vec<ScoredPoint>>) -> Result<Vec<Hit>, IndexError> {
    let found = found.ok_or_else(too_few)?;
    found.into_iter().map(|point| Ok(Hit { id: points::uuid(point.id)?, score: point.score })).collect()
}

fn learnt(point: ScoredPoint, term: u32) -> Option<Probe> {
    let output = match point.vectors?.vectors_options? {
        vectors_output::VectorsOptions::Vectors(mut named) => named.vectors.remove(VECTOR)?,
        vectors_output::VectorsOptions::Vector(output) => output,
    };
    let sparse = sparse(output)?;
    let position = sparse.indices.iter().position(|&index| index == term)?;
    Some(Probe { score: point.score, weight: *sparse.values.get(position)? })
}

/// From the field of servers since 1.16, or from the two before it.
fn sparse(output: VectorOutput) -> Option<Sparse> {
    if let Some(vector_output::Vector::Sparse(vector)) = output.vector {
        return Some(Sparse { indices: vector.indices, values: vector.values });
    }
    #[expect(deprecated, reason = "servers before 1.16 answer in these fields only")]
    Some(Sparse { indices: output.indices?.data, values: output.data })
}

fn too_few() -> IndexError {
    IndexError::Refused("fewer results than queries".to_owned())
}

#[cfg(test)]
mod tests {
    use qdrant_client::qdrant::{NamedVectorsOutput, SparseVector, VectorsOutput};

    use super::*;

    fn scored(score: f32, indices: Vec<u32>, values: Vec<f32>) -> ScoredPoint {
        let vector = Some(vector_output::Vector::Sparse(SparseVector { values, indices }));
        let output = VectorOutput { vector, ..VectorOutput::default() };
        let named = NamedVectorsOutput { vectors: [(VECTOR.to_owned(), output)].into() };
        let options = Some(vectors_output::VectorsOptions::Vectors(named));
        ScoredPoint { score, vectors: Some(VectorsOutput { vectors_options: options }), ..Default::default() }
    }

    #[test]
    fn the_idf_is_the_score_over_the_weight_of_the_probed_term() {
        let probe = learnt(scored(6.0, vec![2, 9], vec![0.5, 1.5]), 9).expect("occurs");
        assert!((probe.idf() - 4.0).abs() < 1e-6);
    }

    #[test]
    fn a_probe_that_finds_a_point_without_the_term_learns_nothing() {
        assert_eq!(learnt(scored(0.0, vec![2], vec![0.5]), 9), None);
    }
}
