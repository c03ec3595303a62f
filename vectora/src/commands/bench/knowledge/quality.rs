//! The data sets, through `vectora eval retrieval`'s code.

use std::path::Path;

use anyhow::Context;
use knowledge::Index;
use retrieval::evaluate::{self, By, Set};
use secrecy::SecretString;

use super::super::server::Server;
use super::Figures;
use crate::commands::display::note;

/// A set in one language, and what it is to reach; 0: it is only reported.
struct Bar {
    set: &'static str,
    language: &'static str,
    ndcg: f64,
    auroc: f64,
}

const BARS: [Bar; 6] = [
    Bar { set: "xquad", language: "en", ndcg: 0.97, auroc: 0.945 },
    Bar { set: "xquad", language: "ru", ndcg: 0.955, auroc: 0.945 },
    Bar { set: "danetqa", language: "ru", ndcg: 0.755, auroc: 0.0 },
    Bar { set: "docheads", language: "en", ndcg: 0.55, auroc: 0.98 },
    Bar { set: "docheads", language: "ru", ndcg: 0.605, auroc: 0.98 },
    Bar { set: "squad2", language: "en", ndcg: 0.875, auroc: 0.0 },
];

/// Collections of the bench are its own anyway.
const PREFIX: &str = "bench";

pub(super) async fn measure(server: &Server, data: &Path, figures: &mut Figures) -> anyhow::Result<()> {
    let settings = knowledge::Settings {
        url: server.run.qdrant_url.clone(),
        api_key: server.run.qdrant_api_key.clone().map(SecretString::from),
        ..knowledge::Settings::default()
    };
    let index = Index::connect(&settings).context("run.json names an index")?;
    for bar in &BARS {
        let folder = data.join(bar.set);
        if !folder.is_dir() {
            note(&format!("skipped: there is no data set {}", folder.display()));
            continue;
        }
        let set = bar.load(data)?;
        let vectors = retrieval::Vectors::default();
        let measured = Box::pin(evaluate::evaluate(
            &index,
            &vectors,
            By::Lexical,
            PREFIX,
            &set,
            std::future::pending(),
            |_| {},
        ));
        let measured = measured.await?.context("nobody stops it")?;
        bar.add(figures, &measured);
    }
    Ok(())
}

impl Bar {
    fn load(&self, data: &Path) -> anyhow::Result<Set> {
        let Self { set, language, .. } = self;
        let folder = data.join(set);
        let corpus = evaluate::corpus(&folder.join(format!("corpus.{language}.jsonl")))?;
        let queries = evaluate::queries(&folder.join(format!("queries.{language}.jsonl")), &corpus)?;
        Ok(Set { negatives: self.negatives(data)?, corpus, queries })
    }

    /// `CLINC` and the translations of `RuBQ` in English, `RuBQ` in Russian.
    fn negatives(&self, data: &Path) -> anyhow::Result<Vec<String>> {
        let folder = data.join("out-of-scope");
        if !folder.is_dir() {
            note(&format!("skipped: there are no negatives in {}", folder.display()));
            return Ok(Vec::new());
        }
        let rubq = folder.join("queries.ru.jsonl");
        if self.language == "ru" {
            return Ok(evaluate::negatives(&rubq, "text")?);
        }
        let mut negatives = evaluate::negatives(&folder.join("queries.en.jsonl"), "text")?;
        negatives.extend(evaluate::negatives(&rubq, "en")?);
        Ok(negatives)
    }

    fn add(&self, figures: &mut Figures, measured: &evaluate::Measured) {
        let Self { set, language, ndcg, auroc } = self;
        let target = |bar: f64| if bar > 0.0 { format!("≥ {bar}") } else { String::new() };
        let mut add = |key: &str, name: &str, value: f64, bar: f64| {
            figures.add(
                format!("{set}_{language}_{key}"),
                format!("{set} {language}, {name}"),
                value,
                "",
                target(bar),
            );
        };
        add("ndcg_at_10", "nDCG@10", measured.ndcg_at_10, *ndcg);
        if let Some(value) = measured.auroc {
            add("auroc", "AUROC against questions out of scope", value, *auroc);
        }
        if let Some(value) = measured.refused_at_95 {
            add("refused_at_95", "of these refused when 95 % are kept", value, 0.0);
        }
    }
}
