//! Points that a cut-off sealing left twice.
//!
//! Sealing writes a new segment, puts it in place of the old ones and then removes those. A process
//! killed in between leaves both, and Edge, unlike Qdrant, does not look for that at the next start:
//! such points would be counted twice, and a search would spend a place on each copy.

use qdrant_edge::{
    Condition, CountRequest, EdgeShard, Filter, HasIdCondition, PointId, PointInsertOperations,
    PointOperations, PointStructPersisted, ScrollRequest, UpdateOperation, VectorStructPersisted,
    WithPayloadInterface, WithVector,
};

/// Points looked at together.
const PAGE: usize = 1_000;

/// Writes every point that is there twice anew, from its latest copy. Costs one count if there are none.
///
/// # Errors
/// Edge's, for people.
pub(super) fn remove(edge: &EdgeShard) -> Result<(), String> {
    // `info` and an exact count both count copies; only ids in order show them.
    if edge.info().segments_count < 2 {
        return Ok(());
    }
    let mut offset = None;
    let mut doubled = 0;
    loop {
        let request = ScrollRequest {
            offset,
            limit: Some(PAGE),
            with_payload: Some(WithPayloadInterface::Bool(false)),
            ..ScrollRequest::default()
        };
        let (records, next) = edge.scroll(request).map_err(|error| error.to_string())?;
        let ids: Vec<PointId> = records.iter().map(|record| record.id).collect();
        if copies(edge, &ids)? > ids.len() {
            rewrite(edge, &ids)?;
            doubled += ids.len();
        }
        match next {
            Some(next) => offset = Some(next),
            None => break,
        }
    }
    if doubled > 0 {
        tracing::warn!(points = doubled, "a sealing was cut off; points of its segments were written anew");
    }
    Ok(())
}

fn copies(edge: &EdgeShard, ids: &[PointId]) -> Result<usize, String> {
    let these = Condition::HasId(ids.iter().copied().collect::<HasIdCondition>());
    let request = CountRequest { filter: Some(Filter::new_must(these)), exact: true };
    edge.count(request).map_err(|error| error.to_string())
}

fn rewrite(edge: &EdgeShard, ids: &[PointId]) -> Result<(), String> {
    let records = edge
        .retrieve(ids, Some(WithPayloadInterface::Bool(true)), Some(WithVector::Bool(true)))
        .map_err(|error| error.to_string())?;
    let points: Vec<PointStructPersisted> = records
        .into_iter()
        .filter_map(|record| {
            let vector = VectorStructPersisted::from(record.vector?);
            Some(PointStructPersisted { id: record.id, vector, payload: record.payload })
        })
        .collect();
    let delete = PointOperations::DeletePoints { ids: ids.to_vec() };
    let upsert = PointOperations::UpsertPoints(PointInsertOperations::PointsList(points));
    for operation in [delete, upsert] {
        edge.update(UpdateOperation::PointOperation(operation)).map_err(|error| error.to_string())?;
    }
    Ok(())
}
