//! One reply against what was expected of it.
//!
//! Texts are compared word by word as the search folds them: case, punctuation, spaces, ё or е, accents and full-width
//! forms make no difference, but a word is whole: "30 min" is not found in "30 minutes", nor "10" in "100". Inflected
//! forms differ too; a set that wants to allow for them says so with more than one expected text.

use contract::{Citation, QuestionStatus};
use knowledge::analyser::tokens;
use serde::Serialize;

use super::pipeline::Reply;
use super::set::Item;

/// What is to be thought of a reply: the first of these that is true, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// There should have been a refusal.
    AnsweredWrongly,
    /// Neither answer nor refusal: failed, superseded, out of time, not accepted.
    Unanswered,
    /// There should have been an answer.
    RefusedWrongly,
    /// The answer does not contain what was expected.
    SpanMissing,
    /// It does, and no citation is of the expected source.
    CitedWrongly,
    Good,
}

impl Verdict {
    pub(super) const ALL: [Self; 6] = [
        Self::AnsweredWrongly,
        Self::Unanswered,
        Self::RefusedWrongly,
        Self::SpanMissing,
        Self::CitedWrongly,
        Self::Good,
    ];

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::AnsweredWrongly => "answered wrongly",
            Self::Unanswered => "unanswered",
            Self::RefusedWrongly => "refused wrongly",
            Self::SpanMissing => "text missing",
            Self::CitedWrongly => "cited wrongly",
            Self::Good => "good",
        }
    }

    pub(super) const fn is_good(self) -> bool {
        matches!(self, Self::Good)
    }
}

/// A reply, judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    /// Whether the answer has citations; `None`: it is no answer.
    pub(super) cited: Option<bool>,
    /// Whether one of them is as expected; `None`: it is no answer, or nothing was expected of its citations.
    pub(super) cited_correctly: Option<bool>,
    /// Whether an expected text is in the answer; `None`: none was expected. A refusal contains none.
    pub(super) span_found: Option<bool>,
}

/// Judges a reply. A person who gets a human instead of an answer (`escalated`) was refused one: nothing was invented.
pub(super) fn judge(item: &Item, reply: &Reply) -> Judged {
    let finished = reply.question.as_ref().filter(|_| reply.error.is_none());
    let status = finished.map(|question| question.status);
    let answered = finished.filter(|question| question.status == QuestionStatus::Answered);
    let text = answered.and_then(|question| question.answer.as_deref()).unwrap_or_default();
    let said = without_markers(text);
    let span_found = (!item.expect.is_empty()).then(|| item.expect.iter().any(|span| contains(&said, span)));
    let cited_correctly =
        answered.and_then(|question| supports(item, &question.citations)).filter(|_| !item.refuse);
    let verdict = match (status, item.refuse) {
        (Some(QuestionStatus::Answered), true) => Verdict::AnsweredWrongly,
        (Some(QuestionStatus::Answered), false) if span_found == Some(false) => Verdict::SpanMissing,
        (Some(QuestionStatus::Answered), false) if cited_correctly == Some(false) => Verdict::CitedWrongly,
        (Some(QuestionStatus::Answered), false)
        | (Some(QuestionStatus::Refused | QuestionStatus::Escalated), true) => Verdict::Good,
        (Some(QuestionStatus::Refused | QuestionStatus::Escalated), false) => Verdict::RefusedWrongly,
        _ => Verdict::Unanswered,
    };
    Judged {
        verdict,
        cited: answered.map(|question| !question.citations.is_empty()),
        cited_correctly,
        span_found,
    }
}

/// Whether a citation is of the expected source; where the set names none, whether one quotes an expected text. `None`:
/// the set has neither.
fn supports(item: &Item, citations: &[Citation]) -> Option<bool> {
    let any = |matches: &dyn Fn(&Citation) -> bool| citations.iter().any(matches);
    match &item.source {
        Some(source) => Some(any(&|citation| {
            let parts = [Some(&citation.title), citation.section.as_ref(), citation.url.as_ref()];
            parts.into_iter().flatten().chain([&citation.quote]).any(|part| contains(part, source))
        })),
        None if item.expect.is_empty() => None,
        None => Some(any(&|citation| item.expect.iter().any(|span| contains(&citation.quote, span)))),
    }
}

/// Whether the words of `span` stand in `text` one after the other.
pub(super) fn contains(text: &str, span: &str) -> bool {
    let text: Vec<_> = tokens(text).map(|token| token.folded).collect();
    let span: Vec<_> = tokens(span).map(|token| token.folded).collect();
    !span.is_empty() && text.windows(span.len()).any(|words| words == span)
}

/// Whether there is anything that [`contains`] could look for.
pub(super) fn has_words(text: &str) -> bool {
    tokens(text).next().is_some()
}

/// The text without `[1]`: a number that the answer does not say, in the middle of what it says.
fn without_markers(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let digits = rest[open + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let after = open + 1 + digits;
        let marker = digits > 0 && rest[after..].starts_with(']');
        if marker {
            said.push_str(&rest[..open]);
            said.push(' ');
            rest = &rest[after + 1..];
        } else {
            said.push_str(&rest[..after]);
            rest = &rest[after..];
        }
    }
    said + rest
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use contract::QuestionStatus::{Answered, Escalated, Failed, Refused};
    use contract::{ConversationId, MessageId, Question};

    use super::*;

    pub(in super::super) fn reply(status: QuestionStatus, answer: &str, citations: Vec<Citation>) -> Reply {
        let question = Question {
            id: MessageId::new(),
            conversation_id: ConversationId::new(),
            status,
            answer: Some(answer.to_owned()),
            citations,
            error: None,
        };
        Reply { question: Some(question), latency: Some(Duration::from_millis(5)), error: None }
    }

    fn citation(title: &str, url: &str, quote: &str) -> Citation {
        Citation {
            number: 1,
            title: title.to_owned(),
            section: None,
            url: Some(url.to_owned()),
            quote: quote.to_owned(),
        }
    }

    fn item(expect: &[&str], source: Option<&str>) -> Item {
        Item {
            question: "?".to_owned(),
            expect: expect.iter().map(|&text| text.to_owned()).collect(),
            source: source.map(str::to_owned),
            ..Item::default()
        }
    }

    #[test]
    fn case_punctuation_spaces_and_yo_make_no_difference() {
        for (text, span) in [
            ("The link is VALID for\u{a0}30  minutes.", "valid for 30 minutes"),
            ("Счёт придёт — «завтра»", "счет придет завтра"),
            ("It costs €10/month", "€10 month"),
            ("See https://help.example/en/reset-password", "en/reset-password"),
        ] {
            assert!(contains(text, span), "{span:?} in {text:?}");
        }
        for (text, span) in [("100 keys", "10"), ("30 minutes", "30 min"), ("a c b", "a b"), ("a", "…")] {
            assert!(!contains(text, span), "{span:?} in {text:?}");
        }
    }

    #[test]
    fn markers_of_citations_are_no_words_of_the_answer() {
        let said = "Ask for a link [1] on the page[12]. Array [x], [2 and [] stay [3]";
        assert_eq!(without_markers(said), "Ask for a link   on the page . Array [x], [2 and [] stay  ");
        let item = item(&["a link on the page"], None);
        assert_eq!(judge(&item, &reply(Answered, said, Vec::new())).span_found, Some(true));
    }

    #[test]
    fn a_verdict_is_the_worst_that_is_true() {
        let good = vec![citation("Passwords", "https://x.example/en/reset", "valid for 30 minutes")];
        let other = vec![citation("Billing", "https://x.example/en/billing", "we send an invoice")];
        let asked = item(&["30 minutes", "half an hour"], Some("en/reset"));
        let refuse = Item { refuse: true, ..item(&[], None) };
        let answer = "It is valid for half an hour [1].";
        let cases = [
            (&asked, reply(Answered, answer, good.clone()), Verdict::Good),
            (&asked, reply(Answered, answer, other.clone()), Verdict::CitedWrongly),
            (&asked, reply(Answered, answer, Vec::new()), Verdict::CitedWrongly),
            (&asked, reply(Answered, "It is valid [1].", good.clone()), Verdict::SpanMissing),
            (&asked, reply(Refused, "Not 30 minutes: nothing.", Vec::new()), Verdict::RefusedWrongly),
            (&asked, reply(Failed, "", Vec::new()), Verdict::Unanswered),
            (&refuse, reply(Answered, answer, good.clone()), Verdict::AnsweredWrongly),
            (&refuse, reply(Refused, "Nothing was found.", Vec::new()), Verdict::Good),
            (&refuse, reply(Escalated, "A human has it.", Vec::new()), Verdict::Good),
        ];
        for (item, reply, verdict) in cases {
            assert_eq!(judge(item, &reply).verdict, verdict, "{item:?} {reply:?}");
        }
        let lost = Reply { error: Some("no answer within 1 s".to_owned()), ..reply(Answered, answer, good) };
        assert_eq!(judge(&asked, &lost).verdict, Verdict::Unanswered);
        assert_eq!(judge(&asked, &lost).span_found, Some(false));
    }

    #[test]
    fn without_a_source_a_citation_has_to_quote_what_was_expected() {
        let quoting = vec![citation("Passwords", "https://x.example/p", "The link is valid for 30 minutes.")];
        let other = vec![citation("Passwords", "https://x.example/p", "The page asks for a code.")];
        let judged = |item: &Item, citations: &[Citation]| {
            judge(item, &reply(Answered, "30 minutes", citations.to_vec())).cited_correctly
        };
        assert_eq!(judged(&item(&["30 minutes"], None), &quoting), Some(true));
        assert_eq!(judged(&item(&["30 minutes"], None), &other), Some(false));
        assert_eq!(judged(&item(&[], None), &other), None);
        assert_eq!(judged(&item(&[], Some("passwords")), &other), Some(true));
    }
}
