//! What stands around a provider: repeats, breaker, slots, cancellation, and secrets that stay inside.

use std::time::{Duration, Instant};

use fake_models::{FakeModels, Misbehave};
use futures_util::future::join_all;

use super::{ANSWER, QUESTION, alone, asking, models, provider, until};

const OPEN: &str = "vectora_model_breaker_open{provider=\"one\"}";

#[tokio::test]
async fn a_wait_that_the_server_asks_for_is_kept() {
    for kind in ["openai", "ollama"] {
        let fake = FakeModels::start().await;
        fake.next(Misbehave::TooMany { retry_after: Some("1".to_owned()) });
        let started = Instant::now();
        assert_eq!(alone(kind, &fake).ask().await.expect("it answers then").text, ANSWER);
        assert!(started.elapsed() >= Duration::from_secs(1) && fake.calls() == 2, "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_wait_that_does_not_fit_takes_the_provider_out_until_then() {
    let fake = FakeModels::start().await;
    fake.next(Misbehave::TooMany { retry_after: Some("30".to_owned()) });
    let chain = alone("openai", &fake);
    let error = chain.ask().await.expect_err("30s do not fit into 20s").to_string();
    assert!(error.contains("30s"), "{error}");
    let error = chain.ask().await.expect_err("it is not asked").to_string();
    assert!(error.contains("out of use") && fake.calls() == 1, "{error}");
    assert!((chain.value(OPEN) - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn what_passes_is_repeated_and_what_stays_is_not() {
    let fake = FakeModels::start().await;
    fake.next(Misbehave::Status(503));
    fake.next(Misbehave::CutBefore);
    assert_eq!(alone("openai", &fake).ask().await.expect("the third call goes well").text, ANSWER);
    assert_eq!(fake.calls(), 3);
    for lasting in [Misbehave::Status(401), Misbehave::OutOfQuota, Misbehave::EmptyChoices] {
        let fake = FakeModels::start().await;
        fake.next(lasting.clone());
        assert!(alone("openai", &fake).ask().await.is_err());
        assert_eq!(fake.calls(), 1, "{lasting:?}");
    }
}

#[tokio::test]
async fn a_breaker_opens_asks_with_one_probe_and_closes() {
    let fake = FakeModels::start().await;
    fake.always(Misbehave::EndMiddle(1));
    let chain = alone("openai", &fake);
    for _ in 0..3 {
        assert!(chain.ask().await.is_err());
    }
    assert!((chain.value(OPEN) - 1.0).abs() < f64::EPSILON);
    assert!(chain.ask().await.is_err());
    assert_eq!(fake.calls(), 3, "nothing passes while it is open");
    // The probe takes its time, and is alone while it does.
    fake.well();
    fake.first_token_after(Duration::from_millis(100));
    let mut answers = Vec::new();
    while fake.calls() == 3 {
        answers = join_all((0..8).map(|_| chain.ask())).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert_eq!(fake.calls(), 4, "exactly one probe");
    assert!(chain.value(OPEN).abs() < f64::EPSILON);
    assert!(join_all((0..8).map(|_| chain.ask())).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn no_more_calls_run_at_once_than_are_allowed() {
    for kind in ["openai", "ollama"] {
        let fake = FakeModels::start().await;
        fake.tokens_per_second(400.0);
        let text = provider("one", kind, &fake).replace("window", "concurrency = 3\nwindow");
        let chain = models(&format!("provider = \"one\"\n{text}"));
        let answers = join_all((0..20).map(|_| chain.ask())).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(fake.most_in_flight(), 3, "{kind}");
    }
}

#[tokio::test]
async fn waiting_for_a_slot_counts_into_the_total_and_not_against_the_provider() {
    let fake = FakeModels::start().await;
    fake.first_token_after(Duration::from_millis(200));
    let text = provider("one", "openai", &fake)
        .replace("window", "concurrency = 1\nwindow")
        .replace("\"20s\"", "\"300ms\"");
    let chain = models(&format!("provider = \"one\"\n{text}"));
    let answers = join_all((0..8).map(|_| chain.ask())).await;
    let errors: Vec<String> =
        answers.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect();
    assert!(errors.len() >= 6, "{errors:?}");
    assert!(
        errors.iter().filter(|error| error.contains("1 slots were taken for 300ms")).count() >= 6,
        "{errors:?}"
    );
    assert!(chain.value(OPEN).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_call_that_is_given_up_is_closed_at_the_server() {
    for (kind, stall) in [
        ("openai", Misbehave::StallMiddle(2)),
        ("openai", Misbehave::StallBefore),
        ("ollama", Misbehave::StallMiddle(2)),
        ("ollama", Misbehave::StallBefore),
    ] {
        let fake = FakeModels::start().await;
        fake.next(stall);
        let chain = alone(kind, &fake);
        let request = asking(QUESTION);
        let call = chain.chat().reply(&request, &|_| ());
        tokio::select! {
            _ = call => panic!("it stalls"),
            () = until("the call is under way", || fake.in_flight() == 1) => {}
        }
        until("the server has seen it", || fake.cancelled() == 1 && fake.in_flight() == 0).await;
        let cancelled = chain.value("vectora_model_requests_total{provider=\"one\",outcome=\"cancelled\"}");
        assert!((cancelled - 1.0).abs() < f64::EPSILON);
        assert!(chain.value("vectora_model_in_flight{provider=\"one\"}").abs() < f64::EPSILON);
    }
}

#[tokio::test]
async fn a_key_is_sent_and_shown_to_nobody() {
    const SECRET: &str = "sk-hunter2";
    let fake = FakeModels::start().await;
    fake.key(SECRET);
    let text = provider("one", "openai", &fake);
    let text = format!("provider = \"one\"\n{text}api_key = \"{SECRET}\"\n");
    let chain = models(&text);
    assert!(chain.ask().await.is_ok());
    let shown = format!("{:?} {:?} {:?}", super::settings(&text), chain.models, chain.ask().await);
    assert!(!shown.contains("hunter2") && !shown.contains("оплатить"), "{shown}");
    fake.key("another");
    let error = chain.ask().await.expect_err("the key is wrong");
    let said = format!("{error} {error:?}");
    assert!(said.contains("the key is refused"), "{said}");
    // The real one quotes the key in this error, and a port is an address.
    assert!(!said.contains("hunter2") && !said.contains("127.0.0.1"), "{said}");
}
