//! The health check, which needs no key, as in Qdrant.

use qdrant_client::qdrant::{HealthCheckReply, HealthCheckRequest, qdrant_server::Qdrant};
use tonic::{Request, Response, Status};

/// The version of the API spoken here: that of the client whose traits these are.
const API_VERSION: &str = "1.20.0";

pub(crate) struct Health;

#[tonic::async_trait]
impl Qdrant for Health {
    async fn health_check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckReply>, Status> {
        Ok(Response::new(HealthCheckReply {
            title: "vectora, Qdrant Edge 0.7.2".to_owned(),
            version: API_VERSION.to_owned(),
            commit: None,
        }))
    }
}
