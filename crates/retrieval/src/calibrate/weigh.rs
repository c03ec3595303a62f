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

use super::across::Across;
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

/// As much as words, which across languages are few, and right.
const ALONE: f32 = 1.0;

/// How well cosines must tell probes with an answer from those without, and by how much in the middle. In documentation
/// of one product neighbours half answer a heading that is held out.
const APART: f64 = 0.65;
const GAP: f32 = 0.02;

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

/// The fit of a language that the knowledge base hardly has, from the probes of the others: the order is by meaning, and
/// by the names, numbers and code that both have; coverage is the cosine, counted from where nothing is answered (0) to
/// where probes are (1), each as much lower as the other language is farther away. `None`: too few probes, or the meaning
/// does not tell them apart.
pub(super) fn from_another(asked: &[Asked], across: Across) -> Option<Fit> {
    let headings = || asked.iter().filter(|one| one.is_heading);
    let positives = || headings().map(|one| one.answerable.nearest);
    let negatives = || headings().filter_map(|one| one.unanswerable).map(|sides| sides.nearest);
    if positives().count().min(negatives().count()) < PROBES {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "cosines")]
    let (above, below) = (mean(positives().map(f64::from)) as f32, mean(negatives().map(f64::from)) as f32);
    let (positive, negative): (Vec<f32>, Vec<f32>) = (positives().collect(), negatives().collect());
    let told_apart = coverage::auroc(&positive, &negative).is_some_and(|auroc| auroc >= APART);
    if above - below < GAP || !told_apart {
        return None;
    }
    let fusion = Fusion { weight: ALONE, cover: 1.0 / (above - below), middle: below - across.farther };
    let covered = |nearest: f32| fusion.coverage(0.0, Some(nearest - across.farther));
    let answerable: Vec<f32> = positive.into_iter().map(covered).collect();
    let unanswerable: Vec<f32> = negative.into_iter().map(covered).collect();
    let threshold = coverage::fit(&answerable, &unanswerable).threshold;
    Some(Fit { fusion, threshold, probes: 0, lexical: 0.0, dense: across.found, fused: across.found })
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
    fn a_language_without_probes_is_fitted_by_the_cosines_of_another_as_far_as_it_is_away() {
        let across = Across { farther: 0.1, found: 0.9, same: 0.5, translated: 0.9 };
        let fit = from_another(&asked(0.6, 0.6, 0.01), across).expect("enough probes");
        // Answerable probes have cosines of .61 to .70, unanswerable ones of .21 to .30; a tenth less across.
        let covered = |cosine: f32| fit.fusion.coverage(0.0, Some(cosine)) >= fit.threshold;
        assert!(covered(0.55) && !covered(0.2), "{fit:?}");
        assert!(fit.fusion.coverage(0.0, Some(0.455 + 0.1)) > 0.5 && fit.fusion.is_used(), "{fit:?}");
        assert_eq!(from_another(&asked(0.6, 0.6, 0.01)[..20], across), None);
        let mut alike = asked(0.6, 0.6, 0.01);
        for one in &mut alike {
            one.unanswerable = Some(one.answerable);
        }
        assert_eq!(from_another(&alike, across), None, "the meaning tells nothing");
    }

    #[test]
    fn a_few_probes_say_nothing() {
        assert_eq!(fit(&asked(0.6, 0.6, 0.01)[..20]), None);
    }
}
