//! The calls about collections: create, delete, exists, get, list.

use std::{sync::Arc, time::Instant};

use qdrant_client::qdrant::{
    CollectionDescription, CollectionExists, CollectionExistsRequest, CollectionExistsResponse,
    CollectionOperationResponse, CreateCollection, DeleteCollection, GetCollectionInfoRequest,
    GetCollectionInfoResponse, ListCollectionsRequest, ListCollectionsResponse,
    collections_server::Collections,
};
use qdrant_edge::CountRequest;
use tonic::{Request, Response, Status};

use crate::{catalogue::Catalogue, convert, error::Refusal, refused::refused};

pub(crate) struct CollectionCalls {
    pub(crate) catalogue: Arc<Catalogue>,
}

impl CollectionCalls {
    /// Goes to its end whatever becomes of the client: a creation that stops between its directory and the list of
    /// collections can be neither used nor repeated.
    #[expect(clippy::disallowed_methods, reason = "the call waits for it; only its client may go before")]
    async fn whole<T, F>(&self, change: impl FnOnce(Arc<Catalogue>) -> F) -> Result<T, Status>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Refusal>> + Send + 'static,
    {
        let done = tokio::spawn(change(Arc::clone(&self.catalogue))).await;
        Ok(done.map_err(|error| Status::internal(error.to_string()))??)
    }
}

#[tonic::async_trait]
impl Collections for CollectionCalls {
    async fn create(
        &self,
        request: Request<CreateCollection>,
    ) -> Result<Response<CollectionOperationResponse>, Status> {
        let started = Instant::now();
        let request = request.into_inner();
        let name = request.collection_name.clone();
        let (settings, wanted) = (convert::settings(request)?, name.clone());
        self.whole(|catalogue| async move { catalogue.create(&wanted, settings).await }).await?;
        tracing::info!(collection = %name, "created");
        Ok(Response::new(CollectionOperationResponse { result: true, time: started.elapsed().as_secs_f64() }))
    }

    async fn delete(
        &self,
        request: Request<DeleteCollection>,
    ) -> Result<Response<CollectionOperationResponse>, Status> {
        let started = Instant::now();
        let name = request.into_inner().collection_name;
        let wanted = name.clone();
        let result = self.whole(|catalogue| async move { catalogue.remove(&wanted).await }).await?;
        tracing::info!(collection = %name, result, "removed");
        Ok(Response::new(CollectionOperationResponse { result, time: started.elapsed().as_secs_f64() }))
    }

    async fn collection_exists(
        &self,
        request: Request<CollectionExistsRequest>,
    ) -> Result<Response<CollectionExistsResponse>, Status> {
        let started = Instant::now();
        let exists = self.catalogue.exists(&request.into_inner().collection_name);
        let result = Some(CollectionExists { exists });
        Ok(Response::new(CollectionExistsResponse { result, time: started.elapsed().as_secs_f64() }))
    }

    async fn list(
        &self,
        _: Request<ListCollectionsRequest>,
    ) -> Result<Response<ListCollectionsResponse>, Status> {
        let started = Instant::now();
        let names = self.catalogue.names().into_iter();
        let collections = names.map(|name| CollectionDescription { name }).collect();
        Ok(Response::new(ListCollectionsResponse { collections, time: started.elapsed().as_secs_f64() }))
    }

    async fn get(
        &self,
        request: Request<GetCollectionInfoRequest>,
    ) -> Result<Response<GetCollectionInfoResponse>, Status> {
        let started = Instant::now();
        let shard = self.catalogue.shard(&request.into_inner().collection_name)?;
        let (info, points) = shard
            .read(|edge| Ok((edge.info(), edge.count(CountRequest { filter: None, exact: true })?)))
            .await?;
        let result = Some(convert::info(shard.config(), &info, points as u64));
        Ok(Response::new(GetCollectionInfoResponse { result, time: started.elapsed().as_secs_f64() }))
    }

    refused! { "collections":
        update(UpdateCollection) -> CollectionOperationResponse;
        update_aliases(ChangeAliases) -> CollectionOperationResponse;
        list_collection_aliases(ListCollectionAliasesRequest) -> ListAliasesResponse;
        list_aliases(ListAliasesRequest) -> ListAliasesResponse;
        collection_cluster_info(CollectionClusterInfoRequest) -> CollectionClusterInfoResponse;
        update_collection_cluster_setup(UpdateCollectionClusterSetupRequest)
            -> UpdateCollectionClusterSetupResponse;
        create_shard_key(CreateShardKeyRequest) -> CreateShardKeyResponse;
        delete_shard_key(DeleteShardKeyRequest) -> DeleteShardKeyResponse;
        list_shard_keys(ListShardKeysRequest) -> ListShardKeysResponse;
    }
}
