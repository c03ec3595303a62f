//! Limits: of sends, of concurrency, of age; what cannot be read; how a process stops.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use contract::{Channel, Kind, QuestionStatus, Ticket};
use serde_json::json;
use testkit::{Installation, Plan, eventually};

use crate::BINARY;

/// Environment on top of the usual.
fn plan(env: &[(&str, &str)]) -> Plan {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Plan { env, database: None }
}

/// Bytes onto a subject, as somebody else's program would put them there.
fn publish(installation: &Installation, subject: &str, bytes: &[u8]) {
    let url = installation.nats.url();
    let mut stream = TcpStream::connect(url.trim_start_matches("nats://")).expect("NATS listens");
    let hello = json!({ "verbose": false, "pedantic": false, "auth_token": installation.nats.token() });
    write!(stream, "CONNECT {hello}\r\nPUB {subject} {}\r\n", bytes.len()).expect("it reads");
    stream.write_all(bytes).expect("it reads");
    stream.write_all(b"\r\nPING\r\n").expect("it reads");
    let told = BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .find(|line| !line.is_empty() && !line.starts_with("INFO"));
    assert_eq!(told.as_deref(), Some("PONG"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_chats_at_the_limiter_all_get_through() {
    // Renewals as often as can be beside begins and settles of the same rows, of leases that no load ends.
    let env = [
        ("VECTORA__WORKERS__BOT_RATE__INTERVAL", "5ms"),
        ("VECTORA__WORKERS__BOT_RATE__BURST", "3"),
        ("VECTORA__WORKERS__LEASE", "25s"),
        ("VECTORA__WORKERS__RENEW", "20ms"),
    ];
    let installation = Installation::new(BINARY, plan(&env)).await;
    let chats = "INSERT INTO conversations (id, channel, address, next_seq)
                 SELECT gen_random_uuid(), 'loopback', 'chat ' || n, 2 FROM generate_series(1, 1000) AS n";
    sqlx::query(chats).execute(&installation.sql).await.expect("the ledger accepts");
    let notices = "INSERT INTO outbound (id, conversation_id, seq, kind, author, text, stage, state)
                   SELECT gen_random_uuid(), id, 1, 'notice', 'bot', 'hello', 'deliver', 'ready' FROM conversations";
    sqlx::query(notices).execute(&installation.sql).await.expect("the ledger accepts");
    let _one = installation.worker("deliver", &[]).await;
    let _other = installation.worker("deliver", &[]).await;
    let started = Instant::now();
    let (_ingress, _) = installation.ingress(&[]).await;
    eventually("all of them to be sent", || async {
        (installation.count("SELECT count(*) FROM outbound WHERE state <> 'sent'").await == 0).then_some(())
    })
    .await;
    let took = started.elapsed();
    testkit::measured("1,000 chats at 200 a second", took);
    assert!(took >= Duration::from_millis(4900), "the rate is kept: {took:?}");
    assert!(took < Duration::from_secs(12), "nobody pushes anybody back: {took:?}");
    for n in 1..=1000 {
        assert_eq!(installation.messenger.screen(&format!("chat {n}")), ["hello"]);
    }
    let most = installation.count("SELECT max(epoch) FROM outbound").await;
    assert!(most <= 2, "one claim draws the slot, one sends; the most was {most}");
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(installation.count(deadlocks).await, 0, "everything locks rows in the same order");
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_update_does_not_silence_its_chat() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let before = installation.say("anna", "one").await;
    let poison = installation.update("anna", "p1", json!(["no", "update"])).await;
    let blank = installation.update("anna", "p2", json!({ "text": "  " })).await;
    let sticker = installation.update("anna", "p3", json!({ "sticker": 7 })).await;
    let after = installation.say("anna", "two").await;
    let (_ingress, _) = installation.ingress(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    installation.answered(before).await;
    installation.answered(after).await;
    for id in [poison, blank] {
        assert_eq!(installation.finished(id).await.status, QuestionStatus::Failed);
    }
    assert_eq!(installation.finished(sticker).await.status, QuestionStatus::Superseded, "passed over");
    let failed = store::failed::list(&installation.ledger, 10).await.expect("the ledger answers");
    let mut listed: Vec<_> = failed.iter().map(|work| (work.kind.as_str(), work.id)).collect();
    listed.sort_unstable();
    let mut expected = vec![("inbox", poison.0), ("inbox", blank.0)];
    expected.sort_unstable();
    assert_eq!(listed, expected);

    let again = store::failed::redrive(&installation.ledger, poison.0).await.expect("the ledger answers");
    assert!(again.is_some(), "a failed update can be driven again");
    let last = installation.say("anna", "three").await;
    installation.answered(last).await;
    assert_eq!(installation.finished(poison).await.status, QuestionStatus::Failed);
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_update_ten_times_gives_one_answer() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, _) = installation.ingress(&[]).await;
    let _worker = installation.worker("intake,retrieve,answer,deliver", &[]).await;
    let update = store::accept::Update {
        channel: Channel::Loopback,
        address: "anna".to_owned(),
        source: "loopback".to_owned(),
        external_id: "77".to_owned(),
        payload: json!({ "text": "hello" }),
    };
    let mut accepted = Vec::new();
    for _ in 0..10 {
        accepted
            .extend(store::accept::update(&installation.ledger, &update).await.expect("the ledger answers"));
    }
    assert_eq!(accepted.len(), 1, "it is new once");
    installation.answered(accepted[0].0).await;
    installation.assert_finished().await;
    assert_eq!(installation.count("SELECT count(*) FROM answers").await, 1);
    assert_eq!(installation.messenger.screen("anna"), ["Scripted answer to: hello"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_concurrency_limit_binds() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let _worker = installation
        .worker("intake,retrieve,answer", &[("VECTORA__WORKERS__CONCURRENCY__ANSWER", "3")])
        .await;
    let started = Instant::now();
    let mut asked = Vec::new();
    for n in 0..12 {
        asked.push(installation.ask(&url, &format!("question {n} #wait=300ms")).await);
    }
    let leased = "SELECT count(*) FROM turns
                  WHERE state = 'active' AND stage = 'answer' AND lease_until > clock_timestamp()";
    let mut most = 0;
    while installation.count("SELECT count(*) FROM answers").await < 12 {
        most = most.max(installation.count(leased).await);
        assert!(most <= 3, "{most} at once");
        assert!(started.elapsed() < testkit::DEADLINE, "not all are answered");
    }
    let took = started.elapsed();
    testkit::measured("12 questions of 0.3 s, 3 at once", took);
    assert_eq!(most, 3, "what is allowed is used");
    assert!(took >= Duration::from_millis(1200) && took < Duration::from_secs(4), "{took:?}");
    for id in asked {
        installation.answered(id).await;
    }
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_ticket_is_acknowledged_counted_and_comes_back_as_one_that_can_be_read() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let worker = installation.worker("intake,retrieve,answer", &[]).await;
    // Nobody dispatches yet: the only ticket of this row is one of a newer release.
    let id = installation.say("anna", "hello").await;
    let key = store::accept::intake_key(Channel::Loopback, "anna");
    let newer = json!({ "v": 2, "id": key, "what": "ever" });
    publish(&installation, "vectora.turns.intake", newer.to_string().as_bytes());
    let counted = ["vectora_stage_unclaimed_total", "newer", "intake"];
    assert!(installation.metric_line(&worker, &counted).await.ends_with(" 1"));
    assert_eq!(installation.count("SELECT epoch FROM intake_keys").await, 0, "it is not claimed");
    let (_ingress, _) = installation.ingress(&[]).await;
    installation.answered(id).await;
    let line = installation.metric_line(&worker, &counted).await;
    assert!(line.ends_with(" 1"), "acknowledged: it never came again: {line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn undecodable_bytes_are_set_aside_and_stop_nobody() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let worker = installation
        .worker("intake,retrieve,answer", &[("VECTORA__WORKERS__CONCURRENCY__DEFAULT", "1")])
        .await;
    for stage in ["intake", "answer"] {
        for bytes in [&b"\xff\x00 garbage"[..], b"", b"{}", br#"{"v":1}"#, b"[1,2,3]"] {
            publish(&installation, &format!("vectora.turns.{stage}"), bytes);
        }
    }
    // A ticket of a row that does not exist, and one of a stage the row is not at.
    let nobody = Ticket::new(Kind::Turn, uuid::Uuid::now_v7(), "answer", 1);
    publish(&installation, "vectora.turns.answer", &nobody.encode());
    publish(&installation, "vectora.turns.intake", &nobody.encode());
    for n in 0..5 {
        let id = installation.ask(&url, &format!("question {n}")).await;
        installation.answered(id).await;
    }
    for stage in ["intake", "answer"] {
        let stage = format!("stage=\"{stage}\"");
        let words = ["vectora_stage_unclaimed_total", "undecodable", stage.as_str()];
        eventually("all of them to be set aside", || async {
            installation.metric_line(&worker, &words).await.ends_with(" 5").then_some(())
        })
        .await;
    }
    installation.assert_finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_installations_on_the_same_servers_do_not_see_each_other() {
    let one = Installation::new(BINARY, Plan::default()).await;
    let (nats, token) = (one.nats.url(), one.nats.token().to_owned());
    let env =
        [("NATS_URL", nats.as_str()), ("VECTORA__NATS__TOKEN", &token), ("VECTORA__NATS__PREFIX", "other")];
    let other = Installation::new(BINARY, plan(&env)).await;
    let (_first_ingress, first) = one.ingress(&[]).await;
    let (_second_ingress, second) = other.ingress(&[]).await;
    let _second_worker = other.worker("intake,retrieve,answer", &[]).await;
    let waiting = one.ask(&first, "who works for me?").await;
    let mut asked = Vec::new();
    for n in 0..10 {
        asked.push(other.ask(&second, &format!("question {n}")).await);
    }
    for id in asked {
        other.answered(id).await;
    }
    assert_eq!(one.status(waiting).await, QuestionStatus::Accepted, "the other's workers do not touch it");
    let _first_worker = one.worker("intake,retrieve,answer", &[]).await;
    one.answered(waiting).await;
    assert!(store::questions::get(&other.ledger, waiting).await.expect("the ledger answers").is_none());
    one.assert_finished().await;
    other.assert_finished().await;
    assert_eq!(one.count("SELECT count(*) FROM answers").await, 1);
    assert_eq!(other.count("SELECT count(*) FROM answers").await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_nobody_works_on_is_given_up_with_its_apology() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let age = [("VECTORA__DISPATCHER__TURN_AGE", "1s"), ("VECTORA__DISPATCHER__TIDY", "100ms")];
    let (_ingress, url) = installation.ingress(&age).await;
    let _worker = installation.worker("intake,deliver", &[]).await;
    let started = Instant::now();
    let rest = installation.ask(&url, "is anybody there?").await;
    let chat = installation.say("anna", "Есть кто-нибудь?").await;
    for id in [rest, chat] {
        let question = installation.finished(id).await;
        assert_eq!(question.status, QuestionStatus::Failed);
        assert!(question.error.is_some());
    }
    let took = started.elapsed();
    testkit::measured("two turns given up at the age of 1 s", took);
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(4), "{took:?}");
    eventually("the apology to be shown", || async {
        let screen = installation.messenger.screen("anna");
        (screen.len() == 1 && screen[0].starts_with("Извините")).then_some(())
    })
    .await;
    installation.assert_finished().await;
}
