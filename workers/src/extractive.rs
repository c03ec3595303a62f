//! Answers without a model: the sentences that answer, quoted and cited, or an honest refusal.

use contract::{Answer, AnswerKind, Citation, Language, Phrase};
use knowledge::extractive::{self, Quoter};
use retrieval::{Found, Passage};
use store::turns::Turn;

/// The name of the model in answers of this kind.
const EXTRACTIVE: &str = "extractive";

/// Words of a refusal's "looked for" at the most.
const WORDS: usize = 5;

/// What is said without a model to a turn for which this was found.
pub(crate) fn answer(quoter: &Quoter, turn: &Turn, found: &Found) -> Answer {
    let question = found.searched.as_deref().unwrap_or(&turn.text);
    let idf = |term| found.idf(term);
    if !found.empty
        && found.covered()
        && let passages = passages(found)
        && let Some(extract) = quoter
            .answer(question, &passages, turn.language, idf)
            // Found by its meaning alone.
            .or_else(|| quoter.beginning(passages.first()?))
    {
        let citations = extract
            .citations
            .iter()
            .zip(1..)
            .filter_map(|(cited, number)| {
                let passage = found.passages.get(usize::try_from(cited.passage).ok()?)?;
                Some(cite(passage, number, &cited.quote))
            })
            .collect();
        return Answer {
            kind: AnswerKind::Answered,
            text: extract.text,
            citations,
            model: EXTRACTIVE.to_owned(),
        };
    }
    refusal(turn.language, found)
}

/// What is said when the knowledge base does not answer: what was looked for, and the offer of a human.
pub(crate) fn refusal(language: Language, found: &Found) -> Answer {
    let words: Vec<&str> = found.looked_for.iter().take(WORDS).map(String::as_str).collect();
    let phrase = if found.empty { Phrase::NoKnowledge } else { Phrase::NotCovered { words: &words } };
    Answer {
        kind: AnswerKind::Refused,
        text: phrase.text(language),
        citations: Vec::new(),
        model: EXTRACTIVE.to_owned(),
    }
}

fn passages(found: &Found) -> Vec<extractive::Passage<'_>> {
    found
        .passages
        .iter()
        .zip(0..)
        .map(|(passage, number)| extractive::Passage {
            number,
            score: passage.score,
            title: &passage.title,
            heading: &passage.heading,
            text: &passage.text,
        })
        .collect()
}

fn cite(passage: &Passage, number: u32, quote: &str) -> Citation {
    Citation {
        number,
        title: passage.title.clone(),
        section: (!passage.heading.is_empty()).then(|| passage.heading.join(" › ")),
        url: passage.url.clone(),
        quote: quote.to_owned(),
    }
}
