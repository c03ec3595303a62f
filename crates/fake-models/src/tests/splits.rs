//! Where chunks end.

use super::client::{Client, chat, embed};
use crate::{FakeModels, Misbehave};

const ANSWER: &str = "Щёлкните «Сбросить» — done ✅ [1].";
const PATHS: [&str; 2] = ["/v1/chat/completions", "/api/chat"];

#[tokio::test]
async fn every_byte_can_be_a_chunk_of_its_own() {
    let models = FakeModels::start().await;
    models.says(|_| ANSWER.to_owned());
    models.always(Misbehave::ByteByByte);
    let mut client = Client::connect(&models).await;
    for path in PATHS {
        let response = client.call(path, &chat("?", true)).await;
        assert!(response.chunks.iter().all(|chunk| chunk.len() == 1));
        assert_eq!(response.said(), ANSWER);
        let response = client.call(path, &chat("?", false)).await;
        assert!(response.chunks.iter().all(|chunk| chunk.len() == 1));
        assert!(response.json().to_string().contains("Щёлкните"));
    }
    for path in ["/v1/embeddings", "/api/embed"] {
        let response = client.call(path, &embed(&["a"])).await;
        assert!(response.chunks.len() > 256 && response.chunks.iter().all(|chunk| chunk.len() == 1));
        assert!(response.json().is_object());
    }
}

#[tokio::test]
async fn a_letter_can_be_split_across_chunks() {
    let models = FakeModels::start().await;
    models.says(|_| ANSWER.to_owned());
    models.always(Misbehave::SplitLetters);
    let letters = ANSWER.chars().filter(|letter| !letter.is_ascii()).count();
    let mut client = Client::connect(&models).await;
    for path in PATHS {
        for stream in [true, false] {
            let response = client.call(path, &chat("?", stream)).await;
            let split = response.chunks.iter().filter(|chunk| chunk.last().is_some_and(|byte| *byte >= 0xC0));
            assert_eq!(split.count(), letters, "{path}");
            assert!(response.text().contains('✅'));
        }
    }
    let response = client.call(PATHS[0], &chat("?", true)).await;
    assert_eq!(response.said(), ANSWER);
}
