//! From what probes gave to the weights of a language. Pure.

use knowledge::{Fusion, coverage};

use super::meaning::Asked;
use crate::Fit;

/// Weights that are tried for the order.
pub(super) const WEIGHTS: [f32; 8] = [0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0];

/// Fewer probes say nothing about a language.
const PROBES: usize = 30;

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
    let best = (0..WEIGHTS.len()).max_by(|one, other| means[*one].total_cmp(&means[*other]))?;
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
