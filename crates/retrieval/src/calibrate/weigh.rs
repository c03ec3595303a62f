//! From what probes gave to the weights of a language. Pure.
//!
//! The embedder is useful when the probes are found clearly better with it ([`GAIN`]) and it finds at least half as much
//! as words by itself ([`HALF`]). Otherwise its weight is 0. Useful, it weighs what the probes like best, but no more
//! than 0.3: probes are in the words of their own texts, one sentence of a paragraph for another, and like meaning
//! better than people's questions do. all-MiniLM, nDCG@10 of probes by words → by meaning alone, the weight that
//! probes like best → the one that the questions of the set like best:
//!
//! | xquad en | squad2 | docheads en | xquad ru | docheads ru |
//! |---|---|---|---|---|
//! | .79 → .86, 1.0 → 0.5 | .57 → .59, 0.75 → 0.4 | .31 → .26, 0.3 → 0.3 | .78 → .11, 0 → 0 | .38 → .09, 0 → 0 |

use knowledge::{Fusion, coverage};

use super::meaning::Asked;
use crate::Fit;

/// Weights that are tried for the order.
pub(super) const WEIGHTS: [f32; 6] = [0.0, 0.05, 0.1, 0.15, 0.2, 0.3];

/// Fewer probes say nothing about a language.
const PROBES: usize = 30;

/// What nDCG@10 of the probes must gain at the least: below, it is an accident of some probes.
const GAIN: f64 = 0.005;

/// The share of what words find that meaning alone must find.
const HALF: f64 = 0.5;

/// Coverage gains no more than this a cosine, whatever the probes say.
const COVER: f64 = 1.5;

/// How well a knowledge base covers a question, by words and by meaning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sides {
    pub(super) lexical: f32,
    /// Cosine of the nearest passage.
    pub(super) nearest: f32,
}

/// `None`: too few probes.
pub(super) fn fit(asked: &[Asked]) -> Option<Fit> {
    if asked.len() < PROBES {
        return None;
    }
    let means: Vec<f64> = (0..WEIGHTS.len()).map(|n| mean(asked.iter().map(|one| one.ndcg[n]))).collect();
    let dense = mean(asked.iter().map(|one| one.dense));
    // The smallest of equals: `max_by` would take the last.
    let best = (0..WEIGHTS.len()).rev().max_by(|one, other| means[*one].total_cmp(&means[*other]))?;
    let useful = dense >= HALF * means[0] && means[best] >= means[0] + GAIN;
    let best = if useful { best } else { 0 };
    let weight = WEIGHTS[best];
    let (cover, middle) = if weight > 0.0 { cover(asked) } else { (0.0, 0.0) };
    let fusion = Fusion { weight, cover, middle };
    let covered = |sides: Sides| fusion.coverage(sides.lexical, Some(sides.nearest));
    let headings = || asked.iter().filter(|one| one.is_heading);
    let answerable: Vec<f32> = headings().map(|one| covered(one.answerable)).collect();
    let unanswerable: Vec<f32> = headings().filter_map(|one| one.unanswerable).map(covered).collect();
    let threshold = coverage::fit(&answerable, &unanswerable).threshold;
    let (lexical, fused) = (means[0], means[best]);
    Some(Fit { fusion, threshold, probes: asked.len(), lexical, dense, fused })
}

/// What a cosine is worth against lexical coverage, and where it says nothing: the direction that tells
/// answerable from unanswerable best (Fisher's linear discriminant), scaled so that words count as before.
fn cover(asked: &[Asked]) -> (f32, f32) {
    let of = |sides: &mut dyn Iterator<Item = Sides>| -> Vec<[f64; 2]> {
        sides.map(|sides| [f64::from(sides.lexical), f64::from(sides.nearest)]).collect()
    };
    let positives = of(&mut asked.iter().map(|one| one.answerable));
    let negatives = of(&mut asked.iter().filter_map(|one| one.unanswerable));
    if negatives.len() < PROBES {
        return (0.0, 0.0);
    }
    let (above, below) = (centre(&positives), centre(&negatives));
    let (one, other) = (spread(&positives, above), spread(&negatives, below));
    let [a, b, d] = [0, 1, 2].map(|n| one[n] + other[n]);
    let apart = [above[0] - below[0], above[1] - below[1]];
    // The inverse of [[a, b], [b, d]] times `apart`, without its determinant, which cancels out.
    let lexical = d * apart[0] - b * apart[1];
    let dense = a * apart[1] - b * apart[0];
    let cover = match (lexical > 0.0, dense > 0.0) {
        (_, false) => 0.0,
        (true, true) => (dense / lexical).min(COVER),
        (false, true) => COVER,
    };
    #[expect(clippy::cast_possible_truncation, reason = "from 0 to 2")]
    let found = (cover as f32, f64::midpoint(above[1], below[1]) as f32);
    found
}

fn centre(points: &[[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|n| mean(points.iter().map(|point| point[n])))
}

/// Variances and covariance: `[aa, ab, bb]`.
fn spread(points: &[[f64; 2]], centre: [f64; 2]) -> [f64; 3] {
    [(0, 0), (0, 1), (1, 1)].map(|(one, other)| {
        mean(points.iter().map(|point| (point[one] - centre[one]) * (point[other] - centre[other])))
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of probes")]
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    if count > 0 { sum / count as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use contract::Language;

    use super::*;

    /// Probes that words find with `lexical`, and each weight better by `gain`.
    fn asked(lexical: f64, dense: f64, gain: f64) -> Vec<Asked> {
        (0..100_u8)
            .map(|n| {
                let noise = f32::from(n % 10) / 100.0;
                let sides = |lexical, nearest| Sides { lexical: lexical + noise, nearest: nearest - noise };
                Asked {
                    language: Language::English,
                    is_heading: n % 2 == 0,
                    ndcg: (0..6_u8).map(|step| lexical + gain * f64::from(step)).collect(),
                    dense,
                    answerable: sides(0.6, 0.7),
                    unanswerable: Some(sides(0.3, 0.3)),
                }
            })
            .collect()
    }

    #[test]
    fn an_embedder_that_helps_weighs_and_covers() {
        let fit = fit(&asked(0.6, 0.6, 0.01)).expect("enough probes");
        assert_eq!((fit.fusion.weight, fit.probes), (0.3, 100));
        assert!(fit.fusion.cover > 0.0 && (fit.fusion.middle - 0.455).abs() < 0.01, "{fit:?}");
        assert!(fit.fused > fit.lexical);
    }

    #[test]
    fn one_that_knows_nothing_of_the_language_or_changes_nothing_is_not_used() {
        for probes in [asked(0.6, 0.1, 0.01), asked(0.6, 0.6, 0.0), asked(0.6, 0.6, -0.01)] {
            assert!(!fit(&probes).expect("enough probes").fusion.is_used());
        }
    }

    #[test]
    fn a_few_probes_say_nothing() {
        assert_eq!(fit(&asked(0.6, 0.6, 0.01)[..20]), None);
    }
}
