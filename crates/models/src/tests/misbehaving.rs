//! Every misbehaviour of a server of chat, alone and with another behind it.

use std::time::{Duration, Instant};

use fake_models::{FakeModels, Misbehave};
use futures_util::future::join_all;

use super::{ANSWER, QUESTION, alone, hurried, models, of_one, provider};
use crate::{Finish, ModelError};

/// What spoils an answer, and a word of what is said about it.
fn spoiling() -> Vec<(Misbehave, &'static str)> {
    vec![
        (Misbehave::StallBefore, "first token"),
        (Misbehave::StallHeaders, "first token"),
        (Misbehave::StallMiddle(3), "idle"),
        (Misbehave::CutBefore, "connection broke"),
        (Misbehave::CutMiddle(3), "cut in the middle"),
        (Misbehave::EndMiddle(3), "ended before"),
        (Misbehave::TooMany { retry_after: Some("3600".to_owned()) }, "3600s"),
        // Only OpenAI tells it from the other 429.
        (Misbehave::OutOfQuota, ""),
        (Misbehave::Status(500), "status 500"),
        (Misbehave::Status(503), "status 503"),
        (Misbehave::Status(401), "key"),
        (Misbehave::Status(404), "no such model"),
        (Misbehave::Status(400), "status 400"),
        (Misbehave::NotJson, "status 502"),
        (Misbehave::Garbage, ""),
        (Misbehave::Redirect, "redirect"),
        (Misbehave::ErrorInStream(0), "inside its answer"),
        (Misbehave::ErrorInStream(3), "inside its answer"),
        (Misbehave::EmptyChoices, "empty"),
        (Misbehave::HugeLine(2 << 20), "1048576 bytes"),
        (Misbehave::KeepAliveComments(Duration::from_millis(20)), "first token"),
    ]
}

/// The limit that ends a stall, short; the others stay long.
fn limited(misbehaviour: &Misbehave, table: &str) -> String {
    match misbehaviour {
        Misbehave::StallBefore | Misbehave::StallHeaders | Misbehave::KeepAliveComments(_) => {
            hurried(table, "first_token")
        }
        Misbehave::StallMiddle(_) => hurried(table, "idle"),
        _ => table.to_owned(),
    }
}

/// What spoils nothing.
fn harmless() -> Vec<Misbehave> {
    vec![
        Misbehave::Well,
        Misbehave::ByteByByte,
        Misbehave::SplitLetters,
        Misbehave::FinishReason(""),
        Misbehave::FinishReason("eos"),
        Misbehave::ReasoningContent,
        Misbehave::ThinkBlock,
        Misbehave::TooMany { retry_after: Some("0".to_owned()) },
    ]
}

/// Each misbehaviour for both kinds of server.
fn both<T: Clone>(cases: &[T]) -> impl Iterator<Item = (T, &'static str, &'static str)> {
    let kinds = [("openai", "ollama"), ("ollama", "openai")];
    cases.iter().flat_map(move |case| kinds.map(|(kind, other)| (case.clone(), kind, other)))
}

#[tokio::test]
async fn a_server_alone_ends_in_time_with_an_error_that_says_what_happened() {
    join_all(both(&spoiling()).map(|((misbehaviour, word), kind, _)| async move {
        let fake = FakeModels::start().await;
        fake.always(misbehaviour.clone());
        let started = Instant::now();
        let chain = of_one(&limited(&misbehaviour, &provider("one", kind, &fake)));
        let error = chain.ask().await.expect_err("it is spoilt").to_string();
        assert!(started.elapsed() < Duration::from_secs(15), "{misbehaviour:?} of {kind}: {error}");
        assert!(error.contains(word) && error.contains("one: "), "{misbehaviour:?} of {kind}: {error}");
    }))
    .await;
}

#[tokio::test]
async fn the_next_provider_answers_where_the_first_is_spoilt() {
    join_all(both(&spoiling()).map(|((misbehaviour, _), kind, other)| async move {
        let (spoilt, well) = (FakeModels::start().await, FakeModels::start().await);
        spoilt.always(misbehaviour.clone());
        let chain = models(&format!(
            "provider = \"one, other\"\ntotal = \"60s\"\n{}{}",
            limited(&misbehaviour, &provider("one", kind, &spoilt)),
            provider("other", other, &well)
        ));
        let (reply, heard) = chain.ask_and_hear(QUESTION).await;
        let reply = reply.unwrap_or_else(|error| panic!("{misbehaviour:?} of {kind}: {error}"));
        assert_eq!((reply.text.as_str(), reply.model.as_str()), (ANSWER, "other/test-chat"));
        assert_eq!(heard.last().map(String::as_str), Some(ANSWER), "{misbehaviour:?} of {kind}");
    }))
    .await;
}

#[tokio::test]
async fn what_is_only_strange_changes_no_letter() {
    for (misbehaviour, kind, _) in both(&harmless()) {
        let fake = FakeModels::start().await;
        fake.next(misbehaviour.clone());
        let (reply, heard) = alone(kind, &fake).ask_and_hear(QUESTION).await;
        let reply = reply.unwrap_or_else(|error| panic!("{misbehaviour:?} of {kind}: {error}"));
        assert_eq!((reply.text.as_str(), reply.finish), (ANSWER, Finish::Stop), "{misbehaviour:?} of {kind}");
        let grows = heard.iter().all(|text| ANSWER.starts_with(text.as_str()));
        assert!(grows && heard.len() > 3, "{misbehaviour:?} of {kind}: {heard:?}");
        let told = !matches!(misbehaviour, Misbehave::FinishReason(_));
        assert_eq!(reply.usage.estimated, !told, "{misbehaviour:?} of {kind}");
        assert!(reply.usage.prompt > 0 && reply.usage.completion > 0, "{misbehaviour:?} of {kind}");
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut_at_the_limit() {
    for kind in ["openai", "ollama"] {
        let fake = FakeModels::start().await;
        fake.always(Misbehave::HugeAnswer(usize::MAX));
        let reply = alone(kind, &fake).ask().await.expect("there is an answer");
        assert_eq!(reply.finish, Finish::Length, "{kind}");
        assert!((65_530..=65_536).contains(&reply.text.len()), "{kind}: {} bytes", reply.text.len());
        super::until("the connection is closed", || fake.in_flight() == 0).await;
    }
}

#[tokio::test]
async fn reasons_for_the_end_are_told_apart() {
    let fake = FakeModels::start().await;
    for (reason, finish) in [("length", Finish::Length), ("content_filter", Finish::Filtered)] {
        fake.next(Misbehave::FinishReason(reason));
        assert_eq!(alone("openai", &fake).ask().await.expect("there is an answer").finish, finish);
    }
    fake.next(Misbehave::FinishReason("length"));
    assert_eq!(alone("ollama", &fake).ask().await.expect("there is an answer").finish, Finish::Length);
}

#[tokio::test]
async fn a_prompt_that_does_not_fit_is_told_as_such() {
    let fake = FakeModels::start().await;
    fake.limits(fake_models::Limits { context_window: 100, ..fake_models::Limits::default() });
    let (reply, _) = alone("openai", &fake).ask_and_hear(&"слово ".repeat(100)).await;
    assert_eq!(reply, Err(ModelError::TooLong));
}

#[tokio::test]
async fn a_request_says_what_it_should() {
    for kind in ["openai", "ollama"] {
        let fake = FakeModels::start().await;
        let said = ["Привет", "Здравствуйте", "Как оплатить?"].into_iter().zip([
            crate::Role::User,
            crate::Role::Assistant,
            crate::Role::User,
        ]);
        let said = said.map(|(text, role)| crate::Said { role, text: text.to_owned() }).collect();
        let request =
            crate::Request { system: "Отвечай".to_owned(), said, max_tokens: 4000, temperature: 0.5 };
        let reply = alone(kind, &fake).chat().reply(&request, &|_| ()).await.expect("there is an answer");
        assert_eq!(reply.model, "one/test-chat");
        let call = fake.chats().pop().expect("it came");
        let turns: Vec<(&str, &str)> =
            call.messages.iter().map(|(role, text)| (role.as_str(), text.as_str())).collect();
        let expected = [
            ("system", "Отвечай"),
            ("user", "Привет"),
            ("assistant", "Здравствуйте"),
            ("user", "Как оплатить?"),
        ];
        assert_eq!(turns, expected, "{kind}");
        // The provider's own limit is lower.
        assert_eq!((call.stream, call.max_tokens, call.temperature), (true, Some(1024), Some(0.5)), "{kind}");
        assert!(!call.truncated);
    }
}
