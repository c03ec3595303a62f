//! What a ranking is worth. Pure functions; relevance is binary, ranks count from 0, results are from 0 to 1.

/// The discounted gain of the first `depth`, as a share of the best there could be.
/// Source: Järvelin, Kekäläinen 2002, with the logarithm to the base 2.
pub fn ndcg(found: &[usize], relevant: &[usize], depth: usize) -> f64 {
    let ideal: f64 = (0..relevant.len().min(depth)).map(gain).sum();
    let gained: f64 = hits(found, relevant, depth).map(gain).sum();
    if ideal > 0.0 { gained / ideal } else { 0.0 }
}

/// The share of what is relevant that is among the first `depth`. With several relevant documents the first
/// place alone cannot reach 1.
pub fn recall(found: &[usize], relevant: &[usize], depth: usize) -> f64 {
    share(hits(found, relevant, depth).count(), relevant.len()).unwrap_or(0.0)
}

/// One over the place of the first relevant document, counted from 1; 0 when it is not among the first
/// `depth`.
#[expect(clippy::cast_precision_loss, reason = "a rank is far below 2^52")]
pub fn reciprocal_rank(found: &[usize], relevant: &[usize], depth: usize) -> f64 {
    hits(found, relevant, depth).next().map_or(0.0, |rank| 1.0 / (rank + 1) as f64)
}

/// The share of `negatives` that is below the threshold which keeps the share `kept` of `positives`. `None`
/// when either is empty.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position among few questions"
)]
pub fn refused_keeping(kept: f64, positives: &[f32], negatives: &[f32]) -> Option<f64> {
    let mut sorted = positives.to_vec();
    sorted.sort_by(f32::total_cmp);
    // Rounded down: at least the share that is asked for is kept. A hair more, for 100 × (1 − 0.95) = 4.999….
    let lost = ((1.0 - kept) * sorted.len() as f64 + 1e-9) as usize;
    let threshold = *sorted.get(lost)?;
    share(negatives.iter().filter(|value| **value < threshold).count(), negatives.len())
}

/// The value that the share `quantile` of the sorted values is not above: the nearest rank, without
/// interpolation. 0 without values.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position among few values"
)]
pub fn percentile(sorted: &[f64], quantile: f64) -> f64 {
    let rank = (sorted.len() as f64 * quantile).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).or(sorted.last()).copied().unwrap_or(0.0)
}

/// The ranks that are relevant. A document that is listed twice counts once.
fn hits(found: &[usize], relevant: &[usize], depth: usize) -> impl Iterator<Item = usize> {
    let first = found.iter().take(depth).enumerate();
    first
        .filter(|(rank, document)| relevant.contains(document) && !found[..*rank].contains(document))
        .map(|(rank, _)| rank)
}

#[expect(clippy::cast_precision_loss, reason = "a rank is far below 2^52")]
fn gain(rank: usize) -> f64 {
    1.0 / ((rank + 2) as f64).log2()
}

#[expect(clippy::cast_precision_loss, reason = "counts of questions are far below 2^52")]
fn share(part: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction, unless compared with a tolerance")]
mod tests {
    use super::*;

    #[test]
    fn the_gain_of_one_relevant_document_falls_with_its_rank() {
        assert_eq!(ndcg(&[7, 1, 2], &[7], 10), 1.0);
        assert!((ndcg(&[1, 7, 2], &[7], 10) - 1.0 / 3f64.log2()).abs() < 1e-12);
        assert_eq!(ndcg(&[1, 2, 3], &[7], 10), 0.0);
        assert_eq!(ndcg(&[1, 2, 7], &[7], 2), 0.0);
    }

    #[test]
    fn the_gain_of_several_is_a_share_of_the_best_order_of_them() {
        assert_eq!(ndcg(&[7, 8, 9], &[9, 7, 8], 10), 1.0);
        let best = 1.0 + 1.0 / 3f64.log2();
        let had = 1.0 + 1.0 / 2.0;
        assert!((ndcg(&[7, 1, 8], &[7, 8], 10) - had / best).abs() < 1e-12);
        // More are relevant than fit: the first places full of them are as good as it gets.
        assert_eq!(ndcg(&[1, 2], &[1, 2, 3, 4], 2), 1.0);
    }

    #[test]
    fn a_document_found_twice_counts_once() {
        assert!(ndcg(&[7, 7], &[7, 8], 10) < 1.0);
        assert_eq!(recall(&[7, 7], &[7, 8], 10), 0.5);
    }

    #[test]
    fn recall_is_of_what_is_relevant_and_the_reciprocal_rank_of_the_first() {
        assert_eq!(recall(&[1, 7, 8, 2], &[7, 9], 10), 0.5);
        assert_eq!(recall(&[7, 9], &[7, 9], 1), 0.5);
        assert_eq!(reciprocal_rank(&[1, 7, 9], &[7, 9], 10), 0.5);
        assert_eq!(reciprocal_rank(&[1, 2, 7], &[7], 2), 0.0);
    }

    #[test]
    fn without_relevant_documents_nothing_is_gained() {
        assert_eq!((ndcg(&[1], &[], 10), recall(&[1], &[], 10)), (0.0, 0.0));
    }

    #[test]
    fn the_threshold_keeps_the_share_that_is_asked_for() {
        let positives: Vec<f32> = (1_u16..=100).map(f32::from).collect();
        // The sixth lowest is kept, the five below it are not.
        assert_eq!(refused_keeping(0.95, &positives, &[5.9, 6.0, 7.0, 1.0]), Some(0.5));
        assert_eq!(refused_keeping(0.95, &[0.4], &[0.3, 0.4, 0.5]), Some(1.0 / 3.0));
        assert_eq!(refused_keeping(0.95, &[], &[0.3]), None);
        assert_eq!(refused_keeping(0.95, &[0.3], &[]), None);
    }

    #[test]
    fn equal_coverage_counts_half_in_the_auroc() {
        let auroc = knowledge::coverage::auroc;
        assert_eq!(auroc(&[0.5, 0.5], &[0.5, 0.5, 0.5]), Some(0.5));
        assert_eq!(auroc(&[0.5, 0.9], &[0.5, 0.1]), Some((0.5 + 1.0 + 1.0 + 1.0) / 4.0));
    }

    #[test]
    fn a_percentile_is_a_value_that_occurred() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!((percentile(&values, 0.5), percentile(&values, 0.95)), (2.0, 4.0));
        assert_eq!((percentile(&[7.0], 0.5), percentile(&[], 0.5)), (7.0, 0.0));
    }
}
