//! What is asked, and what is expected of the answer: a file of JSON Lines.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

/// One line of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    /// Names the question in the report; its number in the file, from 1, when there is none.
    #[serde(default)]
    pub(super) id: String,
    pub(super) question: String,
    /// Texts of which the answer contains one. Empty: any answer will do.
    #[serde(default)]
    pub(super) expect: Vec<String>,
    /// A part of the title, the section, the address or the quote of a citation that supports the answer.
    #[serde(default)]
    pub(super) source: Option<String>,
    /// The knowledge base does not say: an answer would be invented.
    #[serde(default)]
    pub(super) refuse: bool,
    /// Asked before it in the same conversation, and not judged.
    #[serde(default)]
    pub(super) history: Vec<String>,
}

/// Reads a set. Empty lines are passed over.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<Item>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    parse(&text).with_context(|| file.display().to_string())
}

fn parse(text: &str) -> anyhow::Result<Vec<Item>> {
    let mut items: Vec<Item> = Vec::new();
    let mut ids = HashSet::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let mut item: Item = serde_json::from_str(line).with_context(|| format!("line {number}"))?;
        if item.id.is_empty() {
            item.id = number.to_string();
        }
        anyhow::ensure!(!item.question.trim().is_empty(), "line {number}: the question is blank");
        anyhow::ensure!(
            !(item.refuse && (!item.expect.is_empty() || item.source.is_some())),
            "line {number}: what is to be refused has no expected text and no source"
        );
        let words = |text: &String| super::judge::has_words(text);
        anyhow::ensure!(
            item.expect.iter().chain(&item.source).all(words),
            "line {number}: an expected text or source has no letter and no digit, so anything would match it"
        );
        anyhow::ensure!(ids.insert(item.id.clone()), "line {number}: the id {:?} is used twice", item.id);
        items.push(item);
    }
    anyhow::ensure!(!items.is_empty(), "there are no questions");
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_question_and_what_is_not_said_is_not_expected() {
        let set =
            parse("{\"question\": \"Why?\"}\n\n{\"id\": \"x\", \"question\": \"Who?\", \"refuse\": true}\n");
        let set = set.expect("a set");
        assert_eq!(set[0], Item { id: "1".into(), question: "Why?".into(), ..Item::default() });
        assert_eq!((set[1].id.as_str(), set[1].refuse), ("x", true));
    }

    #[test]
    fn what_cannot_be_meant_is_named_by_its_line() {
        let wrong = [
            ("{\"question\": \" \"}", "blank"),
            ("{\"question\": \"a\", \"expects\": [\"b\"]}", "expects"),
            ("{\"question\": \"a\", \"refuse\": true, \"expect\": [\"b\"]}", "refused"),
            ("{\"question\": \"a\", \"expect\": [\"…\"]}", "no letter"),
            ("{\"question\": \"a\", \"id\": \"2\"}\n{\"question\": \"a\"}", "used twice"),
            ("\n", "no questions"),
        ];
        for (text, word) in wrong {
            let error = format!("{:#}", parse(text).expect_err(text));
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn every_expected_text_of_the_sample_set_stands_in_an_article_that_has_its_source() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let set = read(&examples.join("questions/answers.jsonl")).expect("a set");
        let articles: Vec<String> = ["en", "ru"]
            .iter()
            .flat_map(|language| {
                std::fs::read_dir(examples.join("knowledge").join(language)).expect("articles")
            })
            .map(|entry| std::fs::read_to_string(entry.expect("an article").path()).expect("text"))
            .collect();
        let (refused, answerable): (Vec<_>, Vec<_>) = set.iter().partition(|item| item.refuse);
        assert!(refused.len() >= 10 && answerable.len() >= 30, "{} {}", refused.len(), answerable.len());
        for item in answerable {
            let source = item.source.as_deref().expect("it has a source");
            let holds =
                |text: &String| item.expect.iter().any(|span| super::super::judge::contains(text, span));
            let found =
                articles.iter().any(|text| super::super::judge::contains(text, source) && holds(text));
            assert!(found, "{}: {}", item.id, item.question);
        }
    }
}
