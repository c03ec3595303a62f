//! Whether a passage says in other words, or in another language, what a sentence says.
//!
//! Sentences are compared with sentences: a passage as a whole is near all that is said of its topic. From which cosine
//! on two of them say the same differs from embedder to embedder, and is fitted ([`crate::calibrate`]).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use contract::Language;
use serde::{Deserialize, Serialize};

use crate::Vectors;

/// Sentences of a passage that are looked at; most have fewer.
const SENTENCES: usize = 16;

/// Bytes of a sentence; longer ones are rows of tables or code, and few models read more at once.
const LONGEST: usize = 600;

/// The cosines from which two sentences say the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Nearness {
    /// In one language. One that is not here the embedder does not know.
    #[serde(default)]
    pub within: HashMap<Language, f32>,
    /// In two; `None`: the embedder does not know both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub across: Option<f32>,
}

impl Nearness {
    pub fn is_empty(&self) -> bool {
        self.within.is_empty() && self.across.is_none()
    }

    fn between(&self, one: Language, other: Language) -> Option<f32> {
        if one == other { self.within.get(&one).copied() } else { self.across }
    }
}

/// By what sentences are compared; kept with a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meaning {
    /// Identity of the embedder.
    pub embedder: String,
    pub nearness: Nearness,
}

/// Sentences compared with passages, each embedded once.
#[derive(Debug)]
pub struct Comparison<'a> {
    vectors: &'a Vectors,
    meaning: Option<&'a Meaning>,
    /// What passages state, sentence by sentence.
    passages: Vec<Vec<&'a str>>,
    known: HashMap<String, Arc<[f32]>>,
    /// The embedder did not answer: it is not asked again.
    away: bool,
}

impl<'a> Comparison<'a> {
    /// `passages`: their statements, each a sentence. Without a meaning nothing is ever known.
    pub fn new(vectors: &'a Vectors, meaning: Option<&'a Meaning>, mut passages: Vec<Vec<&'a str>>) -> Self {
        for passage in &mut passages {
            passage.retain(|text| is_comparable(text));
            passage.truncate(SENTENCES);
        }
        Self { vectors, meaning, passages, known: HashMap::new(), away: false }
    }

    /// Embeds what is needed to compare these sentences with these passages, by their index. An embedder that is away
    /// leaves them unknown, and is not asked again by this comparison.
    pub async fn look(&mut self, pairs: impl Iterator<Item = (String, usize)> + Send) {
        let Some(meaning) = self.meaning.filter(|_| !self.away) else { return };
        let mut wanted = HashSet::new();
        for (sentence, passage) in pairs.filter(|(sentence, _)| is_comparable(sentence)) {
            let language = Language::of(&sentence);
            let texts = self.passages.get(passage).into_iter().flatten();
            let comparable =
                texts.filter(|text| meaning.nearness.between(language, Language::of(text)).is_some());
            let comparable: Vec<String> = comparable.map(|text| (*text).to_owned()).collect();
            if !comparable.is_empty() {
                wanted.insert(sentence);
                wanted.extend(comparable);
            }
        }
        let wanted: Vec<String> = wanted.into_iter().filter(|text| !self.known.contains_key(text)).collect();
        if wanted.is_empty() {
            return;
        }
        match self.vectors.of_sentences(&meaning.embedder, &wanted).await {
            Some(vectors) => self.known.extend(wanted.into_iter().zip(vectors)),
            None => self.away = true,
        }
    }

    /// Whether a passage has a sentence that says the same, of those that `agree` with it otherwise; `None`: not known.
    pub fn says(&self, sentence: &str, passage: usize, agree: impl Fn(&str, &str) -> bool) -> Option<bool> {
        let nearness = &self.meaning?.nearness;
        let language = Language::of(sentence);
        let vector = self.known.get(sentence)?;
        let near = self.passages.get(passage)?.iter().filter_map(|text| {
            let from = nearness.between(language, Language::of(text))?;
            Some(cosine(vector, self.known.get(*text)?) >= from && agree(sentence, text))
        });
        near.reduce(|one, other| one || other)
    }
}

fn is_comparable(text: &str) -> bool {
    text.contains(char::is_alphabetic) && text.len() <= LONGEST
}

/// 0 where one of them has no direction.
pub(crate) fn cosine(one: &[f32], other: &[f32]) -> f32 {
    let dot = |one: &[f32], other: &[f32]| one.iter().zip(other).map(|(one, other)| one * other).sum::<f32>();
    let lengths = (dot(one, one) * dot(other, other)).sqrt();
    if lengths > 0.0 { dot(one, other) / lengths } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use models::embedding::Shape;
    use models::scripted_embeddings::ScriptedEmbedder;
    use models::{Embedder, Embedders};

    use super::*;
    use crate::Metrics;

    fn shape() -> Shape {
        Shape { dims: 512, query_prefix: String::new(), passage_prefix: String::new(), normalise: true }
    }

    fn vectors(model: &str) -> Vectors {
        let embedder = Arc::new(ScriptedEmbedder::new(model, shape(), 32)) as Arc<dyn Embedder>;
        Vectors::new(Embedders::new(vec![(model.to_owned(), embedder)], None), Metrics::default())
    }

    fn meaning(model: &str) -> Meaning {
        let within = HashMap::from([(Language::English, 0.6)]);
        let nearness = Nearness { within, across: Some(0.6) };
        Meaning { embedder: shape().identity(model), nearness }
    }

    fn passages() -> Vec<Vec<&'static str>> {
        vec![
            vec!["Parcels come on Monday.", "Have the automobile washed twice."],
            vec!["Nothing of the kind."],
        ]
    }

    async fn said(vectors: &Vectors, meaning: Option<&Meaning>, sentence: &str) -> [Option<bool>; 2] {
        let mut comparison = Comparison::new(vectors, meaning, passages());
        comparison.look([0, 1].map(|passage| (sentence.to_owned(), passage)).into_iter()).await;
        [0, 1].map(|passage| comparison.says(sentence, passage, |_, _| true))
    }

    #[tokio::test]
    async fn several_sentences_are_compared_with_one_passage_at_once_and_must_agree_with_it() {
        let (vectors, meaning) = (vectors("words"), meaning("words"));
        let mut comparison = Comparison::new(&vectors, Some(&meaning), passages());
        let asked = ["Parcels come on Tuesday.", "Have the car washed twice."];
        comparison.look(asked.into_iter().map(|sentence| (sentence.to_owned(), 0))).await;
        for sentence in asked {
            assert_eq!(comparison.says(sentence, 0, |_, _| true), Some(true), "{sentence}");
        }
        assert_eq!(comparison.says(asked[1], 0, |_, text| !text.contains("automobile")), Some(false));
        assert_eq!(comparison.says(asked[1], 1, |_, _| true), None, "nobody looked");
    }

    #[tokio::test]
    async fn a_passage_says_what_one_of_its_sentences_says() {
        let (vectors, meaning) = (vectors("words"), meaning("words"));
        let same = said(&vectors, Some(&meaning), "Have your car washed twice.").await;
        assert_eq!(same, [Some(true), Some(false)]);
        let across = said(&vectors, Some(&meaning), "Машина.").await;
        assert_eq!(across, [Some(false), Some(false)], "compared across languages");
        let french = Meaning { nearness: Nearness { across: None, ..meaning.nearness.clone() }, ..meaning };
        assert_eq!(said(&vectors, Some(&french), "Машина.").await, [None, None], "it does not know both");
    }

    #[tokio::test]
    async fn an_embedder_that_is_away_leaves_it_unknown() {
        assert_eq!(said(&vectors("away"), Some(&meaning("away")), "A car.").await, [None, None]);
        assert_eq!(said(&vectors("words"), Some(&meaning("other")), "A car.").await, [None, None]);
        assert_eq!(said(&vectors("words"), None, "A car.").await, [None, None]);
    }
}
