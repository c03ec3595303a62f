//! The index client against a real Qdrant, or anything that speaks its protocol: `VECTORA_TEST_QDRANT_URL`
//! and, where it wants one, `VECTORA_TEST_QDRANT_API_KEY`. Says that it skipped where there is none.
#![expect(clippy::print_stdout, reason = "a test that skips has to say so")]

use std::time::Duration;

use knowledge::index::{Found, Probe, Wanted};
use knowledge::{Index, IndexError, Point, Settings, Sparse, analyser, coverage};
use uuid::Uuid;

const TEXTS: [&str; 4] = [
    "Reset the password of an account on the sign-in page.",
    "The password of an account has eight characters.",
    "Invoices are sent on the first day of a month.",
    "...",
];

/// A collection of its own, dropped at the end unless the test failed.
async fn server(name: &str) -> Option<(Index, String)> {
    let Some(url) = std::env::var_os("VECTORA_TEST_QDRANT_URL") else {
        println!("skipped: VECTORA_TEST_QDRANT_URL is not set");
        return None;
    };
    let key = std::env::var_os("VECTORA_TEST_QDRANT_API_KEY");
    let settings = Settings {
        url: Some(url.into_string().expect("a URL")),
        api_key: key.map(|key| key.into_string().expect("a key").into()),
        search_timeout: Duration::from_secs(20),
        ..Settings::default()
    };
    let index = Index::connect(&settings).expect("settings");
    let collection = format!("vectora-test-{name}-{}", std::process::id());
    index.drop_collection(&collection).await.expect("dropped");
    assert!(index.create(&collection, None).await.expect("created"));
    Some((index, collection))
}

fn id(number: usize) -> Uuid {
    Uuid::from_u128(number as u128 + 1)
}

fn points() -> Vec<Point> {
    let point =
        |(number, text)| Point { id: id(number), sparse: analyser::document("", &[], text), dense: None };
    TEXTS.into_iter().enumerate().map(point).collect()
}

#[tokio::test]
async fn collections_are_created_once_listed_and_dropped() {
    let Some((index, collection)) = server("collections").await else { return };
    assert!(!index.create(&collection, None).await.expect("already there"));
    assert!(index.exists(&collection).await.expect("asked"));
    assert_eq!(index.collections(&collection).await.as_deref(), Ok(std::slice::from_ref(&collection)));
    index.drop_collection(&collection).await.expect("dropped");
    index.drop_collection(&collection).await.expect("a missing one is no error");
    assert!(!index.exists(&collection).await.expect("asked"));
    let query = Sparse { indices: vec![1], values: vec![1.0] };
    let missing = IndexError::Missing(collection.clone());
    assert_eq!(index.search(&collection, &query, 3).await, Err(missing.clone()));
    assert_eq!(index.upsert(&collection, points()).await, Err(missing.clone()));
    assert_eq!(index.count(&collection).await, Err(missing));
}

#[tokio::test]
async fn what_is_written_is_found_listed_and_counted_at_once() {
    let Some((index, collection)) = server("points").await else { return };
    index.upsert(&collection, points()).await.expect("written");
    index.upsert(&collection, points()).await.expect("again, which changes nothing");
    assert_eq!(index.count(&collection).await, Ok(4));
    assert_eq!(index.ids(&collection, None, 3).await, Ok(vec![id(0), id(1), id(2)]));
    assert_eq!(index.ids(&collection, Some(id(2)), 3).await, Ok(vec![id(3)]));
    assert_eq!(index.ids(&collection, Some(id(3)), 3).await, Ok(vec![]));
    let query = analyser::query("When are invoices sent?").sparse();
    let hits = index.search(&collection, &query, 10).await.expect("found");
    assert_eq!(hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), [id(2)]);
    index.delete(&collection, &[id(2), id(99)]).await.expect("deleted");
    assert_eq!(index.search(&collection, &query, 10).await, Ok(vec![]));
    index.drop_collection(&collection).await.expect("dropped");
}

#[tokio::test]
async fn scores_and_probes_agree_with_what_the_analyser_computes() {
    let Some((index, collection)) = server("probes").await else { return };
    index.upsert(&collection, points()).await.expect("written");
    let query = analyser::query("account password weather");
    let terms: Vec<u32> = query.terms.iter().map(|term| term.index).collect();
    let probes = index.probe(&collection, &terms).await.expect("probed");
    for (term, probe) in query.terms.iter().zip(&probes) {
        let containing =
            points().iter().filter(|point| point.sparse.get(term.index).is_some()).count() as u64;
        assert_eq!(probe.is_some(), containing > 0, "{}", term.shown);
        let Some(probe) = *probe else { continue };
        // A point without a vector counts or does not, by version.
        let wanted = [coverage::idf(4, containing), coverage::idf(3, containing)];
        assert!(wanted.iter().any(|idf| (Probe::idf(probe) - idf).abs() < 0.01), "{probe:?} {wanted:?}");
    }
    let first = index
        .search_with_statistics(&collection, Wanted::lexical(&query.sparse(), 5))
        .await
        .expect("with probes");
    let again = index
        .search_with_statistics(&collection, Wanted::lexical(&query.sparse(), 5))
        .await
        .expect("in one call");
    assert_eq!(first, again);
    let Found { hits, statistics, .. } = first;
    assert_eq!(statistics.points, 4);
    let idf = statistics.of(&query);
    for hit in hits {
        let point = points().into_iter().find(|point| point.id == hit.id).expect("ours");
        let wanted = coverage::score(&query, &idf, &point.sparse);
        assert!((hit.score - wanted).abs() < 0.02 * wanted, "{} {wanted}", hit.score);
    }
    let many = [query.sparse(), Sparse::default(), analyser::query("invoices").sparse()];
    let many = index.search_many(&collection, &many, 5).await.expect("in one call");
    assert_eq!(many.iter().map(Vec::len).collect::<Vec<_>>(), [2, 0, 1]);
    index.drop_collection(&collection).await.expect("dropped");
}

#[tokio::test]
async fn words_and_meaning_are_asked_for_in_one_call() {
    let Some((index, lexical)) = server("dense").await else { return };
    index.drop_collection(&lexical).await.expect("dropped");
    let collection = format!("{lexical}-two");
    index.drop_collection(&collection).await.expect("dropped");
    assert!(index.create(&collection, Some(2)).await.expect("created"));
    let directions = [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-1.0, 0.0]];
    let written = points().into_iter().zip(directions);
    let written = written.map(|(point, dense)| Point { dense: Some(dense.to_vec()), ..point }).collect();
    index.upsert(&collection, written).await.expect("written");
    let query = analyser::query("When are invoices sent?").sparse();
    let wanted = Wanted { limit: 3, sparse: Some(&query), nearest: 3, dense: Some(&[2.0, 0.0]) };
    let found = index.search_with_statistics(&collection, wanted).await.expect("found");
    assert_eq!(found.hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), [id(2)]);
    assert_eq!(found.dense.iter().map(|hit| hit.id).collect::<Vec<_>>(), [id(0), id(1), id(2)]);
    for (hit, cosine) in found.dense.iter().zip([1.0, 0.8, 0.0]) {
        assert!((hit.score - cosine).abs() < 1e-5, "{}", hit.score);
    }
    let meaning = Wanted { nearest: 1, dense: Some(&[0.0, 1.0]), ..Wanted::default() };
    let found = index.search_with_statistics(&collection, meaning).await.expect("found");
    assert_eq!((found.hits.len(), found.dense[0].id), (0, id(2)));
    let wrong = Wanted { nearest: 1, dense: Some(&[1.0, 0.0, 0.0]), ..Wanted::default() };
    let refused = index.search_with_statistics(&collection, wrong).await.expect_err("a dimension too many");
    assert!(matches!(refused, IndexError::Refused(_)), "{refused:?}");
    index.drop_collection(&collection).await.expect("dropped");
}
