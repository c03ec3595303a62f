//! A chain of providers: budgets, the whole limit, and what is said when nobody answers.

use std::time::{Duration, Instant};

use fake_models::{FakeModels, Misbehave};

use super::{ANSWER, QUESTION, hurried, models, provider};
use crate::ModelError;

fn chain(total: &str, first: &FakeModels, second: &FakeModels) -> String {
    let of = |name, fake| provider(name, "openai", fake);
    format!("provider = [\"one\", \"two\"]\ntotal = \"{total}\"\n{}{}", of("one", first), of("two", second))
}

#[tokio::test]
async fn when_all_fail_each_one_is_named_with_its_cause() {
    let (first, second) = (FakeModels::start().await, FakeModels::start().await);
    first.always(Misbehave::StallMiddle(2));
    second.always(Misbehave::Status(401));
    let hurried = hurried(&chain("60s", &first, &second), "idle");
    let error = models(&hurried).ask().await.expect_err("nobody answers");
    let text = error.to_string();
    assert!(
        text.contains("one: the idle limit of 400ms") && text.contains("two: unavailable: status 401"),
        "{text}"
    );
    assert!(matches!(error, ModelError::Failed(_)), "another attempt may end otherwise: {error:?}");
    first.always(Misbehave::Status(503));
    let error = models(&chain("60s", &first, &second)).ask().await.expect_err("nobody answers");
    assert!(matches!(error, ModelError::Unavailable { .. }), "nothing is wrong with the question: {error:?}");
    for fake in [&first, &second] {
        fake.always(Misbehave::Status(400));
    }
    let error = models(&chain("60s", &first, &second)).ask().await.expect_err("nobody answers");
    assert!(matches!(error, ModelError::Rejected(_)), "nobody ever will: {error:?}");
}

#[tokio::test]
async fn all_together_end_within_the_whole_limit() {
    let (first, second) = (FakeModels::start().await, FakeModels::start().await);
    for fake in [&first, &second] {
        fake.always(Misbehave::KeepAliveComments(Duration::from_millis(10)));
    }
    // The first one's limit leaves the second less than its own.
    let text = chain("600ms", &first, &second).replace("total = \"20s\"", "total = \"600ms\"");
    let chain = models(&text.replace("\"20s\"", "\"400ms\""));
    let started = Instant::now();
    let error = chain.ask().await.expect_err("nobody answers");
    let (took, error) = (started.elapsed(), error.to_string());
    assert!(took >= Duration::from_millis(600) && took < Duration::from_secs(10), "{took:?}");
    assert!(
        error.contains("one: the first token") && error.contains("all together: the total limit"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_heard_begins_anew_with_the_next_provider() {
    let (first, second) = (FakeModels::start().await, FakeModels::start().await);
    first.says(|_| "Первый отвечает совсем другое, и долго".to_owned());
    first.always(Misbehave::CutMiddle(4));
    let (reply, heard) = models(&chain("60s", &first, &second)).ask_and_hear(QUESTION).await;
    assert_eq!(reply.expect("the second answers").text, ANSWER);
    let turn = heard.iter().position(|text| ANSWER.starts_with(text.as_str())).expect("the second was heard");
    assert!(turn > 0 && heard[..turn].iter().all(|text| text.starts_with("Перв")), "{heard:?}");
    assert!(heard[turn..].iter().all(|text| ANSWER.starts_with(text.as_str())), "{heard:?}");
    assert_eq!(first.calls(), 1, "what was heard is not repeated at the same provider");
}

#[tokio::test]
async fn a_budget_that_is_used_up_switches_to_the_next_provider() {
    let (first, second) = (FakeModels::start().await, FakeModels::start().await);
    let text = chain("60s", &first, &second).replacen("window", "tokens_per_day = 1000\nwindow", 1);
    let chain = models(&text);
    chain.models.budget.seed("one", 999);
    assert_eq!(chain.ask().await.expect("it answers").model, "one/test-chat");
    assert_eq!(chain.ask().await.expect("it answers").model, "two/test-chat");
    assert_eq!(first.calls(), 1);
    let told = |model: &str, direction: &str| {
        chain.value(&format!("vectora_model_tokens_total{{model=\"{model}\",direction=\"{direction}\"}}"))
    };
    assert!(told("one/test-chat", "prompt") > 0.0 && told("two/test-chat", "completion") > 0.0);
    assert!(chain.value("vectora_model_requests_total{provider=\"one\",outcome=\"skipped\"}") > 0.0);
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_left_for_the_next() {
    let (gone, well) = (FakeModels::start().await, FakeModels::start().await);
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
    let text = chain("60s", &gone, &well).replacen(&gone.openai_url(), &format!("http://{port}/v1"), 1);
    assert_eq!(models(&text).ask().await.expect("the second answers").model, "two/test-chat");
    assert_eq!(gone.calls(), 0);
}
