//! `--min name=value`: what a figure must reach.

use std::marker::PhantomData;
use std::str::FromStr;

/// Figures from 0 to 1 that a minimum can be asked of: of the times less is better, so they have none.
pub(super) trait Figures {
    /// The names, as they are written on the command line.
    const NAMES: &'static [&'static str];

    /// The figure of one of [`Figures::NAMES`]; `None`: there was nothing to measure it by.
    fn figure(&self, name: &str) -> Option<f64>;
}

/// A figure of an evaluation, and its least value.
#[derive(Debug, PartialEq)]
pub(super) struct Minimum<F> {
    name: &'static str,
    value: f64,
    of: PhantomData<fn(F)>,
}

// Derived, it would ask the same of the figures.
impl<F> Clone for Minimum<F> {
    fn clone(&self) -> Self {
        Self { name: self.name, value: self.value, of: PhantomData }
    }
}

impl<F: Figures> FromStr for Minimum<F> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| format!("write name=value, such as {}=0.9", F::NAMES[0]))?;
        let known = F::NAMES.iter().find(|known| **known == name);
        let name = known
            .ok_or_else(|| format!("there is no figure {name:?}: choose from {}", F::NAMES.join(", ")))?;
        match value.parse::<f64>() {
            Ok(value) if (0.0..=1.0).contains(&value) => Ok(Self { name, value, of: PhantomData }),
            _ => Err(format!("{value:?} is not a number from 0 to 1")),
        }
    }
}

impl<F: Figures> Minimum<F> {
    /// What is wrong with a figure that is too low, or that there is not.
    pub(super) fn missed(&self, figures: &F) -> Option<String> {
        let Self { name, value, .. } = self;
        match figures.figure(name) {
            None => Some(format!("{name}: there was nothing to measure it by")),
            // As printed: a figure that reads like the minimum has reached it.
            Some(had) if had + 5e-7 < *value => Some(format!("{name} is {had:.6}, the minimum is {value}")),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample;

    impl Figures for Sample {
        const NAMES: &'static [&'static str] = &["recall", "auroc"];

        fn figure(&self, name: &str) -> Option<f64> {
            (name == "recall").then_some(0.9)
        }
    }

    fn minimum(text: &str) -> Minimum<Sample> {
        text.parse().expect("a minimum")
    }

    #[test]
    fn a_figure_below_its_minimum_is_named() {
        let missed = minimum("recall=0.95").missed(&Sample).expect("too low");
        assert_eq!(missed, "recall is 0.900000, the minimum is 0.95");
        assert_eq!(minimum("recall=0.9").missed(&Sample), None);
        assert!(minimum("auroc=0.5").missed(&Sample).is_some());
    }

    #[test]
    fn what_has_no_minimum_is_refused() {
        for text in ["p50_ms=3", "recall", "recall=high", "recall=97", "rec=0.9"] {
            assert!(text.parse::<Minimum<Sample>>().is_err(), "{text}");
        }
    }
}
