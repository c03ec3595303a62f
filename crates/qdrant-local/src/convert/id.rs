//! Identifiers of points: numbers and UUIDs.

use qdrant_client::qdrant::{PointId as ProtoId, point_id::PointIdOptions};
use qdrant_edge::PointId;
use uuid::Uuid;

use crate::error::Refusal;

pub(crate) fn point_id(id: Option<ProtoId>) -> Result<PointId, Refusal> {
    match id.and_then(|id| id.point_id_options) {
        Some(PointIdOptions::Num(number)) => Ok(PointId::NumId(number)),
        Some(PointIdOptions::Uuid(text)) => Uuid::parse_str(&text)
            .map(PointId::Uuid)
            .map_err(|_| Refusal::Invalid(format!("Unable to parse UUID: {text}"))),
        None => Err(Refusal::Invalid("No ID options provided".to_owned())),
    }
}

pub(crate) fn point_ids(ids: Vec<ProtoId>) -> Result<Vec<PointId>, Refusal> {
    ids.into_iter().map(|id| point_id(Some(id))).collect()
}

pub(crate) fn to_proto_id(id: PointId) -> ProtoId {
    let options = match id {
        PointId::NumId(number) => PointIdOptions::Num(number),
        PointId::Uuid(uuid) => PointIdOptions::Uuid(uuid.to_string()),
    };
    ProtoId { point_id_options: Some(options) }
}
