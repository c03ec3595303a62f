//! Conversations: order within, parallelism across, and failures that free them.

use std::time::{Duration, Instant};

use contract::QuestionStatus;
use serde_json::Value;
use testkit::{Installation, Plan, eventually};

use crate::BINARY;

/// Environment on top of the usual.
fn plan(env: &[(&str, &str)]) -> Plan {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Plan { env, database: None }
}

/// A command of the binary, and everything it printed.
async fn run(installation: &Installation, arguments: &[&str]) -> String {
    let mut program = installation.start(arguments, &[]);
    let status = program.ended().await;
    assert!(status.success(), "{arguments:?}: {}", program.output());
    program.output()
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_of_one_conversation_are_answered_one_at_a_time_and_in_order() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let _one = installation.worker("intake,retrieve,answer", &[]).await;
    let _other = installation.worker("intake,retrieve,answer", &[]).await;
    let first = installation.ask(&url, "question 0 #wait=90ms").await;
    let conversation = installation.question(first).await.conversation_id.to_string();
    let mut asked = vec![first.0];
    for n in 1..20 {
        // 37 and 101 share no factor: the waits go up and down without a pattern that helps anybody.
        let text = format!("question {n} #wait={}ms", n * 37 % 101);
        asked.push(installation.ask_in(&url, &conversation, &text).await.0);
    }
    for id in &asked {
        installation.answered((*id).into()).await;
    }
    let stored: Vec<uuid::Uuid> = sqlx::query_scalar("SELECT id FROM messages ORDER BY position")
        .fetch_all(&installation.sql)
        .await
        .expect("the ledger answers");
    assert_eq!(stored, asked, "they are in the ledger in the order in which they were asked");
    let wrong = "SELECT count(*) FROM (
                     SELECT t.claimed_at, lag(t.ended_at) OVER (ORDER BY m.position) AS before,
                            count(*) OVER (PARTITION BY t.id) AS joined
                     FROM messages m JOIN turns t ON t.id = m.turn_id
                 ) AS line WHERE claimed_at < before OR joined > 1";
    assert_eq!(installation.count(wrong).await, 0, "one at a time, in order, each alone");
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_do_not_wait_for_each_other() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer", &[]).await;
    let started = Instant::now();
    let mut asked = Vec::new();
    for n in 0..8 {
        asked.push(installation.ask(&url, &format!("question {n} #wait=500ms")).await);
    }
    for id in asked {
        installation.answered(id).await;
    }
    let took = started.elapsed();
    testkit::measured("8 questions of 500 ms in 8 conversations", took);
    assert!(took < Duration::from_secs(2), "one after another it would be 4 s: {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_given_up_frees_its_conversation() {
    let env = [("VECTORA__WORKERS__RETRY", "10ms"), ("VECTORA__WORKERS__ATTEMPTS", "3")];
    let installation = Installation::new(BINARY, plan(&env)).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let (_api, api) = installation.api(&[]).await;
    let worker = installation
        .worker("intake,retrieve,answer", &[("VECTORA__WORKERS__HARD_LIMIT__ANSWER", "200ms")])
        .await;
    let cases = [
        ("#reject", 1, "the script says so"),
        ("#fail", 3, "the script says so"),
        ("#panic", 3, "the handler panicked"),
        ("#hang", 3, "the handler did not end within 0.2 s"),
    ];
    for (word, attempts, cause) in cases {
        let id = installation.ask(&url, &format!("please {word}")).await;
        let conversation = installation.question(id).await.conversation_id.to_string();
        let next = installation.ask_in(&url, &conversation, "and this?").await;
        assert_eq!(installation.finished(id).await.status, QuestionStatus::Failed, "{word}");
        assert_eq!(installation.answered(next).await, "Scripted answer to: and this?");

        let shown = installation.http.get(format!("{api}/v1/questions/{id}")).bearer_auth(&installation.key);
        let shown: Value = shown.send().await.expect("the API answers").json().await.expect("JSON");
        assert_eq!(shown["status"], "failed", "{word}: {shown}");
        let error = shown["error"].as_str().expect("a failed question says that it failed");
        assert!(!error.is_empty() && !error.contains("script"), "the cause stays inside: {error}");

        let (made, last_error): (i32, String) = sqlx::query_as(
            "SELECT t.attempts, t.last_error FROM turns t JOIN messages m ON m.turn_id = t.id WHERE m.id = $1",
        )
        .bind(id.0)
        .fetch_one(&installation.sql)
        .await
        .expect("the turn is there");
        assert_eq!(made, attempts, "{word}");
        assert!(last_error.contains(cause), "{word}: {last_error}");
    }
    let panics = installation.metric_line(&worker, &["vectora_stage_panics_total", "answer"]).await;
    assert!(panics.ends_with(" 3"), "every panic is counted: {panics}");
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_answered_hears_so_in_their_language_and_can_go_on() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, _) = installation.ingress(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    let apologies = [
        (
            "anna",
            "Почему не работает? #reject",
            "Извините, ответить не получилось. Спросите ещё раз или попросите оператора.",
        ),
        ("bob", "Why not? #reject", "Sorry, I could not answer this. Please ask again, or ask for a human."),
    ];
    for (chat, text, apology) in apologies {
        let id = installation.say(chat, text).await;
        assert_eq!(installation.finished(id).await.status, QuestionStatus::Failed);
        eventually("the apology to be shown", || async {
            (installation.messenger.showing(chat, apology) == 1).then_some(())
        })
        .await;
        let next = installation.say(chat, "and now?").await;
        installation.answered(next).await;
        eventually("the next answer to be shown", || async {
            (installation.messenger.screen(chat) == [apology, "Scripted answer to: and now?"]).then_some(())
        })
        .await;
    }
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_work_is_listed_and_driven_again() {
    let installation = Installation::new(BINARY, plan(&[("VECTORA__WORKERS__ATTEMPTS", "1")])).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let _intake = installation.worker("intake,retrieve", &[]).await;
    let mut hasty = installation.worker("answer", &[("VECTORA__WORKERS__HARD_LIMIT__ANSWER", "50ms")]).await;
    let id = installation.ask(&url, "slow #wait=300ms").await;
    assert_eq!(installation.finished(id).await.status, QuestionStatus::Failed);
    hasty.kill();
    let _patient = installation.worker("answer", &[]).await;

    let listed = run(&installation, &["failed", "list", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed).expect("a list in JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!((&listed[0]["kind"], &listed[0]["state"]), (&"turn".into(), &"failed".into()), "{listed}");
    let turn = listed[0]["id"].as_str().expect("an id").to_owned();
    let shown = run(&installation, &["failed", "show", &turn]).await;
    assert!(shown.contains("did not end within") && !shown.contains("slow"), "{shown}");

    let started = Instant::now();
    run(&installation, &["failed", "redrive", &turn]).await;
    let answer = eventually("the question to be answered after all", || async {
        installation.question(id).await.answer
    })
    .await;
    testkit::measured("from redrive to answer, 300 ms of it the model's", started.elapsed());
    assert_eq!(answer, "Scripted answer to: slow #wait=300ms");
    assert_eq!(installation.status(id).await, QuestionStatus::Answered);
    let empty: Value =
        serde_json::from_str(&run(&installation, &["failed", "list", "--json"]).await).expect("JSON");
    assert_eq!(empty.as_array().map(Vec::len), Some(0), "{empty}");
    let mut again = installation.start(&["failed", "redrive", &turn], &[]);
    assert!(!again.ended().await.success(), "nothing failed has this id any more: {}", again.output());
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_away_costs_no_attempt_and_stops_no_other_stage() {
    let env = [("VECTORA__WORKERS__BREAKER", "50ms"), ("VECTORA__WORKERS__BREAKER_MAX", "200ms")];
    let installation = Installation::new(BINARY, plan(&env)).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    let id = installation.ask(&url, "hello #unavailable").await;
    let conversation = installation.question(id).await.conversation_id;
    eventually("the breaker to have been tripped ten times", || async {
        let epoch = "SELECT coalesce(max(epoch), 0) FROM turns";
        (installation.count(epoch).await >= 10).then_some(())
    })
    .await;
    installation.metric_line(&worker, &["vectora_stage_breaker_open", "answer", "} 1"]).await;
    assert_eq!(installation.count("SELECT attempts::bigint FROM turns").await, 0, "no attempt is burnt");
    assert!(installation.count("SELECT claims::bigint FROM turns").await <= 1, "claims are taken back");
    assert_eq!(installation.status(id).await, QuestionStatus::Working);

    // Another stage of the same process goes on, and the probe of the open breaker can be somebody else's.
    let greeting = installation.say("anna", "hello").await;
    installation.answered(greeting).await;
    eventually("it to be shown", || async {
        (installation.messenger.showing("anna", "Scripted answer to: hello") == 1).then_some(())
    })
    .await;

    let taken = store::conversations::take(&installation.ledger, conversation, Duration::from_mins(1)).await;
    assert!(taken.expect("the ledger answers"));
    assert_eq!(installation.status(id).await, QuestionStatus::Superseded);
    installation.assert_finished().await;
}

/// A slow question that was begun before the fault must not keep its stage from finding out that the
/// dependency is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_question_does_not_keep_a_stage_from_recovering() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer", &[]).await;
    let slow = installation.ask(&url, "#wait=8000ms").await;
    let away = installation.ask(&url, "#unavailable").await;
    let tried = "SELECT count(*) FROM turns WHERE last_error IS NOT NULL";
    eventually("the breaker to open", || async { (installation.count(tried).await == 1).then_some(()) })
        .await;
    let home = installation.question(away).await.conversation_id;
    let minute = Duration::from_mins(1);
    assert!(
        store::conversations::take(&installation.ledger, home, minute).await.expect("the ledger answers")
    );
    let asked = Instant::now();
    installation.answered(installation.ask(&url, "quick").await).await;
    testkit::measured("a question behind an open breaker and a slow question", asked.elapsed());
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert!(!installation.status(slow).await.is_final(), "the slow one still runs");
    installation.answered(slow).await;
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_driven_again_while_a_human_has_the_conversation_is_the_humans() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer", &[]).await;
    let id = installation.ask(&url, "#reject").await;
    let home = installation.finished(id).await.conversation_id;
    let minute = Duration::from_mins(1);
    assert!(
        store::conversations::take(&installation.ledger, home, minute).await.expect("the ledger answers")
    );
    let failed = store::failed::list(&installation.ledger, 10).await.expect("the ledger answers");
    let driven =
        store::failed::redrive(&installation.ledger, failed[0].id).await.expect("the ledger answers");
    assert_eq!(driven, Some(Vec::new()), "nothing is opened");
    assert_eq!(installation.status(id).await, QuestionStatus::Escalated);
    store::conversations::give_back(&installation.ledger, home).await.expect("the ledger answers");
    assert_eq!(
        installation.status(id).await,
        QuestionStatus::Escalated,
        "the bot does not answer it on return"
    );
    installation.assert_finished().await;
}
