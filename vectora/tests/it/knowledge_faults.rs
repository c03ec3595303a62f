//! SIGKILL at every kill point of `extract` and `embed`: the same end state, at most the batch in flight embedded
//! again, no point doubled or missing.

use std::os::unix::process::ExitStatusExt;

use testkit::{Installation, Plan};

use crate::BINARY;
use crate::embedders::known;

const POINTS: [&str; 7] = ["received", "claimed", "worked", "uncommitted", "settled", "published", "acked"];

/// Everything search can see, by text: the same whoever died.
const VISIBLE: &str = "SELECT string_agg(d.path || '#' || rc.position || ' ' || c.text, E'\\n' ORDER BY d.path, rc.position)
    FROM documents d JOIN revision_chunks rc ON rc.revision_id = d.live_revision JOIN chunks c ON c.id = rc.chunk_id";

async fn visible(installation: &Installation) -> String {
    sqlx::query_scalar(VISIBLE).fetch_one(&installation.sql).await.expect("the statement is right")
}

fn files() -> Vec<(String, String)> {
    (0..6)
        .map(|n| {
            let sections: Vec<String> = (0..4)
                .map(|m| {
                    format!(
                        "## Section {m}\n\nSubject{n} has a section {m}. {}\n\n",
                        "More words. ".repeat(60)
                    )
                })
                .collect();
            (format!("{n}.md"), format!("# Article {n}\n\n{}", sections.concat()))
        })
        .collect()
}

async fn documents_survive_a_kill_at(points: &[String], plan: &Plan) {
    let mut first: Option<String> = None;
    for point in points {
        let installation = Box::pin(Installation::new(BINARY, plan.clone())).await;
        let _ingress = installation.ingress(&[]).await;
        let mut doomed = installation
            .worker("extract,embed", &[("VECTORA__FAULTS__AT", &format!("{point}=kill@2"))])
            .await;
        let files = files();
        let files: Vec<(&str, &[u8])> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
        let id = installation.ingest("help", &files).await;
        assert_eq!(doomed.ended().await.signal(), Some(9), "it dies at {point}");
        let _heir = installation.worker("extract,embed", &[]).await;
        let progress = installation.ingested(id).await;
        assert_eq!((progress.live, progress.failed), (6, 0), "{point}: {progress:?}");
        installation.assert_finished().await;
        installation.assert_index_clean().await;
        let seen = visible(&installation).await;
        assert_eq!(first.get_or_insert_with(|| seen.clone()), &seen, "{point}: another end state");
        let batches = installation.count("SELECT count(*) FROM embed_batches").await;
        assert_eq!(batches, 6, "{point}: a batch was written twice");
        let again = installation.count("SELECT count(*) FROM embed_batches WHERE epoch > 1").await;
        assert!(again <= batches, "{point}: {again} of {batches} batches were claimed again");
        assert_eq!(
            installation.count("SELECT max(epoch) FROM embed_batches").await.min(2),
            1 + i64::from(again > 0)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_extract_loses_no_document_and_doubles_no_chunk() {
    let points: Vec<String> = POINTS.iter().map(|point| format!("extract.{point}")).collect();
    documents_survive_a_kill_at(&points, &Plan::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_embed_loses_no_document_and_doubles_no_point() {
    let points: Vec<String> =
        POINTS.iter().chain(&["upserting", "upserted"]).map(|point| format!("embed.{point}")).collect();
    documents_survive_a_kill_at(&points, &Plan::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_embed_with_an_embedder_loses_no_vector() {
    let points = ["claimed", "upserting", "upserted", "uncommitted"].map(|point| format!("embed.{point}"));
    documents_survive_a_kill_at(&points, &Plan { env: known(&["words@64"]), ..Plan::default() }).await;
}
