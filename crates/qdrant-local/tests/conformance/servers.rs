//! The servers a case runs against, and short ways to ask them.

use std::sync::atomic::{AtomicU32, Ordering};

use qdrant_client::{
    Qdrant, QdrantError,
    qdrant::{
        CreateCollectionBuilder, DeletePointsBuilder, Distance, Modifier, NamedVectors, PointId, PointStruct,
        PointsIdsList, Query, QueryPointsBuilder, ScoredPoint, SparseVectorParamsBuilder,
        SparseVectorsConfigBuilder, UpsertPointsBuilder, Vector, VectorInput, VectorParamsBuilder,
        VectorsConfigBuilder, point_id::PointIdOptions,
    },
};
use qdrant_local::{Options, Server};
use tempfile::TempDir;
use tonic::Code;

pub(crate) const KEY: &str = "a key for tests";
/// The sparse vector, as `knowledge` names it.
pub(crate) const SPARSE: &str = "lexical";
pub(crate) const DENSE: &str = "dense";

/// One server and a client of it.
pub(crate) struct Target {
    pub(crate) client: Qdrant,
    pub(crate) url: String,
    pub(crate) key: Option<String>,
    pub(crate) is_real: bool,
    prefix: String,
}

/// An embedded server in a directory that goes away.
pub(crate) struct Embedded {
    pub(crate) server: Server,
    pub(crate) directory: TempDir,
    pub(crate) target: Target,
}

pub(crate) fn client(url: &str, key: Option<&str>) -> Qdrant {
    Qdrant::from_url(url).api_key(key).skip_compatibility_check().timeout(60).build().expect("a client")
}

impl Target {
    fn new(url: &str, key: Option<String>, is_real: bool) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        // A real server outlives the test: names of two runs must differ.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("conformance-{}-{number}", std::process::id());
        Self { client: client(url, key.as_deref()), url: url.to_owned(), key, is_real, prefix }
    }

    pub(crate) fn name(&self, case: &str) -> String {
        format!("{}-{case}", self.prefix)
    }

    /// A collection with one sparse vector, IDF by the server, and one dense.
    pub(crate) async fn collection(&self, case: &str) -> String {
        let name = self.name(case);
        self.client.create_collection(wanted(&name)).await.expect("created");
        name
    }

    pub(crate) async fn upsert(&self, collection: &str, points: Vec<PointStruct>) {
        let request = UpsertPointsBuilder::new(collection, points).wait(true);
        self.client.upsert_points(request).await.expect("upserted");
    }

    pub(crate) async fn delete(&self, collection: &str, ids: Vec<PointId>) {
        let ids = PointsIdsList { ids };
        self.client
            .delete_points(DeletePointsBuilder::new(collection).points(ids).wait(true))
            .await
            .expect("deleted");
    }

    pub(crate) async fn count(&self, collection: &str) -> u64 {
        use qdrant_client::qdrant::CountPointsBuilder;
        let request = CountPointsBuilder::new(collection).exact(true);
        self.client.count(request).await.expect("counted").result.expect("a result").count
    }

    pub(crate) async fn sparse_search(&self, collection: &str, terms: &[(u32, f32)]) -> Vec<ScoredPoint> {
        let request = QueryPointsBuilder::new(collection).query(sparse_query(terms)).using(SPARSE).limit(100);
        self.client.query(request).await.expect("answered").result
    }

    async fn clean(&self) {
        let all = self.client.list_collections().await.expect("listed").collections;
        for collection in all.into_iter().filter(|collection| collection.name.starts_with(&self.prefix)) {
            self.client.delete_collection(collection.name).await.expect("deleted");
        }
    }
}

/// What `Target::collection` creates.
pub(crate) fn wanted(name: &str) -> CreateCollectionBuilder {
    let mut sparse = SparseVectorsConfigBuilder::default();
    sparse.add_named_vector_params(SPARSE, SparseVectorParamsBuilder::default().modifier(Modifier::Idf));
    let mut dense = VectorsConfigBuilder::default();
    dense.add_named_vector_params(DENSE, VectorParamsBuilder::new(4, Distance::Cosine));
    CreateCollectionBuilder::new(name).sparse_vectors_config(sparse).vectors_config(dense)
}

impl Embedded {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let server = Server::start(options(&directory)).await.expect("started");
        let target = Target::new(&server.url(), Some(KEY.to_owned()), false);
        Self { server, directory, target }
    }
}

pub(crate) fn options(directory: &TempDir) -> Options {
    Options::new(directory.path().join("index"), KEY.to_owned().into())
}

/// Runs a case on the embedded server, and on the real one if it is named.
#[expect(clippy::disallowed_methods, reason = "tests name the real server in the environment")]
#[expect(clippy::print_stdout, reason = "a run must say what it did not do")]
pub(crate) async fn on_every_server(case: impl AsyncFn(&Target)) {
    let embedded = Embedded::start().await;
    case(&embedded.target).await;
    embedded.server.stop().await;
    match std::env::var("VECTORA_TEST_QDRANT_URL") {
        Ok(url) => {
            let real = Target::new(&url, std::env::var("VECTORA_TEST_QDRANT_API_KEY").ok(), true);
            case(&real).await;
            real.clean().await;
        }
        Err(_) => println!("VECTORA_TEST_QDRANT_URL is not set: a real Qdrant was skipped"),
    }
}

pub(crate) fn sparse_query(terms: &[(u32, f32)]) -> Query {
    let (indices, values): (Vec<u32>, Vec<f32>) = terms.iter().copied().unzip();
    Query::new_nearest(VectorInput::new_sparse(indices, values))
}

/// A point with a sparse vector.
pub(crate) fn point(id: u64, terms: &[(u32, f32)]) -> PointStruct {
    point_with(id, NamedVectors::default().add_vector(SPARSE, sparse_vector(terms)))
}

pub(crate) fn point_with(id: u64, vectors: NamedVectors) -> PointStruct {
    PointStruct::new(id, vectors, qdrant_client::Payload::new())
}

pub(crate) fn sparse_vector(terms: &[(u32, f32)]) -> Vector {
    let (indices, values): (Vec<u32>, Vec<f32>) = terms.iter().copied().unzip();
    Vector::new_sparse(indices, values)
}

pub(crate) fn number(id: Option<&PointId>) -> u64 {
    match id.and_then(|id| id.point_id_options.as_ref()) {
        Some(PointIdOptions::Num(number)) => *number,
        other => panic!("a number is expected, not {other:?}"),
    }
}

pub(crate) fn numbers(points: &[ScoredPoint]) -> Vec<u64> {
    points.iter().map(|point| number(point.id.as_ref())).collect()
}

/// The code and the words of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, QdrantError>) -> (Code, String) {
    match answer {
        Err(QdrantError::ResponseError { status }) => (status.code(), status.message().to_owned()),
        other => panic!("a refusal is expected, not {other:?}"),
    }
}
