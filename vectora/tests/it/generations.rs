//! The index built anew: beside the live one, under load, and from the ledger alone.

use std::sync::atomic::{AtomicBool, Ordering};

use testkit::{Installation, Plan, eventually};

use crate::BINARY;

fn texts(edition: usize) -> Vec<(String, String)> {
    (0..40)
        .map(|n| {
            let text = format!(
                "# Article {n}\n\nThe zebra of edition {edition} lives at place{n}. {}\n",
                "Words. ".repeat(80)
            );
            (format!("{n}.md"), text)
        })
        .collect()
}

async fn load(installation: &Installation, edition: usize) {
    let texts = texts(edition);
    let files: Vec<(&str, &[u8])> =
        texts.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    let id = installation.ingest("help", &files).await;
    let progress = installation.ingested(id).await;
    assert_eq!(progress.failed, 0, "{progress:?}");
}

async fn run(installation: &Installation, arguments: &[&str]) -> (Option<i32>, String) {
    let mut program = installation.start(arguments, &[]);
    let status = program.ended().await;
    (status.code(), program.output())
}

#[tokio::test(flavor = "multi_thread")]
async fn reindexing_under_load_interrupts_no_search_and_ends_clean() {
    let installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
    let _ingress = installation.ingress(&[]).await;
    let _worker = installation.worker("extract,embed", &[]).await;
    load(&installation, 0).await;
    let before = store::generations::live(&installation.ledger).await.expect("read").expect("live");
    let over = AtomicBool::new(false);
    let retriever = installation.retriever();
    let searching = async {
        let mut looks = 0;
        while !over.load(Ordering::Relaxed) {
            for n in [3, 17, 39] {
                let found = retriever.search(&format!("zebra at place{n}"), None, 5).await.expect("searched");
                let best = &found.passages.first().expect("something is found at any moment").path;
                assert_eq!(best, &format!("{n}.md"));
                looks += 1;
            }
        }
        looks
    };
    let rebuilding = async {
        let (reindexed, ()) =
            tokio::join!(run(&installation, &["reindex", "--force"]), load(&installation, 1));
        assert_eq!(reindexed.0, Some(0), "{}", reindexed.1);
        over.store(true, Ordering::Relaxed);
    };
    let (looks, ()) = tokio::join!(searching, rebuilding);
    assert!(looks > 10, "{looks} looks");
    let after = store::generations::live(&installation.ledger).await.expect("read").expect("live");
    assert_ne!(before.id, after.id, "another generation is live");
    installation.assert_index_clean().await;
    let (code, said) = run(&installation, &["index", "check"]).await;
    assert_eq!(code, Some(0), "{said}");
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_was_lost_is_named_and_built_anew_from_the_ledger() {
    let installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
    let _ingress = installation.ingress(&[]).await;
    let _worker = installation.worker("extract,embed", &[]).await;
    load(&installation, 0).await;
    let live = store::generations::live(&installation.ledger).await.expect("read").expect("live");
    installation.index_client().drop_collection(&live.collection).await.expect("dropped behind its back");

    let lost = installation.retriever().search("zebra", None, 5).await.expect_err("it is gone");
    assert!(lost.to_string().contains("vectora reindex"), "{lost}");
    let (code, said) = run(&installation, &["index", "check"]).await;
    assert_ne!(code, Some(0), "{said}");

    let (code, said) = run(&installation, &["reindex"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(installation.search("zebra at place7").await.passages[0].path, "7.md");
    installation.assert_index_clean().await;
    let (code, said) = run(&installation, &["reindex"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("nothing to do"), "{said}");
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_was_lost_while_batches_waited_for_it_is_built_anew_past_them() {
    let installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
    let _ingress = installation.ingress(&[]).await;
    let mut first = installation.worker("extract,embed", &[]).await;
    load(&installation, 0).await;
    first.kill();
    let _extracting = installation.worker("extract", &[]).await;
    let texts = texts(1);
    let files: Vec<(&str, &[u8])> =
        texts.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    let ingestion = installation.ingest("help", &files).await;
    eventually("the batches of the second edition to wait", || async {
        let waiting = "SELECT count(*) FROM embed_batches WHERE state = 'open'";
        (installation.count(waiting).await >= 40).then_some(())
    })
    .await;
    let live = store::generations::live(&installation.ledger).await.expect("read").expect("live");
    installation.index_client().drop_collection(&live.collection).await.expect("dropped behind its back");

    // A breaker that opened for these batches would keep everything else from being embedded for longer than we wait.
    let patient = [("VECTORA__WORKERS__BREAKER", "100s"), ("VECTORA__WORKERS__BREAKER_MAX", "100s")];
    let _embedding = installation.worker("embed", &patient).await;
    eventually("the loss to be noticed", || async {
        let noticed = "SELECT count(*) FROM embed_batches WHERE last_error LIKE '%no collection%'";
        (installation.count(noticed).await >= 2).then_some(())
    })
    .await;
    let (code, said) = run(&installation, &["reindex"]).await;
    assert_eq!(code, Some(0), "{said}");
    installation.ingested(ingestion).await;
    let found = installation.search("zebra of edition 1 at place7").await;
    assert!(found.passages[0].text.contains("edition 1"), "{found:?}");
    installation.assert_index_clean().await;
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_chunks_are_made_without_the_files() {
    let installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
    let _ingress = installation.ingress(&[]).await;
    let _worker = installation.worker("extract,embed", &[]).await;
    load(&installation, 0).await;
    assert_eq!(installation.count("SELECT count(*) FROM revision_bytes").await, 0, "the files are not kept");
    let (code, said) = run(&installation, &["reindex", "--chunks"]).await;
    assert_eq!(code, Some(0), "{said}");
    eventually("every document to have its second revision live", || async {
        let live =
            "SELECT count(*) FROM documents d JOIN revisions r ON r.id = d.live_revision WHERE r.number = 2";
        (installation.count(live).await == 40).then_some(())
    })
    .await;
    assert_eq!(installation.search("zebra at place7").await.passages[0].path, "7.md");
    installation.assert_index_clean().await;
    installation.assert_finished().await;
}
