//! What a generation's fit says about words and meaning, language by language.

use std::collections::HashMap;

use contract::Language;
use knowledge::Fusion;
use serde::{Deserialize, Serialize};
use store::generations::Generation;

/// The fit of one language.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    #[serde(flatten)]
    pub fusion: Fusion,
    /// Questions with less coverage, by words and meaning, are refused.
    pub threshold: f32,
    /// Probes asked.
    pub probes: usize,
    /// nDCG@10 of the probes by words alone, by meaning alone, by both as fitted.
    pub lexical: f64,
    pub dense: f64,
    pub fused: f64,
}

/// Fits by language. A language that is not here is searched by words alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fits(HashMap<Language, Fit>);

impl Fits {
    /// Of a generation. One that this release cannot read counts as none: the next fit replaces it.
    pub fn of(generation: &Generation) -> Self {
        let read = generation.fusion.clone().map(serde_json::from_value);
        read.and_then(Result::ok).unwrap_or_default()
    }

    /// For a question: the fit of its language, if dense vectors are of any use there.
    pub fn for_question(&self, text: &str) -> Option<&Fit> {
        self.0.get(&Language::of(text)).filter(|fit| fit.fusion.is_used())
    }

    pub fn insert(&mut self, language: Language, fit: Fit) {
        self.0.insert(language, fit);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of the languages' names.
    pub fn iter(&self) -> impl Iterator<Item = (Language, &Fit)> {
        Language::ALL.into_iter().filter_map(|language| self.0.get(&language).map(|fit| (language, fit)))
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
        let kept = serde_json::to_value(&fits).expect("it is data");
        assert_eq!(kept["en"]["weight"], 1.0);
        let fits: Fits = serde_json::from_value(kept).expect("as it was kept");
        assert!(fits.for_question("a password").is_some());
        assert!(fits.for_question("пароль").is_none(), "the embedder is of no use there");
        assert!(Fits::default().for_question("a password").is_none(), "not fitted yet");
    }
}
