//! What is refused, with which code.

use qdrant_client::qdrant::{
    CountPointsBuilder, Filter, GetPointsBuilder, NamedVectors, Query, QueryPointsBuilder,
    ScrollPointsBuilder, UpsertPointsBuilder, Vector, VectorInput,
};
use tonic::Code;

use crate::servers::{
    DENSE, SPARSE, Target, client, on_every_server, point, point_with, refusal, sparse_query, sparse_vector,
};

async fn upsert_refusal(target: &Target, collection: &str, vectors: NamedVectors) -> (Code, String) {
    let request = UpsertPointsBuilder::new(collection, vec![point(1, &[(1, 1.0)]), point_with(2, vectors)]);
    refusal(target.client.upsert_points(request.wait(true)).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_the_key_is_refused() {
    on_every_server(async |target| {
        if target.key.is_none() {
            return;
        }
        for key in [None, Some("wrong")] {
            let (code, _) = refusal(client(&target.url, key).list_collections().await);
            assert_eq!(code, Code::Unauthenticated);
        }
        client(&target.url, None).health_check().await.expect("health is open");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_to_a_collection_that_is_not_there_says_so() {
    on_every_server(async |target| {
        let name = target.name("missing");
        let client = &target.client;
        let upsert = UpsertPointsBuilder::new(&name, vec![point(1, &[(1, 1.0)])]).wait(true);
        let query = QueryPointsBuilder::new(&name).query(sparse_query(&[(1, 1.0)])).using(SPARSE);
        let answers = [
            refusal(client.collection_info(&name).await),
            refusal(client.upsert_points(upsert).await),
            refusal(client.get_points(GetPointsBuilder::new(&name, vec![1.into()])).await),
            refusal(client.scroll(ScrollPointsBuilder::new(&name)).await),
            refusal(client.query(query).await),
            refusal(client.count(CountPointsBuilder::new(&name).exact(true)).await),
        ];
        for (code, message) in answers {
            assert_eq!(code, Code::NotFound, "{message}");
            assert!(message.contains(&format!("Collection `{name}` doesn't exist!")), "{message}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_with_one_bad_point_writes_none() {
    on_every_server(async |target| {
        let name = target.collection("bad").await;
        let sparse = |indices: Vec<u32>, values| {
            NamedVectors::default().add_vector(SPARSE, Vector::new_sparse(indices, values))
        };
        let cases = [
            ("an index twice", sparse(vec![3, 3], vec![1.0, 2.0])),
            ("an unknown name", NamedVectors::default().add_vector("other", sparse_vector(&[(1, 1.0)]))),
            (
                "too few dimensions",
                NamedVectors::default().add_vector(DENSE, Vector::new_dense(vec![1.0, 2.0, 3.0])),
            ),
            ("dense for sparse", NamedVectors::default().add_vector(SPARSE, Vector::new_dense(vec![1.0; 4]))),
        ];
        for (case, vectors) in cases {
            let (code, message) = upsert_refusal(target, &name, vectors).await;
            assert_eq!(code, Code::InvalidArgument, "{case}: {message}");
            assert_eq!(target.count(&name).await, 0, "{case}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_makes_no_sense_is_refused() {
    Box::pin(on_every_server(async |target| {
        let name = target.collection("nonsense").await;
        target.upsert(&name, vec![point(1, &[(1, 1.0)])]).await;
        let query = |query: Query, using: &str| QueryPointsBuilder::new(&name).query(query).using(using);
        let twice = Query::new_nearest(VectorInput::new_sparse(vec![2, 2], vec![1.0, 1.0]));
        let cases = [
            ("limit 0", query(sparse_query(&[(1, 1.0)]), SPARSE).limit(0)),
            ("an unknown vector", query(sparse_query(&[(1, 1.0)]), "other")),
            ("an index twice", query(twice, SPARSE)),
            ("three dimensions", query(Query::new_nearest(VectorInput::new_dense(vec![1.0; 3])), DENSE)),
            ("dense for sparse", query(Query::new_nearest(VectorInput::new_dense(vec![1.0; 4])), SPARSE)),
        ];
        for (case, request) in cases {
            let (code, message) = refusal(target.client.query(request).await);
            assert_eq!(code, Code::InvalidArgument, "{case}: {message}");
        }
        let (code, _) = refusal(target.client.scroll(ScrollPointsBuilder::new(&name).limit(0)).await);
        assert_eq!(code, Code::InvalidArgument);
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_embedded_says_its_name() {
    on_every_server(async |target| {
        if target.is_real {
            return;
        }
        let name = target.collection("unimplemented").await;
        let filtered = ScrollPointsBuilder::new(&name).filter(Filter::default());
        let (code, message) = refusal(target.client.scroll(filtered).await);
        assert_eq!(code, Code::Unimplemented);
        assert!(message.contains("a scroll with a filter"), "{message}");
        let (code, message) = refusal(target.client.list_aliases().await);
        assert_eq!(code, Code::Unimplemented);
        assert!(message.contains("collections.list_aliases"), "{message}");
    })
    .await;
}
