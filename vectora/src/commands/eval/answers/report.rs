//! The report of an evaluation: what is printed, written as JSON, drawn as a page, and held against minima.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use contract::{Citation, MessageId};
use retrieval::evaluate::percentile;
use serde::Serialize;
use store::measure::Spent;

use super::judge::{Judged, Verdict, judge};
use super::pipeline::Reply;
use super::set::Item;
use crate::commands::eval::minimum::Figures;

/// All of it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    /// When the first question was asked, by this machine's clock.
    pub(super) began: DateTime<Utc>,
    pub(super) questions: usize,
    /// Those the knowledge base answers.
    pub(super) answerable: usize,
    pub(super) answered: usize,
    /// Those handed to a human are among them.
    pub(super) refused: usize,
    /// Neither: failed, superseded, out of time, not accepted.
    pub(super) unanswered: usize,
    pub(super) answered_wrongly: usize,
    pub(super) refused_wrongly: usize,
    pub(super) good: usize,
    pub(super) shares: Shares,
    /// `None`: no question came to an end.
    pub(super) latency_ms: Option<Latency>,
    /// By who wrote the answers, the most answers first; empty without a ledger.
    pub(super) models: Vec<Model>,
    /// In the order of the set.
    pub(super) rows: Vec<Row>,
}

/// Shares from 0 to 1; `None` where there was nothing to take a share of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Shares {
    /// Good ones, of all questions.
    pub(super) correct: Option<f64>,
    /// Answered ones, of those the knowledge base answers.
    pub(super) answered: Option<f64>,
    /// Refused ones, of those to be refused.
    pub(super) refused: Option<f64>,
    /// With an expected text in the answer, of the answerable ones with an expected text.
    pub(super) span_found: Option<f64>,
    /// With a citation, of all answers.
    pub(super) cited: Option<f64>,
    /// With a citation as expected, of the answers that were right to be given and expect one.
    pub(super) cited_correctly: Option<f64>,
}

/// From accepted to final as the client sees it, in milliseconds, of answers and refusals alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) max: f64,
}

/// What one model, or `extractive`, or `none` (nobody), wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Model {
    pub(super) name: String,
    /// Refusals that it wrote are among them.
    pub(super) answers: u64,
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
    pub(super) prompt_tokens_per_answer: f64,
    pub(super) completion_tokens_per_answer: f64,
    /// Some are estimated from characters, because a provider did not count.
    pub(super) estimated: bool,
}

/// One question.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) question: String,
    pub(super) history: Vec<String>,
    pub(super) expect: Vec<String>,
    pub(super) source: Option<String>,
    pub(super) refuse: bool,
    pub(super) verdict: Verdict,
    /// Of the question; `unaccepted`: it never was one.
    pub(super) status: &'static str,
    pub(super) answer: Option<String>,
    pub(super) citations: Vec<Citation>,
    pub(super) cited: Option<bool>,
    pub(super) cited_correctly: Option<bool>,
    pub(super) span_found: Option<bool>,
    pub(super) latency_ms: Option<f64>,
    pub(super) model: Option<String>,
    pub(super) prompt_tokens: Option<u32>,
    pub(super) completion_tokens: Option<u32>,
    pub(super) error: Option<String>,
}

impl Report {
    /// `replies` are of `set`, in its order.
    pub(super) fn new(
        began: DateTime<Utc>,
        set: &[Item],
        replies: Vec<Reply>,
        spent: &HashMap<MessageId, Spent>,
    ) -> Self {
        let rows: Vec<Row> =
            set.iter().zip(replies).map(|(item, reply)| Row::new(item, reply, spent)).collect();
        let is = |verdict: Verdict| count(&rows, |row| row.verdict == verdict);
        let refused = |row: &Row| matches!(row.status, "refused" | "escalated") && row.latency_ms.is_some();
        Self {
            began,
            questions: rows.len(),
            answerable: count(&rows, |row| !row.refuse),
            answered: count(&rows, |row| row.cited.is_some()),
            refused: count(&rows, refused),
            unanswered: is(Verdict::Unanswered),
            answered_wrongly: is(Verdict::AnsweredWrongly),
            refused_wrongly: is(Verdict::RefusedWrongly),
            good: is(Verdict::Good),
            shares: Shares {
                correct: share(rows.iter().map(|row| Some(row.verdict.is_good()))),
                answered: share(rows.iter().map(|row| (!row.refuse).then_some(row.cited.is_some()))),
                refused: share(rows.iter().map(|row| row.refuse.then(|| refused(row)))),
                span_found: share(rows.iter().map(|row| row.span_found)),
                cited: share(rows.iter().map(|row| row.cited)),
                cited_correctly: share(rows.iter().map(|row| row.cited_correctly)),
            },
            latency_ms: latency(&rows),
            models: models(&rows, spent),
            rows,
        }
    }
}

impl Row {
    fn new(item: &Item, reply: Reply, spent: &HashMap<MessageId, Spent>) -> Self {
        let Judged { verdict, cited, cited_correctly, span_found } = judge(item, &reply);
        let Reply { question, latency, error } = reply;
        let spent = question.as_ref().and_then(|question| spent.get(&question.id));
        let status = question.as_ref().map_or("unaccepted", |question| question.status.as_str());
        let (answer, citations, failure) = match question {
            Some(question) => (question.answer, question.citations, question.error),
            None => (None, Vec::new(), None),
        };
        Self {
            id: item.id.clone(),
            question: item.question.clone(),
            history: item.history.clone(),
            expect: item.expect.clone(),
            source: item.source.clone(),
            refuse: item.refuse,
            verdict,
            status,
            answer,
            citations,
            cited,
            cited_correctly,
            span_found,
            latency_ms: latency.map(|latency| 1000.0 * latency.as_secs_f64()),
            model: spent.map(|spent| spent.model.clone()),
            prompt_tokens: spent.and_then(|spent| spent.prompt_tokens),
            completion_tokens: spent.and_then(|spent| spent.completion_tokens),
            error: error.or(failure),
        }
    }
}

impl Figures for Shares {
    const NAMES: &'static [&'static str] =
        &["correct", "answered", "refused", "span_found", "cited", "cited_correctly"];

    fn figure(&self, name: &str) -> Option<f64> {
        match name {
            "correct" => self.correct,
            "answered" => self.answered,
            "refused" => self.refused,
            "span_found" => self.span_found,
            "cited" => self.cited,
            _ => self.cited_correctly,
        }
    }
}

fn count(rows: &[Row], is: impl Fn(&Row) -> bool) -> usize {
    rows.iter().filter(|row| is(row)).count()
}

/// The share of true ones among those there are.
#[expect(clippy::cast_precision_loss, reason = "a count of questions is far below 2^52")]
fn share(all: impl Iterator<Item = Option<bool>>) -> Option<f64> {
    let all: Vec<bool> = all.flatten().collect();
    let good = all.iter().filter(|good| **good).count();
    (!all.is_empty()).then(|| good as f64 / all.len() as f64)
}

fn latency(rows: &[Row]) -> Option<Latency> {
    let mut times: Vec<f64> = rows.iter().filter_map(|row| row.latency_ms).collect();
    times.sort_by(f64::total_cmp);
    let max = *times.last()?;
    Some(Latency { p50: percentile(&times, 0.5), p95: percentile(&times, 0.95), max })
}

#[expect(clippy::cast_precision_loss, reason = "tokens of some questions are far below 2^52")]
fn models(rows: &[Row], spent: &HashMap<MessageId, Spent>) -> Vec<Model> {
    let mut estimated: BTreeMap<&str, bool> = BTreeMap::new();
    for spent in spent.values() {
        *estimated.entry(&spent.model).or_default() |= spent.estimated;
    }
    let mut models: Vec<Model> = estimated
        .into_iter()
        .map(|(model, estimated)| {
            let its = || rows.iter().filter(|row| row.model.as_deref() == Some(model));
            let sum = |tokens: fn(&Row) -> Option<u32>| its().filter_map(tokens).map(u64::from).sum::<u64>();
            let answers = its().count() as u64;
            let (prompt, completion) = (sum(|row| row.prompt_tokens), sum(|row| row.completion_tokens));
            let per_answer = |tokens: u64| tokens as f64 / answers.max(1) as f64;
            Model {
                name: model.to_owned(),
                answers,
                prompt_tokens: prompt,
                completion_tokens: completion,
                prompt_tokens_per_answer: per_answer(prompt),
                completion_tokens_per_answer: per_answer(completion),
                estimated,
            }
        })
        .collect();
    models.sort_by_key(|model| std::cmp::Reverse(model.answers));
    models
}

#[cfg(test)]
pub(super) mod tests;
