//! What a generation's fit says about words and meaning, language by language.

use std::collections::HashMap;

use contract::Language;
use knowledge::Fusion;
use serde::{Deserialize, Serialize};
use store::generations::Generation;

use crate::Nearness;

/// The fit of one language.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    #[serde(flatten)]
    pub fusion: Fusion,
    /// Questions with less coverage, by words and meaning, are refused.
    pub threshold: f32,
    /// Probes asked; 0: the knowledge base says too little in this language, and it was fitted by another.
    pub probes: usize,
    /// nDCG@10 of the probes by words alone, by meaning alone, by both as fitted.
    pub lexical: f64,
    pub dense: f64,
    pub fused: f64,
}

/// What the embedder is good for, by language. A language that is not here is searched by words alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Fits {
    #[serde(flatten)]
    languages: HashMap<Language, Fit>,
    /// From where on sentences say the same.
    #[serde(default, skip_serializing_if = "Nearness::is_empty")]
    pub nearness: Nearness,
}

impl Fits {
    /// Of a generation. One that this release cannot read counts as none: the next fit replaces it.
    pub fn of(generation: &Generation) -> Self {
        let read = generation.fusion.clone().map(serde_json::from_value);
        read.and_then(Result::ok).unwrap_or_default()
    }

    /// For a question: the fit of its language, if dense vectors are of any use there.
    pub fn for_question(&self, text: &str) -> Option<&Fit> {
        self.languages.get(&Language::of(text)).filter(|fit| fit.fusion.is_used())
    }

    pub(crate) fn get(&self, language: Language) -> Option<&Fit> {
        self.languages.get(&language)
    }

    pub fn insert(&mut self, language: Language, fit: Fit) {
        self.languages.insert(language, fit);
    }

    pub fn is_empty(&self) -> bool {
        self.languages.is_empty() && self.nearness.is_empty()
    }

    /// In the order of the languages' names.
    pub fn iter(&self) -> impl Iterator<Item = (Language, &Fit)> {
        Language::ALL
            .into_iter()
            .filter_map(|language| self.languages.get(&language).map(|fit| (language, fit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(weight: f32) -> Fit {
        let fusion = Fusion { weight, cover: 0.0, middle: 0.4 };
        Fit { fusion, threshold: 0.4, probes: 100, lexical: 0.8, dense: 0.7, fused: 0.9 }
    }

    #[test]
    fn a_question_is_searched_as_its_language_was_fitted() {
        let mut fits = Fits::default();
        fits.insert(Language::English, fit(1.0));
        fits.insert(Language::Russian, fit(0.0));
        fits.nearness = Nearness { within: [(Language::English, 0.75)].into(), across: None };
        let kept = serde_json::to_value(&fits).expect("it is data");
        assert_eq!(kept["en"]["weight"], 1.0);
        assert_eq!(kept["nearness"]["within"]["en"], 0.75);
        assert_eq!(serde_json::from_value::<Fits>(kept).expect("as it was kept"), fits);
        let before = serde_json::json!({ "en": fit(1.0), "ru": fit(0.0) });
        let fits: Fits = serde_json::from_value(before).expect("as an earlier release kept it");
        assert!(fits.for_question("a password").is_some());
        assert!(fits.for_question("пароль").is_none(), "the embedder is of no use there");
        assert!(Fits::default().for_question("a password").is_none(), "not fitted yet");
    }
}
