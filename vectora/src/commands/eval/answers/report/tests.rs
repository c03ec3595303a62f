//! A small set with one of everything, and what is added up of it. The page's tests draw it.

use std::time::Duration;

use contract::QuestionStatus::{Answered, Refused};

use super::super::judge::tests::reply;
use super::*;

fn citation(title: &str) -> Citation {
    Citation {
        number: 1,
        title: title.to_owned(),
        section: None,
        url: Some("https://help.example/en/reset".to_owned()),
        quote: "The reset link is valid for 30 minutes.".to_owned(),
    }
}

/// Six questions: good, without its text, refused wrongly, out of time; refused rightly, answered wrongly.
pub(in super::super) fn sample() -> Report {
    let item = |id: &str, question: &str, refuse: bool| Item {
        id: id.to_owned(),
        question: question.to_owned(),
        expect: if refuse { Vec::new() } else { vec!["30 minutes".to_owned()] },
        source: (!refuse).then(|| "en/reset".to_owned()),
        refuse,
        history: Vec::new(),
    };
    let set = [
        item("good", "How long is it valid?", false),
        item("missing", "How long, really?", false),
        item("refused", "For how many minutes?", false),
        item("late", "Hello?", false),
        item("weather", "Will it rain?", true),
        item("invented", "Who are <you> & \"me\"?", true),
    ];
    let mut replies = vec![
        reply(Answered, "It is valid for 30 minutes [1].", vec![citation("Passwords")]),
        reply(Answered, "Not for long [1].", vec![citation("Passwords")]),
        reply(Refused, "Nothing was found.", Vec::new()),
        Reply { question: None, latency: None, error: Some("503: later".to_owned()) },
        reply(Refused, "Nothing was found.", Vec::new()),
        reply(Answered, "I am </script><script>alert(1)</script>.", Vec::new()),
    ];
    for (reply, millis) in replies.iter_mut().zip([100, 200, 30, 0, 40, 1500]) {
        reply.latency = reply.latency.map(|_| Duration::from_millis(millis));
    }
    let spent = replies
        .iter()
        .filter_map(|reply| reply.question.as_ref())
        .map(|question| {
            let written = question.status == Answered;
            let spent = Spent {
                question: question.id,
                model: if written { "openai/test-chat" } else { "none" }.to_owned(),
                prompt_tokens: written.then_some(1000),
                completion_tokens: written.then_some(50),
                estimated: false,
            };
            (question.id, spent)
        })
        .collect();
    Report::new(DateTime::UNIX_EPOCH, &set, replies, &spent)
}

#[test]
fn everything_is_counted_once() {
    let report = sample();
    let counted = (report.questions, report.answerable, report.answered, report.refused, report.unanswered);
    assert_eq!(counted, (6, 4, 3, 2, 1));
    assert_eq!((report.good, report.answered_wrongly, report.refused_wrongly), (2, 1, 1));
    let third = 1.0 / 3.0;
    let shares = Shares {
        correct: Some(third),
        answered: Some(0.5),
        refused: Some(0.5),
        span_found: Some(0.25),
        cited: Some(2.0 * third),
        cited_correctly: Some(1.0),
    };
    assert_eq!(report.shares, shares);
    let latency = Latency { p50: 100.0, p95: 1500.0, max: 1500.0 };
    assert_eq!(report.latency_ms, Some(latency));
}

#[test]
fn tokens_are_added_up_by_model() {
    let models = sample().models;
    assert_eq!(models.len(), 2, "{models:?}");
    let written = &models[0];
    assert_eq!((written.name.as_str(), written.answers), ("openai/test-chat", 3));
    assert_eq!((written.prompt_tokens, written.completion_tokens), (3000, 150));
    assert!((written.prompt_tokens_per_answer - 1000.0).abs() < 1e-9);
    assert_eq!((models[1].name.as_str(), models[1].prompt_tokens), ("none", 0));
}

#[test]
fn where_there_is_nothing_to_take_a_share_of_there_is_none() {
    let set = [Item { question: "?".to_owned(), refuse: true, ..Item::default() }];
    let nobody = Reply { question: None, latency: None, error: Some("503: later".to_owned()) };
    let report = Report::new(DateTime::UNIX_EPOCH, &set, vec![nobody], &HashMap::new());
    assert_eq!((report.shares.answered, report.shares.cited), (None, None));
    assert_eq!(report.shares.refused, Some(0.0));
    assert_eq!(report.latency_ms, None);
    assert_eq!(report.models, Vec::new());
}

#[test]
fn the_names_of_minima_are_those_of_the_shares() {
    let json = serde_json::to_value(sample().shares).expect("JSON");
    let mut names: Vec<&str> = json.as_object().expect("an object").keys().map(String::as_str).collect();
    let mut wanted = Shares::NAMES.to_vec();
    names.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    for name in wanted {
        assert_eq!(sample().shares.figure(name), json[name].as_f64(), "{name}");
    }
}
