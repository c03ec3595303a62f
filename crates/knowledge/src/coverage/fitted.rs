//! The threshold of a knowledge base, from nothing but itself.
//!
//! **Answerable**: the headings, as questions, over the whole knowledge base, the vector and the text of a
//! heading's own sections taken without that heading. **Unanswerable**: the same headings with all chunks of
//! their own documents left out. The threshold keeps [`KEEP`] of the first; it goes below that when
//! it refuses [`REFUSE`] of the second anyway, and never leaves [`LOWEST`] to [`HIGHEST`]. Few
//! headings count less: the result is mixed with [`FALLBACK`] as if that came from [`WEIGHT`] more headings.
//!
//! Why it does not separate the two as well as it can: documents of one product answer each other's headings
//! ("Before you begin"), so their held-out headings are no model of foreign questions, and a threshold
//! between the two would refuse half of what is answered. Where documents are about different things,
//! held-out questions do score like foreign ones (xquad en: 95 % of both are below 0.48). And why the limits
//! are narrow: the words of a heading are the section's own; people ask in other words, so their coverage is
//! lower.

//!
//! What it does to questions it was not fitted by: every second heading fits it on docheads, the titles
//! elsewhere. The constants below were chosen with these sets in sight, the fallback as what keeps 96 % on
//! average of the six: another knowledge base may be further from its fallback than these
//! (`tests/quality.rs`).
//!
//! | set | fitted | kept | refused | with the fallback |
//! |---|---|---|---|---|
//! | docheads en | 0.447 | 97.9 % | 96.6 % | 98.9 %, 93.2 % |
//! | docheads ru | 0.385 | 97.5 % | 99.2 % | 97.5 %, 99.2 % |
//! | xquad en | 0.423 | 93.8 % | 91.5 % | 96.3 %, 87.4 % |
//! | xquad ru | 0.331 | 94.2 % | 81.2 % | 91.0 %, 89.4 % |
//! | squad2 | 0.418 | 94.9 % | 78.8 % | 96.6 %, 70.9 % |
//! | danetqa (no titles) | 0.380 | 95.4 % | 58.7 % | the same |

/// The threshold without any headings.
pub const FALLBACK: f32 = 0.38;
/// The share of answerable headings that a threshold keeps.
const KEEP: f32 = 0.97;
/// The share of held-out headings that is enough to refuse.
const REFUSE: f32 = 0.95;
/// A fitted threshold is never below.
const LOWEST: f32 = 0.30;
/// A fitted threshold is never above.
const HIGHEST: f32 = 0.45;
/// How many headings the fallback is worth.
const WEIGHT: f32 = 30.0;
/// Steps of the curve between 0 and 1.
const STEPS: u16 = 50;

/// What a threshold does to the headings it was fitted by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub threshold: f32,
    /// The share of the answerable at or above the threshold, 0 to 1; 1 when there are none.
    pub kept: f32,
    /// The share of the unanswerable below it, 0 to 1; 1 when there are none.
    pub refused: f32,
}

/// A fitted threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// Questions with less coverage are refused.
    pub threshold: f32,
    /// See [`Point::kept`], at the threshold.
    pub kept: f32,
    /// See [`Point::refused`], at the threshold. Low in documentation of one product, see above.
    pub refused: f32,
    /// For thresholds from 0 to 1, in steps of 0.02.
    pub curve: Vec<Point>,
}

/// The threshold for the coverage of answerable (`positives`) and unanswerable (`negatives`) headings. Values
/// that are no numbers are passed over. Either may be empty.
pub fn fit(positives: &[f32], negatives: &[f32]) -> Fitted {
    let (positives, negatives) = (sorted(positives), sorted(negatives));
    let fitted = quantile(&positives, 1.0 - KEEP).map_or(FALLBACK, |keeps| {
        quantile(&negatives, REFUSE).map_or(keeps, |refuses| keeps.min(refuses)).clamp(LOWEST, HIGHEST)
    });
    // Far fewer than 2^24.
    #[allow(clippy::cast_precision_loss)]
    let headings = positives.len() as f32;
    let threshold = (fitted * headings + FALLBACK * WEIGHT) / (headings + WEIGHT);
    let at = |threshold| Point {
        threshold,
        kept: 1.0 - share_below(&positives, threshold).unwrap_or(0.0),
        refused: share_below(&negatives, threshold).unwrap_or(1.0),
    };
    let curve = (0..=STEPS).map(|step| at(f32::from(step) / f32::from(STEPS))).collect();
    let Point { kept, refused, .. } = at(threshold);
    Fitted { threshold, kept, refused, curve }
}

/// The chance that an answerable question is covered better than an unanswerable one: 0.5 is guessing, 1
/// always. Equals count half. `None` when either is empty.
#[allow(clippy::cast_precision_loss)]
pub fn auroc(positives: &[f32], negatives: &[f32]) -> Option<f64> {
    let negatives = sorted(negatives);
    let mut wins = 0.0;
    let mut of = 0usize;
    for &positive in positives.iter().filter(|value| !value.is_nan()) {
        let below = negatives.partition_point(|&negative| negative < positive);
        let not_above = negatives.partition_point(|&negative| negative <= positive);
        wins += f64::midpoint(below as f64, not_above as f64);
        of += negatives.len();
    }
    (of > 0).then(|| wins / of as f64)
}

fn sorted(values: &[f32]) -> Vec<f32> {
    let mut values: Vec<f32> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    values.sort_by(f32::total_cmp);
    values
}

/// The value that a share of the sorted values is below.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn quantile(sorted: &[f32], share: f32) -> Option<f32> {
    sorted.get((sorted.len() as f32 * share) as usize).or(sorted.last()).copied()
}

#[allow(clippy::cast_precision_loss)]
fn share_below(sorted: &[f32], threshold: f32) -> Option<f32> {
    let below = sorted.partition_point(|&value| value < threshold);
    (!sorted.is_empty()).then(|| below as f32 / sorted.len() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp)]
    fn without_headings_the_threshold_is_the_fallback() {
        let fitted = fit(&[], &[]);
        assert_eq!((fitted.threshold, fitted.kept, fitted.refused), (FALLBACK, 1.0, 1.0));
        assert_eq!(fitted.curve.len(), 51);
    }

    #[test]
    fn a_threshold_keeps_the_answerable_before_it_refuses_the_unanswerable() {
        let positives: Vec<f32> = (0u16..1000).map(|n| 0.33 + f32::from(n) / 1000.0).collect();
        let fitted = fit(&positives, &positives);
        assert!((fitted.threshold - 0.36).abs() < 0.005, "{}", fitted.threshold);
        assert!(fitted.kept > 0.965);
    }

    #[test]
    fn a_threshold_is_no_higher_than_refusing_needs() {
        let high = vec![0.9; 1000];
        let low = vec![0.33; 1000];
        assert!((fit(&high, &low).threshold - 0.33).abs() < 0.01);
        assert!((fit(&high, &high).threshold - HIGHEST).abs() < 0.01);
    }

    #[test]
    fn few_headings_hardly_move_the_fallback() {
        assert!((fit(&[0.9, 0.9], &[]).threshold - FALLBACK).abs() < 0.01);
    }

    #[test]
    fn values_that_are_no_numbers_are_passed_over() {
        assert_eq!(fit(&[f32::NAN], &[f32::NAN]), fit(&[], &[]));
    }

    #[test]
    fn auroc_is_one_when_all_is_told_apart_and_a_half_when_nothing_is() {
        assert_eq!(auroc(&[0.5, 0.6], &[0.1, 0.2]), Some(1.0));
        assert_eq!(auroc(&[0.5], &[0.5]), Some(0.5));
        assert_eq!(auroc(&[], &[0.5]), None);
    }
}
