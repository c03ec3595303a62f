//! Points: written, deleted, listed and counted.

use std::collections::HashMap;

use qdrant_client::Payload;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::{
    CountPointsBuilder, DeletePointsBuilder, NamedVectors, PointId, PointStruct, ScrollPointsBuilder,
    SparseVector, UpsertPointsBuilder, Vector, WriteOrdering, WriteOrderingType,
};
use uuid::Uuid;

use super::{DENSE, Index, IndexError, VECTOR};
use crate::Sparse;

/// A chunk as the index holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The chunk row's UUIDv7, never used for another text.
    pub id: Uuid,
    pub sparse: Sparse,
    /// In the collection of a generation with an embedder.
    pub dense: Option<Vec<f32>>,
}

impl Index {
    /// Writes points, and returns when searches see them. A point that is there is replaced.
    ///
    /// # Errors
    /// [`IndexError`]
    pub async fn upsert(&self, collection: &str, points: Vec<Point>) -> Result<(), IndexError> {
        if points.is_empty() {
            return Ok(());
        }
        let points: Vec<PointStruct> = points.into_iter().map(point).collect();
        let request = UpsertPointsBuilder::new(collection, points).wait(true).ordering(weak());
        self.write(collection, self.writer.upsert_points(request)).await.map(drop)
    }

    /// Deletes points, and returns when searches no longer see them. Ids that are not there are no error.
    ///
    /// # Errors
    /// [`IndexError`]
    pub async fn delete(&self, collection: &str, ids: &[Uuid]) -> Result<(), IndexError> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<PointId> = ids.iter().copied().map(PointId::from).collect();
        let request = DeletePointsBuilder::new(collection).points(ids).wait(true).ordering(weak());
        self.write(collection, self.writer.delete_points(request)).await.map(drop)
    }

    /// At most `limit` ids in ascending order, those above `after`. Fewer than `limit`: there are no more.
    ///
    /// # Errors
    /// [`IndexError`]
    pub async fn ids(
        &self,
        collection: &str,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<Uuid>, IndexError> {
        // The offset is the first id returned, so one more is asked for and `after` itself dropped.
        let mut request = ScrollPointsBuilder::new(collection)
            .limit(limit.saturating_add(u32::from(after.is_some())))
            .with_payload(false)
            .with_vectors(false);
        if let Some(after) = after {
            request = request.offset(PointId::from(after));
        }
        let page = self.write(collection, self.writer.scroll(request)).await?;
        let mut ids =
            page.result.into_iter().map(|point| uuid(point.id)).collect::<Result<Vec<_>, IndexError>>()?;
        ids.retain(|id| Some(*id) != after);
        ids.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(ids)
    }

    /// How many points there are, exactly.
    ///
    /// # Errors
    /// [`IndexError`]
    pub async fn count(&self, collection: &str) -> Result<u64, IndexError> {
        let request = CountPointsBuilder::new(collection).exact(true);
        let counted = self.read(collection, self.reader.count(request)).await?;
        Ok(counted.result.map_or(0, |result| result.count))
    }
}

/// A text without a term has no sparse vector: no lexical query can find the point, but `ids` lists it, so the
/// check against the ledger finds it complete.
fn point(point: Point) -> PointStruct {
    let mut vectors = HashMap::new();
    if !point.sparse.is_empty() {
        let sparse = SparseVector { indices: point.sparse.indices, values: point.sparse.values };
        vectors.insert(VECTOR.to_owned(), Vector::from(sparse));
    }
    if let Some(dense) = point.dense {
        vectors.insert(DENSE.to_owned(), Vector::new_dense(dense));
    }
    PointStruct::new(point.id, NamedVectors { vectors }, Payload::new())
}

/// Ids are never used twice, so the order of writes does not matter and no leader is needed.
fn weak() -> WriteOrdering {
    WriteOrdering { r#type: WriteOrderingType::Weak.into() }
}

/// Of a point that came back.
pub(super) fn uuid(id: Option<PointId>) -> Result<Uuid, IndexError> {
    let text = match id.and_then(|id| id.point_id_options) {
        Some(PointIdOptions::Uuid(text)) => text,
        Some(PointIdOptions::Num(number)) => return Err(foreign(&number.to_string())),
        None => return Err(foreign("none")),
    };
    Uuid::parse_str(&text).map_err(|_| foreign(&text))
}

fn foreign(id: &str) -> IndexError {
    IndexError::Refused(format!("a point has the id {id}: this collection was not written by Vectora"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_carries_the_vectors_that_it_has() {
        let id = Uuid::from_u128(7);
        let sparse = Sparse { indices: vec![3], values: vec![1.5] };
        let both = point(Point { id, sparse: sparse.clone(), dense: Some(vec![0.6, 0.8]) });
        let with = point(Point { id, sparse, dense: None });
        let without = point(Point { id, sparse: Sparse::default(), dense: None });
        let count = |point: &PointStruct| match &point.vectors.as_ref()?.vectors_options {
            Some(qdrant_client::qdrant::vectors::VectorsOptions::Vectors(named)) => Some(named.vectors.len()),
            _ => None,
        };
        assert_eq!([count(&both), count(&with), count(&without)], [Some(2), Some(1), Some(0)]);
        assert!(with.payload.is_empty());
    }

    #[test]
    fn an_id_of_somebody_else_is_an_error_that_says_so() {
        assert_eq!(uuid(Some(PointId::from(Uuid::from_u128(7)))), Ok(Uuid::from_u128(7)));
        let error = uuid(Some(PointId::from(42u64))).expect_err("no UUID");
        assert!(error.to_string().contains("42"));
    }
}
