//! `--min name=value`: what a figure must reach.

use std::str::FromStr;

use retrieval::evaluate::Measured;

/// A figure and its least value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Minimum {
    name: String,
    value: f64,
}

/// What can have a minimum: of the times less is better.
const NAMES: [&str; 7] =
    ["ndcg_at_10", "recall_at_1", "recall_at_5", "recall_at_10", "mrr_at_10", "auroc", "refused_at_95"];

impl FromStr for Minimum {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("write name=value, such as ndcg_at_10=0.9")?;
        if !NAMES.contains(&name) {
            return Err(format!("there is no figure {name:?}: choose from {}", NAMES.join(", ")));
        }
        match value.parse::<f64>() {
            Ok(value) if (0.0..=1.0).contains(&value) => Ok(Self { name: name.to_owned(), value }),
            _ => Err(format!("{value:?} is not a number from 0 to 1")),
        }
    }
}

impl Minimum {
    /// What is wrong with a figure that is too low, or that there is not.
    pub(super) fn missed(&self, measured: &Measured) -> Option<String> {
        let Self { name, value } = self;
        match self.of(measured) {
            None => Some(format!("{name}: there were no negatives to measure it by")),
            // As printed: a figure that reads like the minimum has reached it.
            Some(had) if had + 5e-7 < *value => Some(format!("{name} is {had:.6}, the minimum is {value}")),
            Some(_) => None,
        }
    }

    fn of(&self, measured: &Measured) -> Option<f64> {
        match self.name.as_str() {
            "ndcg_at_10" => Some(measured.ndcg_at_10),
            "recall_at_1" => Some(measured.recall_at_1),
            "recall_at_5" => Some(measured.recall_at_5),
            "recall_at_10" => Some(measured.recall_at_10),
            "mrr_at_10" => Some(measured.mrr_at_10),
            "auroc" => measured.auroc,
            _ => measured.refused_at_95,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Measured {
        Measured {
            fusion: retrieval::evaluate::By::Lexical,
            embedder: None,
            fits: retrieval::Fits::default(),
            queries: 10,
            ndcg_at_10: 0.9,
            recall_at_1: 0.5,
            recall_at_5: 0.8,
            recall_at_10: 1.0,
            mrr_at_10: 0.7,
            auroc: None,
            refused_at_95: None,
            p50_ms: 1.0,
            p95_ms: 2.0,
        }
    }

    fn minimum(text: &str) -> Minimum {
        text.parse().expect("a minimum")
    }

    #[test]
    fn a_figure_below_its_minimum_is_named() {
        let missed = minimum("ndcg_at_10=0.95").missed(&measured()).expect("too low");
        assert_eq!(missed, "ndcg_at_10 is 0.900000, the minimum is 0.95");
        assert_eq!(minimum("ndcg_at_10=0.9").missed(&measured()), None);
        assert!(minimum("auroc=0.5").missed(&measured()).is_some());
    }

    #[test]
    fn what_has_no_minimum_is_refused() {
        for text in ["p50_ms=3", "ndcg_at_10", "ndcg_at_10=high", "ndcg_at_10=97", "ndcg=0.9"] {
            assert!(text.parse::<Minimum>().is_err(), "{text}");
        }
    }
}
