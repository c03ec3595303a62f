//! Points: written, read, counted, removed.

use std::collections::BTreeSet;

use qdrant_client::{
    Payload,
    qdrant::{
        GetPointsBuilder, NamedVectors, PointId, PointStruct, RetrievedPoint, ScrollPointsBuilder,
        UpdateStatus, UpsertPointsBuilder, Vector, vector_output, vectors_output::VectorsOptions,
    },
};

use crate::servers::{
    DENSE, SPARSE, Target, number, numbers, on_every_server, point, point_with, sparse_vector,
};

async fn get(target: &Target, collection: &str, ids: &[u64]) -> Vec<RetrievedPoint> {
    let ids: Vec<PointId> = ids.iter().map(|id| (*id).into()).collect();
    let request = GetPointsBuilder::new(collection, ids).with_vectors(true).with_payload(true);
    target.client.get_points(request).await.expect("answered").result
}

/// The sparse vector of a point, if it has one.
fn terms(point: &RetrievedPoint) -> Option<Vec<(u32, f32)>> {
    let Some(VectorsOptions::Vectors(named)) = point.vectors.clone()?.vectors_options else { return None };
    match named.vectors.get(SPARSE)?.clone().into_vector() {
        vector_output::Vector::Sparse(sparse) => {
            Some(sparse.indices.into_iter().zip(sparse.values).collect())
        }
        other => panic!("a sparse vector is expected, not {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_written_twice_is_there_once() {
    on_every_server(async |target| {
        let name = target.collection("twice").await;
        for _ in 0..2 {
            target.upsert(&name, vec![point(1, &[(5, 0.5), (9, 2.0)])]).await;
        }
        assert_eq!(target.count(&name).await, 1);
        assert_eq!(terms(&get(target, &name, &[1]).await[0]), Some(vec![(5, 0.5), (9, 2.0)]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_written_again_is_replaced_whole() {
    on_every_server(async |target| {
        let name = target.collection("replaced").await;
        let vectors = NamedVectors::default().add_vector(SPARSE, sparse_vector(&[(1, 1.0), (2, 1.0)]));
        let payload = Payload::try_from(serde_json::json!({"title": "old", "n": [1, {"deep": null}]}));
        target.upsert(&name, vec![PointStruct::new(1, vectors, payload.expect("an object"))]).await;
        assert_eq!(get(target, &name, &[1]).await[0].payload["title"], "old".into());
        target.upsert(&name, vec![point(1, &[(2, 3.0)])]).await;
        let found = get(target, &name, &[1]).await;
        assert_eq!(terms(&found[0]), Some(vec![(2, 3.0)]));
        assert!(found[0].payload.is_empty());
        assert!(target.sparse_search(&name, &[(1, 1.0)]).await.is_empty(), "the old term finds nothing");
        assert_eq!(numbers(&target.sparse_search(&name, &[(2, 1.0)]).await), [1]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_later_of_two_points_with_one_id_in_a_batch_wins() {
    on_every_server(async |target| {
        let name = target.collection("later").await;
        target.upsert(&name, vec![point(1, &[(1, 1.0)]), point(1, &[(2, 1.0)])]).await;
        assert_eq!(terms(&get(target, &name, &[1]).await[0]), Some(vec![(2, 1.0)]));
        assert_eq!(target.count(&name).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_again_or_what_never_was_changes_nothing() {
    on_every_server(async |target| {
        let name = target.collection("deleted").await;
        target.upsert(&name, vec![point(1, &[(1, 1.0)]), point(2, &[(1, 1.0)])]).await;
        for _ in 0..2 {
            target.delete(&name, vec![1.into(), 77.into()]).await;
            assert_eq!(target.count(&name).await, 1);
            assert_eq!(numbers(&target.sparse_search(&name, &[(1, 1.0)]).await), [2]);
        }
        assert!(get(target, &name, &[1]).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_numbers_and_uuids() {
    on_every_server(async |target| {
        let name = target.collection("ids").await;
        let uuid = "0190e3a1-7d4c-7cc3-98c4-dc0c0c07398f";
        let vectors = NamedVectors::default().add_vector(SPARSE, sparse_vector(&[(1, 1.0)]));
        target
            .upsert(&name, vec![PointStruct::new(uuid, vectors, Payload::new()), point(7, &[(1, 1.0)])])
            .await;
        let wanted: Vec<PointId> = vec![uuid.into(), 7.into(), 8.into()];
        let found =
            target.client.get_points(GetPointsBuilder::new(&name, wanted.clone())).await.expect("answered");
        let ids: Vec<_> = found.result.into_iter().filter_map(|point| point.id).collect();
        assert_eq!(ids, wanted[..2], "in the order asked, and those that are there");
        target.delete(&name, vec![uuid.into()]).await;
        assert_eq!(target.count(&name).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scroll_shows_every_point_once_in_order() {
    on_every_server(async |target| {
        let name = target.collection("scroll").await;
        target.upsert(&name, (0..107).map(|id| point(id * 3, &[(1, 1.0)])).collect()).await;
        let mut seen = Vec::new();
        let mut offset: Option<PointId> = None;
        loop {
            let mut request =
                ScrollPointsBuilder::new(&name).limit(10).with_vectors(true).with_payload(false);
            if let Some(offset) = offset {
                request = request.offset(offset);
            }
            let page = target.client.scroll(request).await.expect("a page");
            assert!(page.result.len() <= 10);
            assert!(page.result.iter().all(|point| terms(point) == Some(vec![(1, 1.0)])));
            seen.extend(page.result.iter().map(|point| number(point.id.as_ref())));
            offset = page.next_page_offset;
            if offset.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..107).map(|id| id * 3).collect::<Vec<u64>>());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_waits_is_seen_and_one_that_does_not_keeps_its_place() {
    on_every_server(async |target| {
        let name = target.collection("wait").await;
        for round in 0..20 {
            let later = UpsertPointsBuilder::new(&name, vec![point(1, &[(round, 1.0)])]).wait(false);
            let answer =
                target.client.upsert_points(later).await.expect("accepted").result.expect("a result");
            assert_eq!(answer.status(), UpdateStatus::Acknowledged);
        }
        let last = UpsertPointsBuilder::new(&name, vec![point(1, &[(1_000, 1.0)])]).wait(true);
        let answer = target.client.upsert_points(last).await.expect("applied").result.expect("a result");
        assert_eq!(answer.status(), UpdateStatus::Completed);
        assert_eq!(terms(&get(target, &name, &[1]).await[0]), Some(vec![(1_000, 1.0)]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn points_without_terms_or_without_a_vector_are_points() {
    on_every_server(async |target| {
        let name = target.collection("empty").await;
        let dense_only =
            NamedVectors::default().add_vector(DENSE, Vector::new_dense(vec![1.0, 0.0, 0.0, 0.0]));
        target.upsert(&name, vec![point(1, &[]), point_with(2, dense_only), point(3, &[(1, 1.0)])]).await;
        assert_eq!(target.count(&name).await, 3);
        assert_eq!(numbers(&target.sparse_search(&name, &[(1, 1.0)]).await), [3]);
        assert!(target.sparse_search(&name, &[]).await.is_empty());
        let found = get(target, &name, &[1, 2, 3]).await;
        let ids: BTreeSet<_> = found.iter().map(|point| number(point.id.as_ref())).collect();
        assert_eq!(ids, BTreeSet::from([1, 2, 3]));
        assert_eq!(terms(&found[1]), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_in_any_order_are_one_vector() {
    on_every_server(async |target| {
        let name = target.collection("unordered").await;
        target.upsert(&name, vec![point(1, &[(9, 0.9), (1, 0.1), (4, 0.4)])]).await;
        assert_eq!(terms(&get(target, &name, &[1]).await[0]), Some(vec![(1, 0.1), (4, 0.4), (9, 0.9)]));
    })
    .await;
}
