//! Dense vectors: a generation with an embedder is found by meaning too, and never lost with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use models::embedding::Shape;
use models::scripted_embeddings::ScriptedEmbedder;
use models::{Embedder, Embedders};
use retrieval::{Metrics, Vectors};
use serde_json::json;
use store::generations::{self, Generation};
use testkit::{Installation, Plan, Program, eventually};

use crate::BINARY;

/// The environment of a process that knows these scripted embedders, `<name>@<dimensions>`; the first is the one for
/// new generations.
pub(crate) fn known(names: &[&str]) -> Vec<(String, String)> {
    let mut env = Vec::new();
    for embedder in names {
        let (name, dims) = embedder.split_once('@').expect("a name and dimensions");
        let key = |key: &str| format!("VECTORA__MODELS__EMBEDDERS__{}__{key}", name.to_uppercase());
        env.extend([(key("KIND"), "scripted".to_owned()), (key("MODEL"), name.to_owned())]);
        env.push((key("DIMS"), dims.to_owned()));
    }
    let first = names.first().and_then(|first| first.split_once('@'));
    env.extend(first.map(|(name, _)| ("VECTORA__MODELS__EMBEDDER".to_owned(), name.to_owned())));
    env
}

fn borrowed(env: &[(String, String)]) -> Vec<(&str, &str)> {
    env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

async fn installation(embedder: &str) -> Installation {
    Box::pin(Installation::new(BINARY, Plan { env: known(&[embedder]), ..Plan::default() })).await
}

fn shape(dims: &str) -> Shape {
    let dims = dims.parse().expect("a number");
    Shape { dims, query_prefix: String::new(), passage_prefix: String::new(), normalise: true }
}

fn identity(embedder: &str) -> String {
    let (name, dims) = embedder.split_once('@').expect("a name and dimensions");
    shape(dims).identity(name)
}

fn vectors(names: &[&str]) -> Vectors {
    let known = names.iter().map(|embedder| {
        let (name, dims) = embedder.split_once('@').expect("a name and dimensions");
        let scripted = ScriptedEmbedder::new(name, shape(dims), 32);
        (name.to_owned(), Arc::new(scripted) as Arc<dyn Embedder>)
    });
    let first = names.first().and_then(|first| first.split_once('@')).map(|(name, _)| name.to_owned());
    Vectors::new(Embedders::new(known.collect(), first), Metrics::default())
}

async fn live(installation: &Installation) -> Generation {
    generations::live(&installation.ledger).await.expect("read").expect("there is one")
}

/// As a fit leaves it that has found the embedder useful: the knowledge bases of these tests are too small for one.
async fn fitted(installation: &Installation) {
    let language = json!({ "weight": 1.0, "cover": 0.5, "middle": 0.3, "threshold": 0.3, "probes": 99, "lexical": 0.8,
                "dense": 0.8, "fused": 0.9 });
    let documents =
        installation.count("SELECT count(*) FROM documents WHERE live_revision IS NOT NULL").await;
    let fit = json!({ "recipe": retrieval::calibrate::RECIPE, "documents": documents, "headings": 0, "kept": 1.0, "refused": 1.0, "curve": [],
                      "fusion": { "en": language, "ru": language } });
    let id = live(installation).await.id;
    // Not before the keeper's own, which would follow the first documents.
    eventually("the keeper to have fitted", || async {
        generations::last_fit(&installation.ledger, id).await.ok()?
    })
    .await;
    generations::fit(&installation.ledger, id, Some(0.38), &fit).await.expect("kept");
}

async fn load(installation: &Installation, files: &[(&str, &str)]) {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    let id = installation.ingest("help", &files).await;
    let progress = installation.ingested(id).await;
    assert_eq!(
        (progress.live, progress.failed),
        (i64::try_from(files.len()).expect("few"), 0),
        "{progress:?}"
    );
}

const CAR: (&str, &str) = ("car.md", "# Your car\n\nHave the car looked after every two years.\n");
const BILL: (&str, &str) = ("bill.md", "# Invoices\n\nInvoices are sent on the first day of a month.\n");

fn reindex(installation: &Installation, env: &[(&str, &str)]) -> Program {
    installation.start(&["reindex"], env)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_means_the_same_is_found_by_its_meaning_and_in_another_language() {
    let installation = installation("words@256").await;
    let _ingress = installation.ingress(&[]).await;
    let _worker = installation.worker("extract,embed", &[]).await;
    load(&installation, &[CAR, BILL]).await;
    let generation = live(&installation).await;
    assert_eq!((generation.embedder, generation.dims), (Some(identity("words@256")), Some(256)));
    fitted(&installation).await;
    let retriever = installation.retriever_with(vectors(&["words@256"]));
    for question in ["automobile", "Мой автомобиль", "Наша машина"] {
        let found = retriever.search(question, None, 5).await.expect("searched");
        assert_eq!(found.passages.first().expect("something is near").path, "car.md", "{question}");
        let by_words = installation.search(question).await;
        assert!(by_words.passages.is_empty(), "{question}: words alone do not find it");
    }
    installation.assert_index_clean().await;
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_the_embedder_under_load_loses_no_search() {
    let installation = installation("first@64").await;
    let _ingress = installation.ingress(&[]).await;
    let worker = installation.worker("extract,embed", &[]).await;
    let texts: Vec<(String, String)> = (0..40)
        .map(|n| {
            (
                format!("{n}.md"),
                format!("# Article {n}\n\nThe zebra lives at place{n}. {}", "Words. ".repeat(80)),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    load(&installation, &files).await;
    fitted(&installation).await;
    let before = live(&installation).await;
    drop(worker);
    // Both: the old one is searched until the switch.
    let both = known(&["second@48", "first@64"]);
    let both = borrowed(&both);
    let _worker = installation.worker("extract,embed", &both).await;
    let over = AtomicBool::new(false);
    let retriever = installation.retriever_with(vectors(&["second@48", "first@64"]));
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
    let switching = async {
        let mut program = reindex(&installation, &both);
        let ended = program.ended().await;
        over.store(true, Ordering::Relaxed);
        assert!(ended.success(), "{}", program.output());
    };
    let (looks, ()) = tokio::join!(searching, switching);
    assert!(looks > 10, "{looks} looks");
    let after = live(&installation).await;
    assert_ne!(before.id, after.id);
    assert_eq!((after.embedder, after.dims), (Some(identity("second@48")), Some(48)));
    installation.assert_index_clean().await;
    let mut again = reindex(&installation, &both);
    assert!(again.ended().await.success() && again.output().contains("nothing to do"), "{}", again.output());
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_whose_embedder_is_away_or_slow_still_searches() {
    let installation = installation("slow@64").await;
    let _ingress = installation.ingress(&[]).await;
    let _worker = installation.worker("extract,embed", &[]).await;
    load(&installation, &[CAR, BILL]).await;
    fitted(&installation).await;
    for names in [&["slow@64"][..], &[]] {
        let retriever = installation.retriever_with(vectors(names));
        for _ in 0..3 {
            let began = Instant::now();
            let found = retriever.search("when are invoices sent", None, 5).await.expect("searched");
            assert_eq!(found.passages[0].path, "bill.md", "found by words");
            assert!(found.covered(), "and judged by words: {found:?}");
            assert!(began.elapsed() < Duration::from_millis(1900), "it was not waited for");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_dimension_is_named_at_the_start() {
    let installation = installation("short@16").await;
    for stage in ["embed", "retrieve"] {
        let mut worker = installation.start(&["worker", "--stage", stage], &[]);
        assert_eq!(worker.ended().await.code(), Some(78), "{}", worker.output());
        // What it said last may be read after its end.
        for words in ["models.embedders.short", "a vector of 15 dimensions", "16 are configured"] {
            worker.says(words).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dimension_that_changes_later_is_named_and_nothing_is_indexed() {
    let installation = installation("shrinks@16").await;
    let _ingress = installation.ingress(&[]).await;
    let _worker = installation.worker("extract,embed", &[]).await;
    let id = installation.ingest("help", &[(CAR.0, CAR.1.as_bytes())]).await;
    let progress = installation.ingested(id).await;
    assert_eq!((progress.live, progress.failed), (0, 1), "{progress:?}");
    let error: String = sqlx::query_scalar("SELECT last_error FROM embed_batches WHERE state = 'failed'")
        .fetch_one(&installation.sql)
        .await
        .expect("one failed");
    assert!(error.contains("a vector of 15 dimensions") && error.contains("16 are configured"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_an_embedder_that_is_not_here_wait_and_hold_up_nobody() {
    let installation = Box::pin(Installation::new(BINARY, Plan::default())).await;
    let _ingress = installation.ingress(&[]).await;
    let worker = installation.worker("extract,embed", &[]).await;
    load(&installation, &[CAR]).await;
    assert_eq!(live(&installation).await.embedder, None);
    let other = known(&["other@16"]);
    let other = borrowed(&other);
    let mut building = reindex(&installation, &other);
    eventually("a batch to wait for its embedder", || async {
        let waits =
            "SELECT count(*) FROM embed_batches WHERE last_error LIKE '%other@16#% is not configured%'";
        (installation.count(waits).await > 0).then_some(())
    })
    .await;
    load(&installation, &[BILL]).await;
    assert_eq!(installation.search("invoices").await.passages[0].path, "bill.md");
    drop(worker);
    let _worker = installation.worker("extract,embed", &other).await;
    assert!(building.ended().await.success(), "{}", building.output());
    assert_eq!(live(&installation).await.embedder, Some(identity("other@16")));
    installation.assert_index_clean().await;
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passage_that_the_embedder_refuses_is_found_by_its_words_and_harms_no_other() {
    let installation = installation("words@64").await;
    let _ingress = installation.ingress(&[]).await;
    let _worker = installation.worker("extract,embed", &[]).await;
    let sections: Vec<String> = (0..20)
        .map(|n| {
            let refused = if n == 7 { "#refused" } else { "" };
            format!("## Section {n}\n\nSubject{n} is here. {refused} {}\n\n", "More words. ".repeat(60))
        })
        .collect();
    load(&installation, &[("all.md", &format!("# All\n\n{}", sections.concat()))]).await;
    installation.assert_index_clean().await;
    let found = installation.search("subject7").await;
    assert!(found.passages[0].text.contains("Subject7"), "{found:?}");
    assert_eq!(installation.count("SELECT count(*) FROM embed_batches WHERE state <> 'done'").await, 0);
}
