//! The embedded server itself: its directory, its limits.

use std::{fs, time::Duration};

use qdrant_client::qdrant::{CountPointsBuilder, QueryPointsBuilder, UpsertPointsBuilder};
use qdrant_local::{Error, Server};
use tonic::Code;

use crate::servers::{Embedded, KEY, SPARSE, client, options, point, refusal, sparse_query, wanted};

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_belongs_to_one_server() {
    let embedded = Embedded::start().await;
    let second = Server::start(options(&embedded.directory)).await;
    assert!(matches!(second, Err(Error::InUse { .. })), "{second:?}");
    embedded.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn halves_of_creations_and_removals_are_tidied_away() {
    let embedded = Embedded::start().await;
    let name = embedded.target.collection("whole").await;
    embedded.server.stop().await;
    let index = embedded.directory.path().join("index");
    for half in [".creating-a", ".removed-b"] {
        fs::create_dir_all(index.join(half).join("segments")).expect("made");
    }
    drop(embedded.server);
    let server = Server::start(options(&embedded.directory)).await.expect("started");
    let listed = client(&server.url(), Some(KEY)).list_collections().await.expect("listed").collections;
    assert_eq!(listed.into_iter().map(|collection| collection.name).collect::<Vec<_>>(), [name]);
    assert!(!index.join(".creating-a").exists() && !index.join(".removed-b").exists());
    server.stop().await;
}

/// A process that is forked while the engine has its log open holds the lock until its exec, also after the engine
/// let go. It made creations fail, beside the children that read HTML.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_a_forked_child_still_holds_is_waited_for() {
    let embedded = Embedded::start().await;
    let name = embedded.target.collection("held").await;
    embedded.server.stop().await;
    let log = fs::File::open(embedded.directory.path().join("index").join(&name).join("wal")).expect("a log");
    log.try_lock().expect("nobody holds it");
    let starting = Server::start(options(&embedded.directory));
    tokio::pin!(starting);
    let early = tokio::time::timeout(Duration::from_millis(300), &mut starting).await;
    assert!(early.is_err(), "it did not wait");
    log.unlock().expect("let go");
    let server = starting.await.expect("started");
    let count = client(&server.url(), Some(KEY)).count(CountPointsBuilder::new(&name).exact(true)).await;
    assert_eq!(count.expect("not damaged").result.expect("a result").count, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failed_creation_left_is_not_in_the_way_of_the_next() {
    let embedded = Embedded::start().await;
    let left = embedded.directory.path().join("index").join("again");
    fs::create_dir_all(left.join("segments")).expect("left");
    let client = client(&embedded.server.url(), Some(KEY));
    assert!(!client.collection_exists("again").await.expect("answered"));
    client.create_collection(wanted("again")).await.expect("made");
    let count = client.count(CountPointsBuilder::new("again").exact(true)).await;
    assert_eq!(count.expect("counted").result.expect("a result").count, 0);
    embedded.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_collection_is_answered_for_and_the_others_work() {
    let embedded = Embedded::start().await;
    let good = embedded.target.collection("good").await;
    let bad = embedded.target.collection("bad").await;
    for name in [&good, &bad] {
        embedded.target.upsert(name, vec![point(1, &[(1, 1.0)])]).await;
    }
    embedded.server.stop().await;
    drop(embedded.server);
    let segments = embedded.directory.path().join("index").join(&bad).join("segments");
    for segment in fs::read_dir(segments).expect("read") {
        fs::write(segment.expect("one").path().join("segment.json"), b"{").expect("harmed");
    }
    let server = Server::start(options(&embedded.directory)).await.expect("started");
    let client = client(&server.url(), Some(KEY));
    let count = |name: &str| client.count(CountPointsBuilder::new(name).exact(true));
    assert_eq!(count(&good).await.expect("counted").result.expect("a result").count, 1);
    let (code, message) = refusal(count(&bad).await);
    assert_eq!(code, Code::Internal);
    assert!(message.contains(&format!("Collection `{bad}` is damaged")), "{message}");
    assert!(client.collection_exists(&bad).await.expect("answered"));
    client.delete_collection(&bad).await.expect("removed");
    client.create_collection(wanted(&bad)).await.expect("made again");
    assert_eq!(count(&bad).await.expect("counted").result.expect("a result").count, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_larger_than_tonics_limit_is_taken() {
    let embedded = Embedded::start().await;
    let name = embedded.target.collection("large").await;
    let terms: Vec<(u32, f32)> = (0..2_000).map(|term| (term * 1_000, 1.0)).collect();
    // Six bytes and more for each of two million terms.
    embedded.target.upsert(&name, (0..1_000).map(|id| point(id, &terms)).collect()).await;
    assert_eq!(embedded.target.count(&name).await, 1_000);
    embedded.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_paths_are_refused() {
    let embedded = Embedded::start().await;
    for name in ["../out", "a/b", ".hidden", "lock", "", "nul\0"] {
        let answer = embedded.target.client.create_collection(wanted(name)).await;
        assert_eq!(refusal(answer).0, Code::InvalidArgument, "{name:?}");
    }
    embedded.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_is_removed_while_it_is_searched_and_written() {
    let embedded = Embedded::start().await;
    let name = embedded.target.collection("busy").await;
    embedded.target.upsert(&name, (0..2_000).map(|id| point(id, &[(1, 1.0), (2, 1.0)])).collect()).await;
    let searching = async {
        loop {
            let query = QueryPointsBuilder::new(&name).query(sparse_query(&[(1, 1.0)])).using(SPARSE);
            if let Err(error) = embedded.target.client.query(query).await {
                break refusal::<()>(Err(error)).0;
            }
        }
    };
    let writing = async {
        for id in 0.. {
            let request = UpsertPointsBuilder::new(&name, vec![point(id, &[(1, 1.0)])]).wait(true);
            if let Err(error) = embedded.target.client.upsert_points(request).await {
                return refusal::<()>(Err(error)).0;
            }
        }
        Code::Ok
    };
    let removing = async {
        tokio::task::yield_now().await;
        embedded.target.client.delete_collection(&name).await.expect("removed")
    };
    let (search, write, removed) = tokio::join!(searching, writing, removing);
    assert!(removed.result);
    for code in [search, write] {
        assert!(matches!(code, Code::NotFound | Code::Unavailable), "{code:?}");
    }
    assert!(!embedded.directory.path().join("index").join(&name).exists());
    embedded.server.stop().await;
}
