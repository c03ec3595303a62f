//! Searches: which points, in which order, with which scores.

use std::collections::BTreeMap;

use qdrant_client::qdrant::{
    NamedVectors, PointStruct, Query, QueryBatchPointsBuilder, QueryPointsBuilder, Vector, VectorInput,
};

use crate::servers::{
    DENSE, SPARSE, numbers, on_every_server, point, point_with, sparse_query, sparse_vector,
};

type Terms = Vec<(u32, f32)>;

/// Documents with words of very different frequency, and no two scores alike.
fn documents() -> BTreeMap<u64, Terms> {
    (1..=60_u64)
        .map(|id| {
            let weight = |word: u32| {
                0.5 + f32::from(u16::try_from(id).expect("small")) * 0.01
                    + f32::from(u8::try_from(word).expect("small")) * 0.1
            };
            let words = (1..=10_u32).filter(|word| id % u64::from(*word) == 0);
            (id, words.map(|word| (word, weight(word))).collect())
        })
        .collect()
}

/// Qdrant's sum: weight in the query, times weight in the document, times
/// ln((N - df + 0.5) / (df + 0.5) + 1).
#[expect(clippy::cast_precision_loss, reason = "sixty documents")]
fn expected(documents: &BTreeMap<u64, Terms>, query: &[(u32, f32)]) -> Vec<(u64, f32)> {
    let all = documents.len() as f32;
    let mut scores: Vec<(u64, f32)> = documents
        .iter()
        .filter_map(|(id, terms)| {
            let shared = query.iter().filter_map(|(word, wanted)| {
                let (_, weight) = terms.iter().find(|(term, _)| term == word)?;
                let df = documents.values().filter(|terms| terms.iter().any(|(term, _)| term == word)).count()
                    as f32;
                Some(wanted * weight * ((all - df + 0.5) / (df + 0.5)).ln_1p())
            });
            let shared: Vec<f32> = shared.collect();
            (!shared.is_empty()).then(|| (*id, shared.iter().sum()))
        })
        .collect();
    scores.sort_by(|left, right| right.1.total_cmp(&left.1));
    scores
}

fn points(documents: &BTreeMap<u64, Terms>) -> Vec<PointStruct> {
    documents.iter().map(|(id, terms)| point(*id, terms)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_are_bm25_weights_times_idf_in_falling_order() {
    on_every_server(async |target| {
        let name = target.collection("scores").await;
        let documents = documents();
        target.upsert(&name, points(&documents)).await;
        for query in [vec![(7, 1.0), (2, 1.0)], vec![(1, 1.0)], vec![(3, 0.5), (4, 2.0), (99, 1.0)]] {
            let found = target.sparse_search(&name, &query).await;
            let expected = expected(&documents, &query);
            assert_eq!(numbers(&found), expected.iter().map(|(id, _)| *id).collect::<Vec<_>>());
            for (point, (id, score)) in found.iter().zip(&expected) {
                assert!((point.score - score).abs() < 1e-4, "{id}: {} and not {score}", point.score);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idf_follows_what_is_written_and_deleted() {
    on_every_server(async |target| {
        let name = target.collection("idf").await;
        let mut documents = documents();
        target.upsert(&name, points(&documents)).await;
        documents.insert(100, vec![(7, 1.5)]);
        target.upsert(&name, vec![point(100, &documents[&100])]).await;
        let gone: Vec<u64> = (1..=10).collect();
        documents.retain(|id, _| !gone.contains(id));
        target.delete(&name, gone.into_iter().map(Into::into).collect()).await;
        let found = target.sparse_search(&name, &[(7, 1.0)]).await;
        let expected = expected(&documents, &[(7, 1.0)]);
        assert_eq!(numbers(&found), expected.iter().map(|(id, _)| *id).collect::<Vec<_>>());
        // Qdrant counts deleted points in until it tidies up: only the order is sure.
        if !target.is_real {
            return;
        }
        assert!(found[0].score > 0.0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_thresholds_cut_one_order() {
    on_every_server(async |target| {
        let name = target.collection("pages").await;
        target.upsert(&name, points(&documents())).await;
        let query =
            || QueryPointsBuilder::new(&name).query(sparse_query(&[(2, 1.0), (3, 1.0)])).using(SPARSE);
        let all = target.client.query(query().limit(50)).await.expect("answered").result;
        let page = target.client.query(query().limit(5).offset(7)).await.expect("answered").result;
        assert_eq!(numbers(&page), numbers(&all[7..12]));
        let default = target.client.query(query()).await.expect("answered").result;
        assert_eq!(numbers(&default), numbers(&all[..10]));
        let threshold = f32::midpoint(all[9].score, all[10].score);
        let above =
            target.client.query(query().limit(50).score_threshold(threshold)).await.expect("answered");
        assert_eq!(numbers(&above.result), numbers(&all[..10]));
        let beyond = target.client.query(query().limit(5).offset(1_000)).await.expect("answered").result;
        assert!(beyond.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_answers_each_query_in_its_place() {
    on_every_server(async |target| {
        let name = target.collection("batch").await;
        target.upsert(&name, points(&documents())).await;
        let words = [7, 99, 2, 1];
        let one = |word| {
            QueryPointsBuilder::new(&name).query(sparse_query(&[(word, 1.0)])).using(SPARSE).limit(100)
        };
        let queries: Vec<_> = words.iter().map(|word| one(*word).build()).collect();
        let answers = target.client.query_batch(QueryBatchPointsBuilder::new(&name, queries)).await;
        let answers = answers.expect("answered").result;
        assert_eq!(answers.len(), words.len());
        for (answer, word) in answers.iter().zip(words) {
            assert_eq!(numbers(&answer.result), numbers(&target.sparse_search(&name, &[(word, 1.0)]).await));
        }
        assert!(answers[1].result.is_empty());
        let none =
            target.client.query_batch(QueryBatchPointsBuilder::new(&name, vec![])).await.expect("answered");
        assert!(none.result.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dense_vectors_are_compared_by_cosine() {
    on_every_server(async |target| {
        let name = target.collection("dense").await;
        let both = |id, dense: [f32; 4]| {
            let vectors = NamedVectors::default().add_vector(DENSE, Vector::new_dense(dense.to_vec()));
            point_with(id, vectors.add_vector(SPARSE, sparse_vector(&[(1, 1.0)])))
        };
        let points =
            vec![both(1, [1.0, 0.0, 0.0, 0.0]), both(2, [3.0, 3.0, 0.0, 0.0]), both(3, [0.0, 0.0, 1.0, 0.0])];
        target.upsert(&name, points).await;
        let query = Query::new_nearest(VectorInput::new_dense(vec![2.0, 0.0, 0.0, 0.0]));
        let request = QueryPointsBuilder::new(&name).query(query).using(DENSE).limit(3);
        let found = target
            .client
            .query(request.with_vectors(true).with_payload(true))
            .await
            .expect("answered")
            .result;
        assert_eq!(numbers(&found), [1, 2, 3]);
        for (point, cosine) in found.iter().zip([1.0, std::f32::consts::FRAC_1_SQRT_2, 0.0]) {
            assert!((point.score - cosine).abs() < 1e-5);
            assert!(point.vectors.is_some());
        }
    })
    .await;
}

/// As `knowledge` asks a generation with an embedder.
#[tokio::test(flavor = "multi_thread")]
async fn one_batch_asks_both_vectors_of_many_points_and_is_exact() {
    on_every_server(async |target| {
        const POINTS: u16 = 400;
        let name = target.collection("both").await;
        let angle = |id: u16| f32::from(id) * std::f32::consts::PI / f32::from(POINTS);
        let points = (1..=POINTS).map(|id| {
            let vectors = NamedVectors::default();
            let dense = vec![angle(id).cos(), angle(id).sin(), 0.0, 0.0];
            let vectors = vectors.add_vector(DENSE, Vector::new_dense(dense));
            // Every seventh has no words: it can be found by its meaning all the same.
            let terms = sparse_vector(&[(u32::from(id % 7), 1.0 + f32::from(id) / 1000.0)]);
            let vectors = if id % 7 == 0 { vectors } else { vectors.add_vector(SPARSE, terms) };
            point_with(u64::from(id), vectors)
        });
        target.upsert(&name, points.collect()).await;
        let middle = 201;
        let dense = Query::new_nearest(VectorInput::new_dense(vec![
            5.0 * angle(middle).cos(),
            5.0 * angle(middle).sin(),
            0.0,
            0.0,
        ]));
        let dense = QueryPointsBuilder::new(&name).query(dense).using(DENSE).limit(100).build();
        let sparse = QueryPointsBuilder::new(&name).query(sparse_query(&[(3, 1.0)])).using(SPARSE).limit(100);
        let batch = QueryBatchPointsBuilder::new(&name, vec![sparse.build(), dense]);
        let answers = target.client.query_batch(batch).await.expect("answered").result;
        let (words, meaning) = (numbers(&answers[0].result), numbers(&answers[1].result));
        assert_eq!((words.len(), words[0]), (57, 395));
        let near: std::collections::BTreeSet<u64> = meaning.iter().copied().collect();
        assert_eq!((meaning.len(), near.len(), meaning[0]), (100, 100, u64::from(middle)));
        assert!(near.iter().all(|id| id.abs_diff(u64::from(middle)) <= 50), "{near:?}");
        for point in &answers[1].result {
            let id = numbers(std::slice::from_ref(point))[0];
            let apart = angle(u16::try_from(id.abs_diff(u64::from(middle))).expect("small"));
            assert!((point.score - apart.cos()).abs() < 1e-5, "{id}: {}", point.score);
        }
        target.delete(&name, vec![u64::from(middle).into()]).await;
        let asked = QueryPointsBuilder::new(&name)
            .query(VectorInput::new_dense(vec![angle(middle).cos(), angle(middle).sin(), 0.0, 0.0]))
            .using(DENSE)
            .limit(2);
        let left = numbers(&target.client.query(asked).await.expect("answered").result);
        assert_eq!(left.iter().copied().collect::<std::collections::BTreeSet<_>>(), [200, 202].into());
    })
    .await;
}
