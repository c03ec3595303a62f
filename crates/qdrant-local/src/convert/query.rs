//! A query as Edge's search: the nearest points to one vector.

use qdrant_client::qdrant::{
    DenseVector, Query, QueryPoints, SparseVector, VectorInput, query, vector_input,
};
use qdrant_edge::{NamedQuery, OperationError, QueryEnum, SearchRequest, VectorInternal};

use crate::{
    convert::{payload, point::Kind, point::Schema, vector},
    error::Refusal,
};

/// Points in an answer when the query does not say, as in Qdrant.
const DEFAULT_LIMIT: u64 = 10;
/// Points that an answer may hold or skip: more is a mistake, and Edge would reserve room for them.
const MOST: u64 = 100_000;

/// # Errors
/// What cannot be asked here, and what Qdrant refuses.
pub(crate) fn search(request: QueryPoints, schema: &Schema) -> Result<SearchRequest, Refusal> {
    if !request.prefetch.is_empty() {
        return Err(Refusal::Unsupported("a query with prefetch"));
    }
    if request.filter.is_some() {
        return Err(Refusal::Unsupported("a query with a filter"));
    }
    if request.lookup_from.is_some() {
        return Err(Refusal::Unsupported("a query that looks up vectors"));
    }
    if request.shard_key_selector.is_some() {
        return Err(Refusal::Unsupported("a shard key"));
    }
    let name = request.using.unwrap_or_else(|| vector::UNNAMED.to_owned());
    Ok(SearchRequest {
        query: QueryEnum::Nearest(NamedQuery {
            query: nearest(request.query, schema.kind(&name)?)?,
            using: Some(name),
        }),
        filter: None,
        params: None,
        limit: within("limit", request.limit.unwrap_or(DEFAULT_LIMIT), 1)?,
        offset: within("offset", request.offset.unwrap_or(0), 0)?,
        with_payload: Some(payload::with_payload(request.with_payload, false)?),
        with_vector: Some(vector::with_vectors(request.with_vectors)),
        score_threshold: request.score_threshold,
    })
}

fn within(field: &'static str, number: u64, least: u64) -> Result<usize, Refusal> {
    if (least..=MOST).contains(&number) {
        usize::try_from(number).map_err(|_| Refusal::field(field, "is too large"))
    } else {
        Err(Refusal::field(field, format!("value {number} invalid, must be from {least} to {MOST}")))
    }
}

fn nearest(query: Option<Query>, kind: Kind) -> Result<VectorInternal, Refusal> {
    let input = match query.and_then(|query| query.variant) {
        Some(query::Variant::Nearest(VectorInput { variant: Some(input) })) => input,
        Some(query::Variant::Nearest(VectorInput { variant: None })) => {
            return Err(Refusal::Invalid("No vector is given".to_owned()));
        }
        Some(_) => return Err(Refusal::Unsupported("a query other than nearest")),
        None => return Err(Refusal::Unsupported("a query without a vector")),
    };
    match (kind, input) {
        (Kind::Dense(size), vector_input::Variant::Dense(DenseVector { data })) => {
            Schema::check_dense(size, data.len())?;
            Ok(VectorInternal::Dense(data))
        }
        (Kind::Sparse, vector_input::Variant::Sparse(SparseVector { values, indices })) => {
            Ok(VectorInternal::Sparse(vector::sparse(indices, values)?))
        }
        (_, vector_input::Variant::Dense(_) | vector_input::Variant::Sparse(_)) => {
            Err(OperationError::WrongSparse.into())
        }
        (_, vector_input::Variant::Id(_)) => Err(Refusal::Unsupported("a query by a point's id")),
        (_, vector_input::Variant::MultiDense(_)) => Err(Refusal::Unsupported("a multi-vector")),
        _ => Err(Refusal::Unsupported("inference")),
    }
}
