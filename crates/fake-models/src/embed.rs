//! One call for embeddings is answered, in whichever API.

use tokio::time::Instant;

use super::body;
use super::embedding::normalise;
use super::exchange::{Done, Exchange};
use super::misbehave::Misbehave;
use super::record::{Api, EmbedCall};
use super::refusal::Refusal;
use super::settings::Settings;
use super::{ollama, openai};

/// A vector, and which input it says it is of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Embedding {
    pub(super) index: usize,
    pub(super) vector: Vec<f32>,
}

pub(super) async fn tell(
    exchange: &mut Exchange<'_>,
    call: &EmbedCall,
    settings: &Settings,
    misbehave: &Misbehave,
) -> Done {
    exchange.until(Instant::now() + settings.embedded_after).await?;
    if call.api == Api::Ollama && *misbehave == Misbehave::NanEmbedding {
        let message = "failed to encode response: json: unsupported value: NaN";
        return body::refuse(exchange, call.api, &Refusal::new(500, "server_error", message)).await;
    }
    let embeddings = embeddings(call, settings, misbehave);
    let text = match call.api {
        Api::OpenAi => openai::embeddings::body(call, &embeddings),
        Api::Ollama => ollama::embed::body(call, &embeddings),
    };
    // There are no lines here: what is huge is the body.
    let misbehave = match misbehave {
        Misbehave::HugeLine(bytes) => &Misbehave::HugeAnswer(*bytes),
        other => other,
    };
    body::answer(exchange, call.api, text.as_bytes(), misbehave).await
}

fn embeddings(call: &EmbedCall, settings: &Settings, misbehave: &Misbehave) -> Vec<Embedding> {
    let dimension = match misbehave {
        Misbehave::WrongDimension(dimension) => *dimension,
        _ => call.dimensions.unwrap_or(settings.dimension),
    };
    let vectors = call.inputs.iter().map(|text| {
        let mut vector = (settings.embeds)(text, dimension);
        if settings.normalised {
            normalise(&mut vector);
        }
        vector
    });
    let mut embeddings: Vec<Embedding> =
        vectors.enumerate().map(|(index, vector)| Embedding { index, vector }).collect();
    match misbehave {
        Misbehave::MissingEmbedding => drop(embeddings.drain(..1.min(embeddings.len()))),
        Misbehave::ShuffledEmbeddings if call.api == Api::OpenAi => embeddings.reverse(),
        Misbehave::SameIndex => embeddings.iter_mut().for_each(|embedding| embedding.index = 0),
        Misbehave::NanEmbedding => set_first(&mut embeddings, f32::NAN),
        Misbehave::InfiniteEmbedding => set_first(&mut embeddings, f32::INFINITY),
        Misbehave::ZeroEmbedding => {
            for embedding in &mut embeddings {
                embedding.vector.fill(0.0);
            }
        }
        _ => {}
    }
    embeddings
}

fn set_first(embeddings: &mut [Embedding], number: f32) {
    for embedding in embeddings {
        if let Some(first) = embedding.vector.first_mut() {
            *first = number;
        }
    }
}

/// As a JSON array: the shortest decimals that are the same 32-bit float again, and what JSON cannot say as
/// servers say it.
pub(super) fn numbers(vector: &[f32]) -> String {
    let numbers: Vec<String> = vector
        .iter()
        .map(|number| match number {
            number if number.is_nan() => "null".to_owned(),
            number if number.is_infinite() => "1e39".to_owned(),
            number => number.to_string(),
        })
        .collect();
    format!("[{}]", numbers.join(","))
}
