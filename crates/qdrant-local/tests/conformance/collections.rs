//! Collections: made once, told of, removed.

use qdrant_client::qdrant::{CollectionStatus, Distance, Modifier, vectors_config::Config};
use tonic::Code;

use crate::servers::{DENSE, SPARSE, on_every_server, point, refusal, wanted};

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_is_made_once_and_removed_once() {
    on_every_server(async |target| {
        let name = target.name("once");
        assert!(!target.client.collection_exists(&name).await.expect("answered"));
        assert!(target.client.create_collection(wanted(&name)).await.expect("created").result);
        assert!(target.client.collection_exists(&name).await.expect("answered"));
        let (code, message) = refusal(target.client.create_collection(wanted(&name)).await);
        assert_eq!(code, Code::AlreadyExists);
        assert!(message.contains("already exists"), "{message}");
        assert!(target.client.delete_collection(&name).await.expect("deleted").result);
        assert!(!target.client.collection_exists(&name).await.expect("answered"));
        assert!(!target.client.delete_collection(&name).await.expect("nothing to delete").result);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_tells_its_size_and_its_vectors() {
    on_every_server(async |target| {
        let name = target.collection("tells").await;
        target.upsert(&name, vec![point(1, &[(1, 1.0)]), point(2, &[(2, 1.0)])]).await;
        let info = target.client.collection_info(&name).await.expect("answered").result.expect("a result");
        assert_eq!(info.points_count, Some(2));
        assert_eq!(info.status(), CollectionStatus::Green);
        let params = info.config.expect("a configuration").params.expect("parameters");
        let sparse = params.sparse_vectors_config.expect("sparse vectors");
        assert_eq!(sparse.map[SPARSE].modifier(), Modifier::Idf);
        let Some(Config::ParamsMap(dense)) = params.vectors_config.expect("dense vectors").config else {
            panic!("named vectors are expected")
        };
        assert_eq!((dense.map[DENSE].size, dense.map[DENSE].distance()), (4, Distance::Cosine));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_collections_are_listed() {
    on_every_server(async |target| {
        let names = [target.collection("listed-a").await, target.collection("listed-b").await];
        let all = target.client.list_collections().await.expect("listed").collections;
        for name in names {
            assert!(all.iter().any(|collection| collection.name == name), "{name} is not among {all:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_made_again_is_empty() {
    on_every_server(async |target| {
        let name = target.collection("again").await;
        target.upsert(&name, vec![point(1, &[(1, 1.0)])]).await;
        target.client.delete_collection(&name).await.expect("deleted");
        target.client.create_collection(wanted(&name)).await.expect("created");
        assert_eq!(target.count(&name).await, 0);
        assert!(target.sparse_search(&name, &[(1, 1.0)]).await.is_empty());
    })
    .await;
}
