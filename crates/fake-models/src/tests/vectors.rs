//! Vectors: near where texts are, and wrong on demand.

use serde_json::{Value, json};

use super::client::{Client, embed};
use crate::{EMBEDDING_MODEL, FakeModels, Misbehave, bag_of_words, base64};

const OPENAI: &str = "/v1/embeddings";
const OLLAMA: &str = "/api/embed";
const TEXTS: [&str; 3] = ["красный", "зелёный", "синий"];

fn cosine(one: &str, other: &str) -> f32 {
    let (mut one, mut other) = (bag_of_words(one, 256), bag_of_words(other, 256));
    crate::embedding::normalise(&mut one);
    crate::embedding::normalise(&mut other);
    one.iter().zip(&other).map(|(a, b)| a * b).sum()
}

async fn answered(misbehave: Misbehave, path: &str) -> Value {
    let models = FakeModels::start().await;
    models.next(misbehave);
    Client::connect(&models).await.call(path, &embed(&TEXTS)).await.json()
}

/// The vectors of either API as they came.
fn vectors(answer: &Value) -> Vec<Vec<Option<f64>>> {
    let list = answer["data"].as_array().or(answer["embeddings"].as_array()).expect("a list");
    let numbers = |one: &Value| one.as_array().expect("numbers").iter().map(Value::as_f64).collect();
    list.iter().map(|one| numbers(if one.is_array() { one } else { &one["embedding"] })).collect()
}

fn indices(answer: &Value) -> Vec<u64> {
    answer["data"].as_array().unwrap().iter().map(|one| one["index"].as_u64().unwrap()).collect()
}

#[test]
fn related_texts_are_near_and_others_are_not() {
    let question = "как сбросить пароль?";
    assert!(cosine(question, "Сброс пароля: чтобы сбросить пароль, откройте настройки") > 0.4);
    assert!(cosine(question, "delivery takes three days").abs() < 0.2);
    assert!(cosine("настройка", "настройки") > 0.4, "forms of one word");
    assert!((cosine("Hello, World", "hello world") - 1.0).abs() < 1e-5, "neither case nor commas count");
    assert!((cosine("!?", "!?") - 1.0).abs() < 1e-5, "a text without words has a vector too");
}

#[test]
fn base64_is_that_of_the_rfc() {
    for (plain, coded) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
    ] {
        assert_eq!(base64::encode(plain.as_bytes()), coded);
    }
}

#[tokio::test]
async fn vectors_have_the_length_one_unless_they_shall_not() {
    let models = FakeModels::start().await;
    let mut client = Client::connect(&models).await;
    for (normalised, path) in [(true, OPENAI), (true, OLLAMA), (false, OPENAI)] {
        models.normalised(normalised);
        let answer = client.call(path, &embed(&["one two three"])).await.json();
        let length: f64 = vectors(&answer)[0].iter().flatten().map(|number| number * number).sum();
        assert_eq!((length - 1.0).abs() < 1e-5, normalised, "{length}");
    }
}

#[tokio::test]
async fn a_dimension_can_be_wrong() {
    for path in [OPENAI, OLLAMA] {
        let answer = answered(Misbehave::WrongDimension(255), path).await;
        assert!(vectors(&answer).iter().all(|vector| vector.len() == 255));
    }
}

#[tokio::test]
async fn a_vector_can_be_missing() {
    let answer = answered(Misbehave::MissingEmbedding, OPENAI).await;
    assert_eq!((vectors(&answer).len(), indices(&answer)), (2, vec![1, 2]));
    assert_eq!(vectors(&answered(Misbehave::MissingEmbedding, OLLAMA).await).len(), 2);
}

#[tokio::test]
async fn vectors_can_be_out_of_order_with_their_true_indices() {
    let well = answered(Misbehave::Well, OPENAI).await;
    let shuffled = answered(Misbehave::ShuffledEmbeddings, OPENAI).await;
    assert_eq!(indices(&shuffled), [2, 1, 0]);
    let mut reversed = vectors(&shuffled);
    reversed.reverse();
    assert_eq!(reversed, vectors(&well));
    assert_eq!(vectors(&answered(Misbehave::ShuffledEmbeddings, OLLAMA).await), vectors(&well));
}

#[tokio::test]
async fn all_vectors_can_claim_one_index() {
    assert_eq!(indices(&answered(Misbehave::SameIndex, OPENAI).await), [0, 0, 0]);
}

#[tokio::test]
async fn a_number_can_be_none() {
    let answer = answered(Misbehave::NanEmbedding, OPENAI).await;
    assert!(vectors(&answer).iter().all(|vector| vector[0].is_none() && vector[1].is_some()));
    let models = FakeModels::start().await;
    models.always(Misbehave::NanEmbedding);
    let mut client = Client::connect(&models).await;
    let body =
        json!({ "model": EMBEDDING_MODEL, "input": "a", "encoding_format": "base64", "dimensions": 1 });
    let coded = client.call(OPENAI, &body).await.json();
    assert_eq!(coded["data"][0]["embedding"], base64::encode(&f32::NAN.to_le_bytes()));
    let response = client.call(OLLAMA, &embed(&["a"])).await;
    assert_eq!(response.status, 500);
    assert!(response.json()["error"].as_str().unwrap().contains("NaN"));
}

#[tokio::test]
async fn a_number_can_be_too_large_for_its_type() {
    for path in [OPENAI, OLLAMA] {
        let answer = answered(Misbehave::InfiniteEmbedding, path).await;
        assert!(vectors(&answer).iter().all(|vector| vector[0] == Some(1e39)));
    }
}

#[tokio::test]
async fn a_vector_can_be_without_direction() {
    for path in [OPENAI, OLLAMA] {
        let answer = answered(Misbehave::ZeroEmbedding, path).await;
        assert!(vectors(&answer).iter().flatten().all(|number| *number == Some(0.0)));
    }
}

#[tokio::test]
async fn an_answer_with_vectors_can_be_huge() {
    let models = FakeModels::start().await;
    let mut client = Client::connect(&models).await;
    for misbehave in [Misbehave::HugeAnswer(2_000_000), Misbehave::HugeLine(2_000_000)] {
        models.next(misbehave);
        let response = client.call(OPENAI, &embed(&TEXTS)).await;
        assert!(response.bytes().len() > 2_000_000);
        assert_eq!(vectors(&response.json()).len(), 3);
    }
}
