//! A corpus with its questions, searched exactly.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use knowledge::{
    Sparse, analyser,
    coverage::{self, Idf},
    rerank::{self, Candidate, Reading, rerank},
};
use serde_json::Value;

pub(crate) struct Passage {
    pub(crate) title: String,
    pub(crate) heading: Vec<String>,
    pub(crate) text: String,
}

pub(crate) struct Question {
    pub(crate) text: String,
    /// Positions of passages; empty when it is not answerable.
    pub(crate) relevant: Vec<usize>,
}

pub(crate) struct Collection {
    pub(crate) passages: Vec<Passage>,
    pub(crate) questions: Vec<Question>,
    vectors: Vec<Sparse>,
    readings: Vec<Reading>,
    postings: HashMap<u32, Vec<(usize, f32)>>,
    scores: RefCell<Vec<f32>>,
}

pub(crate) struct Found {
    /// Positions of passages, in the order of the index.
    pub(crate) index: Vec<usize>,
    /// The same, in the order of the product.
    pub(crate) reranked: Vec<usize>,
    pub(crate) coverage: f32,
    pub(crate) reranking: Duration,
    /// In the texts of the candidates.
    pub(crate) characters: usize,
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON Lines")).collect()
}

fn string(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// Questions that no collection here answers, with their languages.
pub(crate) fn foreign(data: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in lines(&data.join("out-of-scope/queries.en.jsonl")) {
        found.push(("en".into(), string(&line, "text")));
    }
    for line in lines(&data.join("out-of-scope/queries.ru.jsonl")) {
        found.push(("en".into(), string(&line, "en")));
        found.push(("ru".into(), string(&line, "text")));
    }
    found
}

impl Collection {
    pub(crate) fn load(data: &Path, set: &str, language: &str) -> Self {
        let strings = |value: &Value| -> Vec<String> {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let mut ids = HashMap::new();
        let mut passages = Vec::new();
        for line in lines(&data.join(set).join(format!("corpus.{language}.jsonl"))) {
            ids.insert(string(&line, "id"), passages.len());
            passages.push(Passage {
                title: string(&line, "title"),
                heading: strings(&line["ancestors"]),
                text: string(&line, "text"),
            });
        }
        let questions = lines(&data.join(set).join(format!("queries.{language}.jsonl")))
            .iter()
            .map(|line| Question {
                text: string(line, "text"),
                relevant: strings(&line["relevant"]).iter().map(|id| ids[id]).collect(),
            })
            .collect();
        Self::index(passages, questions)
    }

    /// A knowledge base of one-passage articles.
    pub(crate) fn of(articles: &[(&str, &str)]) -> Self {
        let passages = articles
            .iter()
            .map(|&(title, text)| Passage { title: title.into(), heading: Vec::new(), text: text.into() })
            .collect();
        Self::index(passages, Vec::new())
    }

    fn index(passages: Vec<Passage>, questions: Vec<Question>) -> Self {
        let vectors: Vec<_> =
            passages.iter().map(|p| analyser::document(&p.title, &p.heading, &p.text)).collect();
        let readings = passages.iter().map(|p| Reading::of(&p.title, &p.heading, &p.text)).collect();
        let mut postings: HashMap<u32, Vec<(usize, f32)>> = HashMap::new();
        for (passage, vector) in vectors.iter().enumerate() {
            for (index, value) in vector.iter() {
                postings.entry(index).or_default().push((passage, value));
            }
        }
        let scores = RefCell::new(vec![0.0; passages.len()]);
        Self { passages, questions, vectors, readings, postings, scores }
    }

    /// Searches without the passages of an article, when one is named by its title.
    pub(crate) fn ask(&self, question: &str, without: Option<&str>) -> Found {
        let query = analyser::query(question);
        let points = self.passages.len() as u64;
        let containing = |index| self.postings.get(&index).map_or(0, Vec::len) as u64;
        let idf = Idf::by(&query, |index| coverage::idf(points, containing(index)));
        let mut scores = self.scores.borrow_mut();
        scores.fill(0.0);
        for (position, term) in query.terms.iter().enumerate() {
            for &(passage, value) in self.postings.get(&term.index).into_iter().flatten() {
                scores[passage] += idf.of(position) * term.weight * value;
            }
        }
        let allowed = |passage: &usize| without.is_none_or(|title| self.passages[*passage].title != title);
        let mut index: Vec<usize> =
            (0..self.passages.len()).filter(|&p| scores[p] > 0.0).filter(allowed).collect();
        index.sort_by(|&one, &other| scores[other].total_cmp(&scores[one]));
        index.truncate(rerank::CANDIDATES);
        let candidates: Vec<_> =
            index.iter().map(|&passage| self.candidate(passage, scores[passage])).collect();
        let begin = Instant::now();
        let ranked = rerank(&query, &idf, &candidates);
        let reranking = begin.elapsed();
        Found {
            coverage: coverage::coverage(&ranked),
            reranked: ranked.iter().map(|ranked| index[ranked.candidate]).collect(),
            reranking,
            characters: candidates.iter().map(|candidate| candidate.text.chars().count()).sum(),
            index,
        }
    }

    fn candidate(&self, passage: usize, score: f32) -> Candidate<'_> {
        let Passage { title, heading, text } = &self.passages[passage];
        Candidate { score, title, heading, text, reading: &self.readings[passage] }
    }

    /// Whether the questions are headings that the passages were stripped of.
    pub(crate) fn headings(&self) -> bool {
        self.passages.iter().any(|passage| !passage.heading.is_empty())
    }

    /// Coverage of the titles as questions: in the whole collection with the title not counted in its own
    /// passages, and without these passages.
    pub(crate) fn titles(&self) -> (Vec<f32>, Vec<f32>) {
        let mut titles: Vec<&str> = self.passages.iter().map(|passage| passage.title.as_str()).collect();
        titles.sort_unstable();
        titles.dedup();
        titles.retain(|title| !title.is_empty());
        let points = self.passages.len() as u64;
        let covered = titles.iter().map(|title| {
            let others = self.ask(title, Some(title)).coverage;
            let query = analyser::query(title);
            let containing = |index| self.postings.get(&index).map_or(0, Vec::len) as u64;
            let idf = Idf::by(&query, |index| coverage::idf(points, containing(index)));
            let own = self.passages.iter().filter(|passage| passage.title == *title);
            let own: Vec<_> = own.map(|own| (own, Reading::of("", &[], &own.text))).collect();
            let own = own.iter().map(|(passage, reading)| Candidate {
                score: coverage::score(&query, &idf, &analyser::document("", &[], &passage.text)),
                title: "",
                heading: &[],
                text: &passage.text,
                reading,
            });
            let own = coverage::coverage(&rerank(&query, &idf, &own.collect::<Vec<_>>()));
            (own.max(others), others)
        });
        covered.unzip()
    }

    /// A chunk, on average.
    pub(crate) fn postings(&self) -> f64 {
        self.vectors.iter().map(Sparse::len).sum::<usize>() as f64 / self.vectors.len() as f64
    }

    /// In so many characters, on average.
    pub(crate) fn postings_in(&self, characters: usize) -> f64 {
        let all: usize = self
            .passages
            .iter()
            .map(|p| p.title.chars().count() + p.text.chars().count() + p.heading.concat().chars().count())
            .sum();
        self.postings() * self.vectors.len() as f64 / all as f64 * characters as f64
    }
}

/// Discounted gain of the first ten, of the best there could be.
pub(crate) fn ndcg(found: &[usize], relevant: &[usize]) -> f64 {
    let gain = |rank: usize| 1.0 / ((rank + 2) as f64).log2();
    let ideal: f64 = (0..relevant.len().min(10)).map(gain).sum();
    let hits = found.iter().take(10).enumerate().filter(|(_, passage)| relevant.contains(passage));
    hits.map(|(rank, _)| gain(rank)).sum::<f64>() / ideal
}
