//! The calls about points: upsert, delete, get, scroll, query, query batch, count.

use std::{sync::Arc, time::Instant};

use qdrant_client::qdrant::{
    BatchResult, CountPoints, CountResponse, CountResult, DeletePoints, GetPoints, GetResponse,
    PointsOperationResponse, QueryBatchPoints, QueryBatchResponse, QueryPoints, QueryResponse,
    ScoredPoint as ProtoScored, ScrollPoints, ScrollResponse, UpdateMode, UpdateResult, UpdateStatus,
    UpsertPoints, points_server::Points,
};
use qdrant_edge::{CountRequest, EdgeShard, OperationResult, ScrollRequest, SearchRequest};
use tonic::{Request, Response, Status};

use crate::{
    catalogue::Catalogue,
    convert::{self, Schema},
    error::Refusal,
    refused::refused,
    shard::Applied,
};

/// Points of a page when the request does not say, as in Qdrant.
const DEFAULT_PAGE: u32 = 10;
/// Queries in one batch: each is a search of its own.
const MOST_QUERIES: usize = 1_024;

pub(crate) struct PointCalls {
    pub(crate) catalogue: Arc<Catalogue>,
}

#[tonic::async_trait]
impl Points for PointCalls {
    async fn upsert(
        &self,
        request: Request<UpsertPoints>,
    ) -> Result<Response<PointsOperationResponse>, Status> {
        let started = Instant::now();
        let request = request.into_inner();
        if request.update_filter.is_some() || request.update_mode() != UpdateMode::Upsert {
            return Err(Refusal::Unsupported("a conditional upsert").into());
        }
        if request.shard_key_selector.is_some() {
            return Err(Refusal::Unsupported("a shard key").into());
        }
        if request.points.is_empty() {
            return Err(Refusal::Invalid("Empty update request".to_owned()).into());
        }
        let shard = self.catalogue.shard(&request.collection_name)?;
        let applied = shard.upsert(request).await?;
        Ok(Response::new(written(applied, started)))
    }

    async fn delete(
        &self,
        request: Request<DeletePoints>,
    ) -> Result<Response<PointsOperationResponse>, Status> {
        let started = Instant::now();
        let request = request.into_inner();
        if request.shard_key_selector.is_some() {
            return Err(Refusal::Unsupported("a shard key").into());
        }
        let shard = self.catalogue.shard(&request.collection_name)?;
        let applied = shard.delete(request).await?;
        Ok(Response::new(written(applied, started)))
    }

    async fn get(&self, request: Request<GetPoints>) -> Result<Response<GetResponse>, Status> {
        let started = Instant::now();
        let request = request.into_inner();
        let shard = self.catalogue.shard(&request.collection_name)?;
        let ids = convert::point_ids(request.ids)?;
        let payload = convert::with_payload(request.with_payload, true)?;
        let vectors = convert::with_vectors(request.with_vectors);
        let records = shard.read(move |edge| edge.retrieve(&ids, Some(payload), Some(vectors))).await?;
        let result = records.into_iter().map(convert::to_retrieved).collect();
        Ok(Response::new(GetResponse { result, time: started.elapsed().as_secs_f64(), usage: None }))
    }

    async fn scroll(&self, request: Request<ScrollPoints>) -> Result<Response<ScrollResponse>, Status> {
        let started = Instant::now();
        let request = request.into_inner();
        if request.filter.is_some() {
            return Err(Refusal::Unsupported("a scroll with a filter").into());
        }
        if request.order_by.is_some() {
            return Err(Refusal::Unsupported("a scroll in the order of a field").into());
        }
        let shard = self.catalogue.shard(&request.collection_name)?;
        let limit = request.limit.unwrap_or(DEFAULT_PAGE);
        if limit == 0 {
            return Err(Refusal::field("limit", "value 0 invalid, must be 1 or larger").into());
        }
        let page = ScrollRequest {
            offset: request.offset.map(|id| convert::point_id(Some(id))).transpose()?,
            limit: Some(limit as usize),
            filter: None,
            with_payload: Some(convert::with_payload(request.with_payload, true)?),
            with_vector: convert::with_vectors(request.with_vectors),
            order_by: None,
        };
        let (records, next) = shard.read(move |edge| edge.scroll(page)).await?;
        Ok(Response::new(ScrollResponse {
            next_page_offset: next.map(convert::to_proto_id),
            result: records.into_iter().map(convert::to_retrieved).collect(),
            time: started.elapsed().as_secs_f64(),
            usage: None,
        }))
    }

    async fn query(&self, request: Request<QueryPoints>) -> Result<Response<QueryResponse>, Status> {
        let started = Instant::now();
        let request = request.into_inner();
        let shard = self.catalogue.shard(&request.collection_name)?;
        let search = convert::search(request, shard.schema())?;
        let result = shard.read(move |edge| run(edge, search)).await?;
        Ok(Response::new(QueryResponse { result, time: started.elapsed().as_secs_f64(), usage: None }))
    }

    async fn query_batch(
        &self,
        request: Request<QueryBatchPoints>,
    ) -> Result<Response<QueryBatchResponse>, Status> {
        let started = Instant::now();
        let request = request.into_inner();
        if request.query_points.len() > MOST_QUERIES {
            return Err(Refusal::field("query_points", format!("at most {MOST_QUERIES}")).into());
        }
        let shard = self.catalogue.shard(&request.collection_name)?;
        let searches = searches(request.query_points, shard.schema())?;
        let result = shard
            .read(move |edge| {
                let results =
                    searches.into_iter().map(|search| Ok(BatchResult { result: run(edge, search)? }));
                results.collect::<OperationResult<Vec<_>>>()
            })
            .await?;
        Ok(Response::new(QueryBatchResponse { result, time: started.elapsed().as_secs_f64(), usage: None }))
    }

    async fn count(&self, request: Request<CountPoints>) -> Result<Response<CountResponse>, Status> {
        let started = Instant::now();
        let request = request.into_inner();
        if request.filter.is_some() {
            return Err(Refusal::Unsupported("a count with a filter").into());
        }
        let shard = self.catalogue.shard(&request.collection_name)?;
        // Always exact: it is as quick here.
        let count = shard.read(|edge| edge.count(CountRequest { filter: None, exact: true })).await?;
        Ok(Response::new(CountResponse {
            result: Some(CountResult { count: count as u64 }),
            time: started.elapsed().as_secs_f64(),
            usage: None,
        }))
    }

    refused! { "points":
        update_vectors(UpdatePointVectors) -> PointsOperationResponse;
        delete_vectors(DeletePointVectors) -> PointsOperationResponse;
        set_payload(SetPayloadPoints) -> PointsOperationResponse;
        overwrite_payload(SetPayloadPoints) -> PointsOperationResponse;
        delete_payload(DeletePayloadPoints) -> PointsOperationResponse;
        clear_payload(ClearPayloadPoints) -> PointsOperationResponse;
        create_field_index(CreateFieldIndexCollection) -> PointsOperationResponse;
        delete_field_index(DeleteFieldIndexCollection) -> PointsOperationResponse;
        create_vector_name(CreateVectorNameRequest) -> PointsOperationResponse;
        delete_vector_name(DeleteVectorNameRequest) -> PointsOperationResponse;
        search(SearchPoints) -> SearchResponse;
        search_batch(SearchBatchPoints) -> SearchBatchResponse;
        search_groups(SearchPointGroups) -> SearchGroupsResponse;
        recommend(RecommendPoints) -> RecommendResponse;
        recommend_batch(RecommendBatchPoints) -> RecommendBatchResponse;
        recommend_groups(RecommendPointGroups) -> RecommendGroupsResponse;
        discover(DiscoverPoints) -> DiscoverResponse;
        discover_batch(DiscoverBatchPoints) -> DiscoverBatchResponse;
        update_batch(UpdateBatchPoints) -> UpdateBatchResponse;
        query_groups(QueryPointGroups) -> QueryGroupsResponse;
        facet(FacetCounts) -> FacetResponse;
        search_matrix_pairs(SearchMatrixPoints) -> SearchMatrixPairsResponse;
        search_matrix_offsets(SearchMatrixPoints) -> SearchMatrixOffsetsResponse;
    }
}

fn searches(queries: Vec<QueryPoints>, schema: &Schema) -> Result<Vec<SearchRequest>, Refusal> {
    queries.into_iter().map(|query| convert::search(query, schema)).collect()
}

fn run(edge: &EdgeShard, search: SearchRequest) -> OperationResult<Vec<ProtoScored>> {
    Ok(edge.search(search)?.into_iter().map(convert::to_scored).collect())
}

fn written(applied: Applied, started: Instant) -> PointsOperationResponse {
    let status = if applied.is_some() { UpdateStatus::Completed } else { UpdateStatus::Acknowledged };
    let result = UpdateResult { operation_id: applied, status: status.into() };
    PointsOperationResponse { result: Some(result), time: started.elapsed().as_secs_f64(), usage: None }
}
