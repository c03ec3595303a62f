//! Embedders against servers that misbehave.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fake_models::{FakeModels, Misbehave, bag_of_words};
use futures_util::future::join_all;

use super::{Metered, models};
use crate::{Embedder, ModelError, Purpose};

fn embedder(kind: &str, fake: &FakeModels) -> Metered {
    embedder_within("30s", kind, fake)
}

fn embedder_within(total: &str, kind: &str, fake: &FakeModels) -> Metered {
    let url = if kind == "ollama" { fake.ollama_url() } else { fake.openai_url() };
    models(&format!(
        "embedder = \"e\"\nbreaker = \"50ms\"\n[embedders.e]\nkind = \"{kind}\"\nbase_url = \"{url}\"\n\
         model = \"test-embed\"\ndims = 256\ntotal = \"{total}\"\nbatch = 3\n"
    ))
}

fn current(models: &Metered) -> Arc<dyn Embedder> {
    models.models.embedders.current().expect("it is configured")
}

fn texts() -> Vec<String> {
    ["Как оплатить счёт?", "东京 🦀", "three", "четыре", "five"].map(str::to_owned).to_vec()
}

fn near(one: &[f32], other: &[f32]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| (one - other).abs() < 1e-5)
}

#[tokio::test]
async fn vectors_come_in_the_order_of_their_texts_whatever_the_server_does() {
    for kind in ["openai", "ollama"] {
        for misbehaviour in [
            Misbehave::Well,
            Misbehave::ByteByByte,
            Misbehave::ShuffledEmbeddings,
            Misbehave::Status(503),
            Misbehave::TooMany { retry_after: Some("0".to_owned()) },
        ] {
            let fake = FakeModels::start().await;
            // Both batches of three.
            fake.next(misbehaviour.clone());
            let models = embedder(kind, &fake);
            let made = current(&models).embed(&texts(), Purpose::Passage).await;
            let made = made.unwrap_or_else(|error| panic!("{misbehaviour:?} of {kind}: {error}"));
            assert_eq!(made.len(), 5);
            for (text, vector) in texts().iter().zip(&made) {
                let mut expected = bag_of_words(text, 256);
                let length = expected.iter().map(|number| number * number).sum::<f32>().sqrt();
                for number in &mut expected {
                    *number /= length;
                }
                assert!(near(vector, &expected), "{misbehaviour:?} of {kind}: {text}");
            }
            let tokens =
                models.value("vectora_model_tokens_total{model=\"e/test-embed\",direction=\"prompt\"}");
            assert!(tokens >= 5.0, "{tokens}");
            assert!(fake.embedded().iter().all(|call| call.inputs.len() <= 3));
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_vectors_is_an_error_in_time() {
    let both = ["openai", "ollama"];
    let openai = ["openai"];
    let cases: Vec<(Misbehave, &[&str], &str)> = vec![
        (Misbehave::WrongDimension(8), &both, "8 dimensions came, 256"),
        (Misbehave::MissingEmbedding, &both, "vectors came for 3 texts"),
        (Misbehave::SameIndex, &openai, "same place"),
        (Misbehave::NanEmbedding, &both, ""),
        (Misbehave::InfiniteEmbedding, &both, ""),
        (Misbehave::ZeroEmbedding, &both, "zeros"),
        (Misbehave::StallBefore, &both, "total limit of 400ms"),
        (Misbehave::StallHeaders, &both, "total limit of 400ms"),
        (Misbehave::StallMiddle(1), &both, "total limit of 400ms"),
        (Misbehave::CutBefore, &both, "connection broke"),
        (Misbehave::CutMiddle(1), &both, "cut"),
        (Misbehave::EndMiddle(1), &both, ""),
        (Misbehave::TooMany { retry_after: Some("90".to_owned()) }, &both, "90s"),
        (Misbehave::Status(500), &both, "status 500"),
        (Misbehave::NotJson, &both, "status 502"),
        (Misbehave::Garbage, &both, "no list of vectors"),
        (Misbehave::Redirect, &both, "redirect"),
        (Misbehave::HugeAnswer(40 << 20), &both, ""),
        (Misbehave::KeepAliveComments(Duration::from_millis(20)), &both, "total limit of 400ms"),
    ];
    let cases =
        cases.iter().flat_map(|(wrong, kinds, word)| kinds.iter().map(move |kind| (wrong, kind, word)));
    join_all(cases.map(|(misbehaviour, kind, word)| async move {
        let fake = FakeModels::start().await;
        fake.always(misbehaviour.clone());
        let stalls = matches!(
            misbehaviour,
            Misbehave::StallBefore
                | Misbehave::StallHeaders
                | Misbehave::StallMiddle(_)
                | Misbehave::KeepAliveComments(_)
        );
        let models = if stalls { embedder_within("400ms", kind, &fake) } else { embedder(kind, &fake) };
        let started = Instant::now();
        let made = current(&models).embed(&texts(), Purpose::Query).await;
        let error = made.expect_err("it is spoilt").to_string();
        assert!(started.elapsed() < Duration::from_secs(30), "{misbehaviour:?} of {kind}: {error}");
        assert!(error.contains(word), "{misbehaviour:?} of {kind}: {error}");
    }))
    .await;
}

#[tokio::test]
async fn the_check_at_the_start_names_both_dimensions() {
    let fake = FakeModels::start().await;
    let models = embedder("openai", &fake);
    assert_eq!(models.models.embedders.check().await, Ok(()));
    fake.dimension(384);
    let error = models.models.embedders.check().await.expect_err("the model is another").to_string();
    assert!(
        error.contains("models.embedders.e") && error.contains("384") && error.contains("256"),
        "{error}"
    );
    assert_eq!(super::models("provider = \"none\"").models.embedders.check().await, Ok(()));
}

#[tokio::test]
async fn prefixes_are_sent_and_are_part_of_the_identity() {
    let fake = FakeModels::start().await;
    let text = |prefix: &str| {
        format!(
            "embedder = \"e\"\n[embedders.e]\nbase_url = \"{}\"\nmodel = \"test-embed\"\ndims = 256\n\
             query_prefix = \"{prefix}\"\npassage_prefix = \"passage: \"\n",
            fake.openai_url()
        )
    };
    let models = models(&text("query: "));
    let embedder = current(&models);
    for (purpose, sent) in [(Purpose::Query, "query: да"), (Purpose::Passage, "passage: да")] {
        embedder.embed(&["да".to_owned()], purpose).await.expect("vectors");
        assert_eq!(fake.embedded().pop().expect("it came").inputs, [sent]);
    }
    assert!(embedder.identity().starts_with("test-embed@256#"), "{}", embedder.identity());
    assert_ne!(embedder.identity(), current(&super::models(&text("q: "))).identity());
    let embedders = &models.models.embedders;
    let found = embedders.by_identity(embedder.identity()).expect("it is still configured");
    assert_eq!(found.identity(), embedder.identity());
    assert!(embedders.by_identity("test-embed@256#00000000").is_none());
}

#[tokio::test]
async fn a_text_that_does_not_fit_is_told_as_such() {
    let fake = FakeModels::start().await;
    fake.limits(fake_models::Limits { text: 10, ..fake_models::Limits::default() });
    let models = embedder("openai", &fake);
    let made = current(&models).embed(&["слово ".repeat(100)], Purpose::Passage).await;
    assert_eq!(made, Err(ModelError::TooLong));
}
