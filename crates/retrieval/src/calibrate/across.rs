//! Whether an embedder knows both languages as one, and how far apart they are to it.
//!
//! A knowledge base in one language has no probes of the other. Whether a question in that one finds its answer all the
//! same is a property of the embedder, so it is asked about texts whose translations are known ([`super::parallel`]).
//! all-MiniLM (English only) finds 22 of 24 answers in English, 9 of 24 in Russian, 1 of 48 across.

use super::nearness::LIMITS;
use super::parallel::ROWS;
use crate::Vectors;
use crate::meaning::cosine;
use crate::vectors::VectorError;

/// The share of what is found in one language that must be found across.
const HALF: f32 = 0.5;

/// What an embedder that knows both languages makes of a translation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Across {
    /// How much farther an answer is from its question in the other language, as a difference of cosines.
    pub(super) farther: f32,
    /// The share of answers that are found across the languages, 0 to 1.
    pub(super) found: f64,
    /// The cosine from which sentences of both languages say the same, as far as these texts tell.
    pub(super) same: f32,
    /// The mean cosine of a sentence and its translation.
    pub(super) translated: f32,
}

impl Across {
    /// The cosine from which sentences of both languages say the same in a knowledge base: neighbours are as dense there
    /// as within a language (`within`, the densest), less what a translation is away. `None`: most translations would
    /// not reach it.
    pub(super) fn same_beside(self, within: Option<f32>) -> Option<f32> {
        let dense = within.map_or(0.0, |within| within - (1.0 - self.translated));
        let same = self.same.max(dense).clamp(LIMITS.0, LIMITS.1);
        (same < self.translated).then_some(same)
    }
}

/// `None`: it does not know both.
///
/// # Errors
/// [`VectorError`].
pub(super) async fn ask(vectors: &Vectors, embedder: &str) -> Result<Option<Across>, VectorError> {
    let column = |of: usize| ROWS.iter().map(|row| row[of].to_owned()).collect::<Vec<String>>();
    let questions = vectors.of_questions(embedder, &[column(0), column(2)].concat()).await?;
    let answers = vectors.of_passages(embedder, &[column(1), column(3)].concat()).await?;
    let said = vectors.of_questions(embedder, &[column(1), column(3)].concat()).await?;
    Ok(judge(&questions, &answers, &said))
}

/// English ones first, then Russian ones, in the order of the rows. `said`: the answers, as sentences are compared.
fn judge(questions: &[Vec<f32>], answers: &[Vec<f32>], said: &[Vec<f32>]) -> Option<Across> {
    let rows = questions.len() / 2;
    let ((ask_en, ask_ru), (en, ru)) = (questions.split_at(rows), answers.split_at(rows));
    let within = [found(ask_en, en), found(ask_ru, ru)];
    let across = [found(ask_en, ru), found(ask_ru, en)];
    // An embedder that knows one language well is held to that.
    let known = within.iter().map(|found| found.share).fold(0.0, f32::max);
    let share = mean(across.iter().map(|found| found.share));
    if known < HALF || share < HALF * known {
        return None;
    }
    let near = |found: &[Found; 2]| mean(found.iter().map(|found| found.near));
    let translated = found(&said[..rows], &said[rows..]);
    Some(Across {
        farther: (near(&within) - near(&across)).max(0.0),
        found: f64::from(share),
        same: quantile(translated.others, SURE)?,
        translated: translated.near,
    })
}

/// The share of sentences that are told apart from what else is said of their topic.
pub(super) const SURE: f32 = 0.95;

/// How one side finds the other, row by row.
struct Found {
    /// The share that has its own row nearest.
    share: f32,
    /// Mean cosine of the own row.
    near: f32,
    /// Cosines of the nearest other row.
    others: Vec<f32>,
}

fn found(ones: &[Vec<f32>], others: &[Vec<f32>]) -> Found {
    let (mut hits, mut own, mut wrong) = (0.0, Vec::new(), Vec::new());
    for (row, one) in ones.iter().enumerate() {
        let cosines: Vec<f32> = others.iter().map(|other| cosine(one, other)).collect();
        let best_other = cosines.iter().enumerate().filter(|(other, _)| *other != row);
        let best_other = best_other.map(|(_, cosine)| *cosine).fold(f32::MIN, f32::max);
        hits += f32::from(u8::from(cosines[row] > best_other));
        own.push(cosines[row]);
        wrong.push(best_other);
    }
    Found { share: hits / count(ones.len()).max(1.0), near: mean(own.into_iter()), others: wrong }
}

/// The value below which this share of the others lies.
pub(super) fn quantile(mut values: Vec<f32>, share: f32) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let at = (count(values.len()) * share) as usize;
    values.get(at.min(values.len().checked_sub(1)?)).copied()
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, of) = values.fold((0.0, 0.0), |(sum, of), value| (sum + value, of + 1.0));
    if of > 0.0 { sum / of } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "some hundred sentences")]
const fn count(values: usize) -> f32 {
    values as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A direction for each of four rows; two rows of a topic share a part of theirs.
    fn row(row: usize, topic: f32, language: f32) -> Vec<f32> {
        let mut vector = vec![0.0; 7];
        vector[row] = 1.0;
        vector[4 + row / 2] = topic;
        vector[6] = language;
        vector
    }

    fn both(russian: impl Fn(usize) -> Vec<f32>) -> Vec<Vec<f32>> {
        (0..4).map(|n| row(n, 0.5, 0.0)).chain((0..4).map(russian)).collect()
    }

    #[test]
    fn an_embedder_that_knows_both_languages_is_told_with_how_far_they_are_apart() {
        let all = both(|n| row(n, 0.5, 0.6));
        let across = judge(&all, &all, &all).expect("it knows both");
        assert!((across.found - 1.0).abs() < 1e-6, "{across:?}");
        assert!(across.farther > 0.05 && across.farther < 0.3, "{across:?}");
        assert!(across.same > 0.1 && across.same < across.translated, "{across:?}");
        let same = across.same_beside(None).expect("translations reach it");
        assert!(same >= LIMITS.0 && same < across.translated, "{across:?}");
        let dense = across.same_beside(Some(0.9)).expect("they still do");
        assert!((dense - (across.translated - 0.1)).abs() < 1e-6 && dense > same, "{across:?}");
        let far = Across { translated: 0.4, ..across };
        assert_eq!(far.same_beside(None), None, "too far for anything to be sure");
    }

    #[test]
    fn one_that_knows_one_language_only_is_told_too() {
        let all = both(|_| row(0, 0.1, 1.0));
        assert_eq!(judge(&all, &all, &all), None);
    }

    #[test]
    fn a_quantile_of_nothing_is_none() {
        assert_eq!(quantile(Vec::new(), SURE), None);
        assert_eq!(quantile(vec![0.3, 0.1, 0.2], 0.5), Some(0.2));
        assert_eq!(quantile(vec![0.3], 1.0), Some(0.3));
    }
}
