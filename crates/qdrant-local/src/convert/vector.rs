//! Vectors: dense and sparse, in the form of before 1.16 (data, indices) and the one since.

use std::collections::HashMap;

use qdrant_client::qdrant::{
    DenseVector, NamedVectors, NamedVectorsOutput, SparseVector as ProtoSparse, Vector, VectorOutput,
    Vectors, VectorsOutput, WithVectorsSelector, vector, vector_output, vectors, vectors_output,
    with_vectors_selector::SelectorOptions,
};
use qdrant_edge::{SparseVector, VectorInternal, VectorPersisted, VectorStructInternal, WithVector};

use crate::error::Refusal;

/// The name of the one vector of a point that has no names.
pub(crate) const UNNAMED: &str = "";

/// The vectors of a point that comes in, by name.
pub(crate) fn named(vectors: Option<Vectors>) -> Result<HashMap<String, VectorPersisted>, Refusal> {
    match vectors.and_then(|vectors| vectors.vectors_options) {
        None => Ok(HashMap::new()),
        Some(vectors::VectorsOptions::Vector(vector)) => {
            Ok(HashMap::from([(UNNAMED.to_owned(), one(vector)?)]))
        }
        Some(vectors::VectorsOptions::Vectors(NamedVectors { vectors })) => {
            vectors.into_iter().map(|(name, vector)| Ok((name, one(vector)?))).collect()
        }
    }
}

#[expect(deprecated, reason = "clients of before 1.16 fill only the old fields")]
fn one(vector: Vector) -> Result<VectorPersisted, Refusal> {
    match vector.vector {
        Some(vector::Vector::Dense(DenseVector { data })) => Ok(VectorPersisted::Dense(data)),
        Some(vector::Vector::Sparse(ProtoSparse { values, indices })) => {
            Ok(VectorPersisted::Sparse(sparse(indices, values)?))
        }
        Some(vector::Vector::MultiDense(_)) => Err(Refusal::Unsupported("a multi-vector")),
        Some(_) => Err(Refusal::Unsupported("inference")),
        None if vector.vectors_count.is_some() => Err(Refusal::Unsupported("a multi-vector")),
        None => match vector.indices {
            Some(indices) => Ok(VectorPersisted::Sparse(sparse(indices.data, vector.data)?)),
            None => Ok(VectorPersisted::Dense(vector.data)),
        },
    }
}

/// A sparse vector with its indices in order, as Edge wants them.
///
/// # Errors
/// As Qdrant: lengths that differ, and an index twice.
pub(crate) fn sparse(indices: Vec<u32>, values: Vec<f32>) -> Result<SparseVector, Refusal> {
    if indices.len() != values.len() {
        return Err(Refusal::field("values", "must be the same length as indices"));
    }
    if indices.is_sorted_by(|left, right| left < right) {
        return Ok(SparseVector { indices, values });
    }
    let mut pairs: Vec<(u32, f32)> = indices.into_iter().zip(values).collect();
    pairs.sort_unstable_by_key(|(index, _)| *index);
    if pairs.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(Refusal::field("indices", "must be unique"));
    }
    let (indices, values) = pairs.into_iter().unzip();
    Ok(SparseVector { indices, values })
}

pub(crate) fn to_proto_vectors(vectors: VectorStructInternal) -> VectorsOutput {
    let options = match vectors {
        VectorStructInternal::Single(data) => {
            vectors_output::VectorsOptions::Vector(output(vector_output::Vector::Dense(DenseVector { data })))
        }
        VectorStructInternal::Named(mut vectors) if vectors.len() == 1 && vectors.contains_key(UNNAMED) => {
            let vector = vectors.remove(UNNAMED).and_then(to_proto_vector).unwrap_or_default();
            vectors_output::VectorsOptions::Vector(vector)
        }
        VectorStructInternal::Named(vectors) => {
            let vectors = vectors
                .into_iter()
                .filter_map(|(name, vector)| to_proto_vector(vector).map(|vector| (name, vector)))
                .collect();
            vectors_output::VectorsOptions::Vectors(NamedVectorsOutput { vectors })
        }
        // Multi-vectors cannot be written here.
        VectorStructInternal::MultiDense(_) => {
            vectors_output::VectorsOptions::Vectors(NamedVectorsOutput::default())
        }
    };
    VectorsOutput { vectors_options: Some(options) }
}

fn to_proto_vector(vector: VectorInternal) -> Option<VectorOutput> {
    match vector {
        VectorInternal::Dense(data) => Some(output(vector_output::Vector::Dense(DenseVector { data }))),
        VectorInternal::Sparse(SparseVector { indices, values }) => {
            Some(output(vector_output::Vector::Sparse(ProtoSparse { values, indices })))
        }
        VectorInternal::MultiDense(_) => None,
    }
}

fn output(vector: vector_output::Vector) -> VectorOutput {
    VectorOutput { vector: Some(vector), ..VectorOutput::default() }
}

/// Which vectors an answer holds; none unless asked.
pub(crate) fn with_vectors(selector: Option<WithVectorsSelector>) -> WithVector {
    match selector.and_then(|selector| selector.selector_options) {
        None => WithVector::Bool(false),
        Some(SelectorOptions::Enable(enable)) => WithVector::Bool(enable),
        Some(SelectorOptions::Include(names)) => WithVector::Selector(names.names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparse_vectors_are_put_in_order() {
        let sorted = sparse(vec![7, 1, 4], vec![0.7, 0.1, 0.4]).expect("a vector");
        assert_eq!((sorted.indices, sorted.values), (vec![1, 4, 7], vec![0.1, 0.4, 0.7]));
    }

    #[test]
    fn an_index_twice_and_unequal_lengths_are_refused() {
        assert!(matches!(sparse(vec![1, 1], vec![1.0, 2.0]), Err(Refusal::Field { field: "indices", .. })));
        assert!(matches!(sparse(vec![1], vec![1.0, 2.0]), Err(Refusal::Field { field: "values", .. })));
    }
}
