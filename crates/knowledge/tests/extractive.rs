//! How often the quoted sentences hold the answer, on the measuring data in `../shared/data`. Says that it
//! skipped where there is no data.
//!
//! The figures are printed with `cargo test --release -p knowledge --test extractive -- --nocapture`.
#![expect(clippy::print_stdout, reason = "figures are for people to read")]
#![expect(clippy::cast_precision_loss, reason = "counts of questions")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use contract::Language;
use knowledge::extractive::{Extract, Passage, Quoter};
use knowledge::{analyser, coverage};
use serde_json::Value;

/// Least share of questions whose answer is quoted: out of the paragraph that has it, and out of the best
/// five of a plain search.
const FLOORS: [(&str, &str, f64, f64); 3] =
    [("xquad", "en", 0.87, 0.84), ("xquad", "ru", 0.85, 0.81), ("squad2", "en", 0.91, 0.80)];

#[test]
fn the_quoted_sentences_hold_the_answer() {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !data.join("xquad").is_dir() {
        println!("skipped: no ../shared/data beside the repository");
        return;
    }
    for (set, language, gold, searched) in FLOORS {
        let measured = Corpus::load(&data, set, language).measure(language);
        println!("{set} {language}: {measured:?}");
        assert!(measured.gold >= gold, "{set} {language}: {measured:?}");
        assert!(measured.searched >= searched, "{set} {language}: {measured:?}");
    }
}

#[derive(Debug)]
#[expect(dead_code, reason = "printed")]
struct Measured {
    questions: usize,
    /// Share whose answer is quoted, out of the right paragraph alone.
    gold: f64,
    /// Mean share of that paragraph that is quoted, in characters.
    quoted: f64,
    /// Mean number of sentences.
    sentences: f64,
    /// Share whose answer is quoted, out of five paragraphs found.
    searched: f64,
    characters: f64,
    micros: f64,
}

struct Corpus {
    paragraphs: Vec<(String, String)>,
    positions: HashMap<String, usize>,
    postings: HashMap<u32, Vec<(usize, f32)>>,
    questions: Vec<Value>,
}

impl Corpus {
    fn load(data: &Path, set: &str, language: &str) -> Self {
        let lines = |name: &str| -> Vec<Value> {
            let path = data.join(set).join(format!("{name}.{language}.jsonl"));
            let text = std::fs::read_to_string(&path).expect("the set is whole");
            text.lines().map(|line| serde_json::from_str(line).expect("JSON Lines")).collect()
        };
        let mut corpus = Self {
            paragraphs: Vec::new(),
            positions: HashMap::new(),
            postings: HashMap::new(),
            questions: lines("queries"),
        };
        for (at, paragraph) in lines("corpus").iter().enumerate() {
            let text = |key: &str| paragraph[key].as_str().unwrap_or_default().to_owned();
            let (title, text_) = (text("title").replace('_', " "), text("text"));
            for (term, weight) in analyser::document(&title, &[], &text_).iter() {
                corpus.postings.entry(term).or_default().push((at, weight));
            }
            corpus.positions.insert(text("id"), at);
            corpus.paragraphs.push((title, text_));
        }
        corpus
    }

    fn idf(&self, term: u32) -> f32 {
        coverage::idf(self.paragraphs.len() as u64, self.postings.get(&term).map_or(0, |p| p.len() as u64))
    }

    fn best(&self, question: &str, limit: usize) -> Vec<Passage<'_>> {
        let mut scores: HashMap<usize, f32> = HashMap::new();
        for term in analyser::query(question).terms {
            for (at, weight) in self.postings.get(&term.index).into_iter().flatten() {
                *scores.entry(*at).or_default() += term.weight * self.idf(term.index) * weight;
            }
        }
        let mut found: Vec<(usize, f32)> = scores.into_iter().collect();
        found.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        found.into_iter().take(limit).map(|(at, score)| self.passage(at, score)).collect()
    }

    fn passage(&self, at: usize, score: f32) -> Passage<'_> {
        let (title, text) = &self.paragraphs[at];
        Passage { number: u32::try_from(at).expect("few"), title, heading: &[], text, score }
    }

    fn measure(&self, language: &str) -> Measured {
        let language = if language == "ru" { Language::Russian } else { Language::English };
        let quoter = Quoter::default();
        let (mut count, mut gold, mut searched) = (0, 0, 0);
        let (mut quoted, mut sentences, mut characters, mut micros) = (0.0, 0, 0, 0);
        for question in &self.questions {
            let answers: Vec<String> = question["answers"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|answer| Some(folded(answer.as_str()?)))
                .collect();
            let relevant = question["relevant"][0].as_str().and_then(|id| self.positions.get(id));
            let (Some(&relevant), false) = (relevant, answers.is_empty()) else { continue };
            let text = question["text"].as_str().expect("a question");
            let holds = |found: &Option<Extract>| {
                let quotes: String = found
                    .iter()
                    .flat_map(|found| &found.citations)
                    .map(|cited| folded(&cited.quote))
                    .collect();
                answers.iter().any(|answer| quotes.contains(answer))
            };
            count += 1;
            let passage = self.passage(relevant, 1.0);
            let found = quoter.answer(text, &[passage], language, |term| self.idf(term));
            gold += usize::from(holds(&found));
            for cited in found.iter().flat_map(|found| &found.citations) {
                quoted += cited.quote.chars().count() as f64 / passage.text.chars().count() as f64;
                sentences += knowledge::sentences::sentences(&cited.quote.replace(" … ", "\n\n")).len();
            }
            let passages = self.best(text, 5);
            let began = Instant::now();
            let found = quoter.answer(text, &passages, language, |term| self.idf(term));
            micros += began.elapsed().as_micros();
            searched += usize::from(holds(&found));
            characters += found.map_or(0, |found| found.text.chars().count());
        }
        let questions = count as f64;
        Measured {
            questions: count,
            gold: gold as f64 / questions,
            quoted: quoted / questions,
            sentences: sentences as f64 / questions,
            searched: searched as f64 / questions,
            characters: characters as f64 / questions,
            micros: micros as f64 / questions,
        }
    }
}

/// Words alone: case, white space and quotation marks do not count, and "3" is not in "30".
fn folded(text: &str) -> String {
    analyser::tokens(text).fold(String::from(" "), |folded, token| folded + &token.folded + " ")
}
