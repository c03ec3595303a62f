//! The configuration of a collection, in and out.

use std::collections::HashMap;

use qdrant_client::qdrant::{
    CollectionConfig, CollectionInfo, CollectionParams, CollectionStatus, CreateCollection, Datatype,
    Distance as ProtoDistance, Modifier as ProtoModifier, OptimizerStatus, SparseIndexConfig,
    SparseVectorConfig, SparseVectorParams, VectorParams, VectorParamsMap, VectorsConfig, vectors_config,
};
use qdrant_edge::{
    Distance, EdgeConfig, EdgeSparseVectorParams, EdgeVectorParams, Modifier, ShardInfo,
    VectorStorageDatatype,
};

use crate::{convert::vector::UNNAMED, error::Refusal};

/// What points of a new collection are, without the settings that are this server's own.
///
/// Numbers of shards, replicas, segments and the like are passed over: there is one of each. What
/// would change answers (quantization, multi-vectors) is refused.
pub(crate) fn settings(request: CreateCollection) -> Result<EdgeConfig, Refusal> {
    if request.quantization_config.is_some() {
        return Err(Refusal::Unsupported("quantization"));
    }
    if request.sharding_method.unwrap_or_default() != 0 {
        return Err(Refusal::Unsupported("custom sharding"));
    }
    let vectors = match request.vectors_config.and_then(|config| config.config) {
        None => HashMap::new(),
        Some(vectors_config::Config::Params(params)) => {
            HashMap::from([(UNNAMED.to_owned(), dense(&params)?)])
        }
        Some(vectors_config::Config::ParamsMap(params)) => params
            .map
            .iter()
            .map(|(name, params)| Ok((name.clone(), dense(params)?)))
            .collect::<Result<_, Refusal>>()?,
    };
    let sparse_vectors = request
        .sparse_vectors_config
        .unwrap_or_default()
        .map
        .into_iter()
        .map(|(name, params)| Ok((name, sparse(params)?)))
        .collect::<Result<HashMap<_, _>, Refusal>>()?;
    if let Some(name) = sparse_vectors.keys().find(|name| vectors.contains_key(*name)) {
        return Err(Refusal::Invalid(format!("the vector name `{name}` is given twice")));
    }
    Ok(EdgeConfig { vectors, sparse_vectors, on_disk_payload: true, ..EdgeConfig::default() })
}

#[expect(deprecated, reason = "clients and servers before 1.17 know only `on_disk`")]
fn dense(params: &VectorParams) -> Result<EdgeVectorParams, Refusal> {
    if params.quantization_config.is_some() {
        return Err(Refusal::Unsupported("quantization"));
    }
    if params.multivector_config.is_some() {
        return Err(Refusal::Unsupported("a multi-vector"));
    }
    let distance = match params.distance() {
        ProtoDistance::Cosine => Distance::Cosine,
        ProtoDistance::Euclid => Distance::Euclid,
        ProtoDistance::Dot => Distance::Dot,
        ProtoDistance::Manhattan => Distance::Manhattan,
        ProtoDistance::UnknownDistance => {
            return Err(Refusal::Invalid("Distance is not specified".to_owned()));
        }
    };
    // Qdrant's own limit.
    if !(1..=65_536).contains(&params.size) {
        return Err(Refusal::field(
            "size",
            format!("value {} invalid, must be from 1 to 65536", params.size),
        ));
    }
    let size = usize::try_from(params.size).map_err(|_| Refusal::field("size", "is too large"))?;
    Ok(EdgeVectorParams {
        size,
        distance,
        on_disk: params.on_disk,
        multivector_config: None,
        datatype: datatype(params.datatype)?,
        quantization_config: None,
        hnsw_config: None,
    })
}

#[expect(deprecated, reason = "clients and servers before 1.17 know only `on_disk`")]
fn sparse(params: SparseVectorParams) -> Result<EdgeSparseVectorParams, Refusal> {
    let modifier = match params.modifier() {
        ProtoModifier::None => None,
        ProtoModifier::Idf => Some(Modifier::Idf),
    };
    let index = params.index.unwrap_or_default();
    Ok(EdgeSparseVectorParams {
        full_scan_threshold: index.full_scan_threshold.and_then(|vectors| usize::try_from(vectors).ok()),
        on_disk: index.on_disk,
        modifier,
        datatype: datatype(index.datatype)?,
    })
}

fn datatype(number: Option<i32>) -> Result<Option<VectorStorageDatatype>, Refusal> {
    match number.map(Datatype::try_from) {
        None | Some(Ok(Datatype::Default)) => Ok(None),
        Some(Ok(Datatype::Float32)) => Ok(Some(VectorStorageDatatype::Float32)),
        Some(Ok(Datatype::Float16)) => Ok(Some(VectorStorageDatatype::Float16)),
        Some(Ok(Datatype::Uint8)) => Ok(Some(VectorStorageDatatype::Uint8)),
        // Edge 0.7.2 panics on these.
        Some(_) => Err(Refusal::Unsupported("this datatype")),
    }
}

/// What `get` tells of a collection.
#[expect(deprecated, reason = "clients and servers before 1.17 know only `on_disk`")]
pub(crate) fn info(config: &EdgeConfig, shard: &ShardInfo, points: u64) -> CollectionInfo {
    let mut map: HashMap<_, _> =
        config.vectors.iter().map(|(name, params)| (name.clone(), to_proto_dense(params))).collect();
    let vectors = match map.remove(UNNAMED) {
        Some(params) if map.is_empty() => vectors_config::Config::Params(params),
        Some(params) => {
            map.insert(UNNAMED.to_owned(), params);
            vectors_config::Config::ParamsMap(VectorParamsMap { map })
        }
        None => vectors_config::Config::ParamsMap(VectorParamsMap { map }),
    };
    let sparse =
        config.sparse_vectors.iter().map(|(name, params)| (name.clone(), to_proto_sparse(params))).collect();
    let params = CollectionParams {
        shard_number: 1,
        on_disk_payload: config.on_disk_payload,
        vectors_config: Some(VectorsConfig { config: Some(vectors) }),
        replication_factor: Some(1),
        write_consistency_factor: Some(1),
        sparse_vectors_config: (!config.sparse_vectors.is_empty())
            .then_some(SparseVectorConfig { map: sparse }),
        ..CollectionParams::default()
    };
    CollectionInfo {
        status: CollectionStatus::Green.into(),
        optimizer_status: Some(OptimizerStatus { ok: true, error: String::new() }),
        segments_count: shard.segments_count as u64,
        config: Some(CollectionConfig { params: Some(params), ..CollectionConfig::default() }),
        points_count: Some(points),
        indexed_vectors_count: Some(shard.indexed_vectors_count as u64),
        ..CollectionInfo::default()
    }
}

#[expect(deprecated, reason = "clients and servers before 1.17 know only `on_disk`")]
fn to_proto_dense(params: &EdgeVectorParams) -> VectorParams {
    let distance = match params.distance {
        Distance::Cosine => ProtoDistance::Cosine,
        Distance::Euclid => ProtoDistance::Euclid,
        Distance::Dot => ProtoDistance::Dot,
        Distance::Manhattan => ProtoDistance::Manhattan,
    };
    VectorParams {
        size: params.size as u64,
        distance: distance.into(),
        on_disk: params.on_disk,
        datatype: to_proto_datatype(params.datatype),
        ..VectorParams::default()
    }
}

#[expect(deprecated, reason = "clients and servers before 1.17 know only `on_disk`")]
fn to_proto_sparse(params: &EdgeSparseVectorParams) -> SparseVectorParams {
    SparseVectorParams {
        index: Some(SparseIndexConfig {
            full_scan_threshold: params.full_scan_threshold.map(|vectors| vectors as u64),
            on_disk: params.on_disk,
            datatype: to_proto_datatype(params.datatype),
            ..SparseIndexConfig::default()
        }),
        modifier: params.modifier.map(|modifier| match modifier {
            Modifier::None => ProtoModifier::None.into(),
            Modifier::Idf => ProtoModifier::Idf.into(),
        }),
    }
}

fn to_proto_datatype(datatype: Option<VectorStorageDatatype>) -> Option<i32> {
    datatype.map(|datatype| {
        match datatype {
            VectorStorageDatatype::Float32 => Datatype::Float32,
            VectorStorageDatatype::Float16 => Datatype::Float16,
            VectorStorageDatatype::Uint8 => Datatype::Uint8,
            VectorStorageDatatype::Turbo4 => Datatype::Turbo4,
        }
        .into()
    })
}
