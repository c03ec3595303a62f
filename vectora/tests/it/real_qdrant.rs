//! The embedded engine against a real Qdrant, where one is named: the same best ten for every question of `XQuAD`.

use std::path::PathBuf;

use knowledge::{Hit, Index, Point, Settings, analyser};
use serde_json::Value;
use testkit::Engine;
use uuid::Uuid;

/// Scores that differ by less are a tie: sums of floats in another order.
const TIE: f32 = 1e-3;

fn lines(name: &str) -> Option<Vec<Value>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/xquad").join(name);
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect())
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

async fn filled(settings: Settings, collection: &str, corpus: &[Value]) -> Index {
    let index = Index::connect(&settings).expect("an address");
    index.create(collection, None).await.expect("created");
    let points = corpus.iter().zip(1_u128..).map(|(row, n)| Point {
        id: Uuid::from_u128(n),
        sparse: analyser::document(text(row, "title"), &[], text(row, "text")),
        dense: None,
    });
    index.upsert(collection, points.collect()).await.expect("upserted");
    index
}

/// The ids of the best ten, those that tie with the tenth left out.
fn best(hits: &[Hit]) -> std::collections::BTreeSet<Uuid> {
    let last = hits.get(9).map_or(f32::MIN, |hit| hit.score + TIE);
    hits.iter().take(10).filter(|hit| hit.score > last).map(|hit| hit.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "the server is named from outside")]
async fn a_real_qdrant_finds_the_same_best_ten_as_the_embedded_engine() {
    let Ok(url) = std::env::var("VECTORA_TEST_QDRANT_URL") else {
        testkit::figure("skipped: VECTORA_TEST_QDRANT_URL names no real Qdrant to compare with");
        return;
    };
    let key = std::env::var("VECTORA_TEST_QDRANT_API_KEY").ok();
    let dir = tempfile::tempdir().expect("there is room");
    let engine = Engine::start(dir.path().join("index")).await;
    let collection = format!("vectora_test_{}", Uuid::now_v7().simple());
    for language in ["en", "ru"] {
        let (Some(corpus), Some(queries)) =
            (lines(&format!("corpus.{language}.jsonl")), lines(&format!("queries.{language}.jsonl")))
        else {
            testkit::figure("skipped: ../shared/data/xquad is not there");
            return;
        };
        let name = format!("{collection}_{language}");
        let embedded = Settings {
            url: Some(engine.url()),
            api_key: Some(engine.key.clone().into()),
            ..Settings::default()
        };
        let embedded = filled(embedded, &name, &corpus).await;
        let real =
            Settings { url: Some(url.clone()), api_key: key.clone().map(Into::into), ..Settings::default() };
        let real = filled(real, &name, &corpus).await;
        let mut differ = Vec::new();
        for query in &queries {
            let asked = analyser::query(text(query, "text")).sparse();
            let one = embedded.search(&name, &asked, 20).await.expect("searched");
            let other = real.search(&name, &asked, 20).await.expect("searched");
            if best(&one) != best(&other) {
                differ.push(text(query, "id").to_owned());
            }
        }
        real.drop_collection(&name).await.expect("dropped");
        assert_eq!(differ, Vec::<String>::new(), "{language}: of {} questions", queries.len());
    }
}
