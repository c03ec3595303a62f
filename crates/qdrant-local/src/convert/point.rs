//! Points, in and out, checked against what the collection holds.

use std::collections::HashMap;

use qdrant_client::qdrant::{PointStruct, RetrievedPoint, ScoredPoint as ProtoScored};
use qdrant_edge::{
    EdgeConfig, OperationError, PointStructPersisted, Record, ScoredPoint, VectorPersisted,
    VectorStructPersisted,
};

use crate::{
    convert::{id, payload, vector},
    error::Refusal,
};

/// Which vectors the points of a collection have.
///
/// Edge checks this too, but after it has written its log and some of the points.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    kinds: HashMap<String, Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With its number of dimensions.
    Dense(usize),
    Sparse,
}

impl Schema {
    pub(crate) fn of(config: &EdgeConfig) -> Self {
        let dense = config.vectors.iter().map(|(name, vector)| (name.clone(), Kind::Dense(vector.size)));
        let sparse = config.sparse_vectors.keys().map(|name| (name.clone(), Kind::Sparse));
        Self { kinds: dense.chain(sparse).collect() }
    }

    /// # Errors
    /// No vector of this name, with Qdrant's words.
    pub(crate) fn kind(&self, name: &str) -> Result<Kind, Refusal> {
        self.kinds
            .get(name)
            .copied()
            .ok_or_else(|| OperationError::VectorNameNotExists { received_name: name.to_owned() }.into())
    }

    /// # Errors
    /// The wrong number of dimensions.
    pub(crate) fn check_dense(expected_dim: usize, received_dim: usize) -> Result<(), Refusal> {
        if expected_dim == received_dim {
            Ok(())
        } else {
            Err(OperationError::WrongVectorDimension { expected_dim, received_dim }.into())
        }
    }

    fn check(&self, name: &str, vector: &VectorPersisted) -> Result<(), Refusal> {
        match (self.kind(name)?, vector) {
            (Kind::Dense(size), VectorPersisted::Dense(data)) => Self::check_dense(size, data.len()),
            (Kind::Sparse, VectorPersisted::Sparse(_)) => Ok(()),
            (_, VectorPersisted::MultiDense(_)) => Err(OperationError::WrongMulti.into()),
            _ => Err(OperationError::WrongSparse.into()),
        }
    }
}

pub(crate) fn point(point: PointStruct, schema: &Schema) -> Result<PointStructPersisted, Refusal> {
    let vectors = vector::named(point.vectors)?;
    for (name, vector) in &vectors {
        schema.check(name, vector)?;
    }
    Ok(PointStructPersisted {
        id: id::point_id(point.id)?,
        vector: VectorStructPersisted::Named(vectors),
        // Never `None`: a point that moves out of a sealed segment would keep its old payload.
        payload: Some(payload::payload(point.payload)),
    })
}

pub(crate) fn to_retrieved(record: Record) -> RetrievedPoint {
    RetrievedPoint {
        id: Some(id::to_proto_id(record.id)),
        payload: payload::to_proto_payload(record.payload),
        vectors: record.vector.map(vector::to_proto_vectors),
        shard_key: None,
        order_value: None,
    }
}

pub(crate) fn to_scored(point: ScoredPoint) -> ProtoScored {
    ProtoScored {
        id: Some(id::to_proto_id(point.id)),
        payload: payload::to_proto_payload(point.payload),
        score: point.score,
        version: point.version,
        vectors: point.vector.map(vector::to_proto_vectors),
        shard_key: None,
        order_value: None,
    }
}
