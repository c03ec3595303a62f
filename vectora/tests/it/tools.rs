//! The tools of operators: `migrate`, `topology`, `keys`, `failed`. What they print, and their exit codes.

use serde_json::Value;
use testkit::program::{Ran, run};
use testkit::{Installation, Plan, eventually, sqlx};

use crate::BINARY;

async fn vectora(installation: &Installation, arguments: &[&str], env: &[(&str, &str)]) -> Ran {
    run(installation.command(arguments, env)).await
}

fn assert_ran(ran: &Ran, code: i32, word: &str) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    assert!(ran.stdout.contains(word) || ran.stderr.contains(word), "{word:?} in {ran:?}");
    // A command that succeeds says its result on stdout, one that fails why on stderr, in one line.
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_go_down_to_nothing_and_up_again() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let empty = testkit::postgres::empty_database().await;
    let sql = empty.sql().await;
    let tables = async || {
        let count =
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '%sqlx%'";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&sql).await.expect("the catalogue")
    };
    let env = [("DATABASE_URL", empty.url.as_str()), ("VECTORA__NATS__CONNECT_WAIT", "1s")];
    let migrate = async |arguments: &[&str]| {
        let words: Vec<&str> = std::iter::once("migrate").chain(arguments.iter().copied()).collect();
        vectora(&installation, &words, &env).await
    };
    let status = migrate(&["status"]).await;
    assert_ran(&status, 1, "missing");
    assert!(!status.stdout.contains("applied"), "{status:?}");
    let count = status.stdout.lines().count();
    assert!(count >= 7, "{status:?}");

    // Whoever needs the schema says what to do.
    for role in ["ingress", "api", "worker"] {
        let ran = vectora(&installation, &[role], &env).await;
        assert_ran(&ran, 1, "run `vectora migrate up`");
        assert!(ran.stderr.contains(&format!("{count} migrations")), "{ran:?}");
    }

    for round in 0..2 {
        assert_ran(&migrate(&["up"]).await, 0, &format!("{count} applied"));
        let made = tables().await;
        assert!(made >= 10, "round {round}: {made} tables");
        assert_ran(&migrate(&["up"]).await, 0, "0 applied");
        let status = migrate(&["status"]).await;
        assert_ran(&status, 0, "applied");
        assert!(!status.stdout.contains("missing"), "{status:?}");
        assert_ran(&migrate(&["down"]).await, 0, "1 taken back");
        assert_ran(&migrate(&["status"]).await, 1, "missing");
        assert_ran(&migrate(&["down", "--steps", "99"]).await, 0, &format!("{} taken back", count - 1));
        assert_eq!(tables().await, 0, "round {round}");
        let types = "SELECT count(*) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                     WHERE n.nspname = 'public' AND t.typname NOT LIKE '%sqlx%'";
        let left: i64 = sqlx::query_scalar(types).fetch_one(&sql).await.expect("the catalogue");
        assert_eq!(left, 0, "types are left");
        assert_ran(&migrate(&["down"]).await, 0, "0 taken back");
    }
    assert_ran(&migrate(&["up"]).await, 0, "applied");
    let away = [("DATABASE_URL", "postgres://x@127.0.0.1:1/x"), ("VECTORA__STORE__ACQUIRE_TIMEOUT", "200ms")];
    let ran = vectora(&installation, &["migrate", "status"], &away).await;
    assert_ran(&ran, 1, "the ledger is unavailable");
    assert_eq!(ran.stderr.trim_end().lines().count(), 1, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_topology_is_compared_and_applied() {
    let mut installation = Installation::new(BINARY, Plan::default()).await;
    assert_ran(&vectora(&installation, &["topology", "check"], &[]).await, 0, "as wanted");
    assert_ran(&vectora(&installation, &["topology", "apply"], &[]).await, 0, "as wanted");
    // Another prefix: nothing is there yet, and both live side by side.
    let other = [("VECTORA__NATS__PREFIX", "other")];
    let ran = vectora(&installation, &["topology", "check"], &other).await;
    assert_ran(&ran, 1, "OTHER_TURNS");
    assert_ran(&vectora(&installation, &["topology", "apply"], &other).await, 0, "OTHER_TURNS");
    assert_ran(&vectora(&installation, &["topology", "check"], &other).await, 0, "as wanted");
    assert_ran(&vectora(&installation, &["topology", "check"], &[]).await, 0, "as wanted");
    // Other settings: changed in place.
    let longer = [("VECTORA__NATS__ACK_WAIT", "45s")];
    let ran = vectora(&installation, &["topology", "check"], &longer).await;
    assert_ran(&ran, 1, "ack_wait");
    assert!(ran.stdout.contains("45"), "it names what is wanted: {ran:?}");
    assert_ran(&vectora(&installation, &["topology", "apply"], &longer).await, 0, "ack_wait");
    assert_ran(&vectora(&installation, &["topology", "check"], &longer).await, 0, "as wanted");
    assert_ran(&vectora(&installation, &["topology", "check"], &[]).await, 1, "ack_wait");

    let ran = vectora(&installation, &["topology", "check"], &[("VECTORA__NATS__TOKEN", "wrong")]).await;
    assert_ran(&ran, 1, "rejects these credentials");
    assert!(ran.stderr.contains("nats.token"), "{ran:?}");
    installation.nats.kill().await;
    let ran =
        vectora(&installation, &["topology", "check"], &[("VECTORA__NATS__CONNECT_WAIT", "200ms")]).await;
    assert_ran(&ran, 1, "NATS does not answer");
    assert!(ran.stderr.contains("NATS_URL"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_shown_once_listed_and_revoked() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let keys = async |arguments: &[&str]| {
        let words: Vec<&str> = std::iter::once("keys").chain(arguments.iter().copied()).collect();
        vectora(&installation, &words, &[]).await
    };
    let made = keys(&["create", "the shop"]).await;
    assert_ran(&made, 0, "vk_");
    let token = made.stdout.trim().to_owned();
    assert_eq!(token.lines().count(), 1, "the key and nothing else, so that it can be piped: {made:?}");
    let ask = async || {
        let request = installation.http.post(format!("{url}/v1/questions")).bearer_auth(&token);
        request.json(&serde_json::json!({ "text": "hi" })).send().await.expect("it answers").status().as_u16()
    };
    assert_eq!(ask().await, 202, "it works at once, with the scopes to ask and to read");
    let id = store::keys::parse(&token).expect("a key").to_string();

    let listed = keys(&["list"]).await;
    assert_ran(&listed, 0, &id);
    assert!(listed.stdout.contains("the shop") && listed.stdout.contains("live"), "{listed:?}");
    assert!(listed.stdout.contains("questions:write,questions:read"), "{listed:?}");
    let json = keys(&["list", "--json"]).await;
    let all: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(all.as_array().map(Vec::len), Some(2), "{all}");
    let secret = &token[token.len() - 64..];
    assert!(!listed.stdout.contains(secret) && !json.stdout.contains(secret));

    let limited = keys(&["create", "reader", "--scope", "questions:read:any", "--days", "7"]).await;
    assert_ran(&limited, 0, "vk_");
    let listed = keys(&["list"]).await;
    let line = listed.stdout.lines().find(|line| line.contains("reader")).expect("it is listed");
    assert!(line.contains("until") && !line.contains("questions:write"), "{line}");
    let days = "SELECT count(*) FROM api_keys
                WHERE expires_at BETWEEN now() + interval '167 hours' AND now() + interval '169 hours'";
    assert_eq!(installation.count(days).await, 1);

    let unknown = keys(&["create", "x", "--scope", "everything"]).await;
    assert_ran(&unknown, 1, "everything");
    assert!(unknown.stderr.contains("questions:write:any"), "it lists what there is: {unknown:?}");
    assert_eq!(installation.count("SELECT count(*) FROM api_keys").await, 3);

    assert_eq!(keys(&["revoke", &id]).await.code, Some(0));
    eventually("the key to be refused", || async { (ask().await == 401).then_some(()) }).await;
    assert_ran(&keys(&["list"]).await, 0, "revoked");
    assert_ran(&keys(&["revoke", &id]).await, 1, &id);
    assert_ran(&keys(&["revoke", "nonsense"]).await, 2, "nonsense");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_work_is_listed_shown_without_what_people_wrote_and_driven_again() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (_ingress, url) = installation.ingress(&[]).await;
    let worker = installation.worker("intake,retrieve,answer", &[]).await;
    let failed = async |arguments: &[&str]| {
        let words: Vec<&str> = std::iter::once("failed").chain(arguments.iter().copied()).collect();
        vectora(&installation, &words, &[]).await
    };
    let nothing = failed(&["list"]).await;
    assert_eq!(nothing.code, Some(0), "{nothing:?}");
    let id = installation.ask(&url, "my card is 4111 #reject").await;
    assert_eq!(installation.finished(id).await.status, contract::QuestionStatus::Failed);

    let listed = failed(&["list"]).await;
    assert_ran(&listed, 0, "turn answer failed");
    let json: Value = serde_json::from_str(&failed(&["list", "--json"]).await.stdout).expect("JSON");
    let turn = json[0]["id"].as_str().expect("an id").to_owned();
    assert!(listed.stdout.contains(&turn), "{listed:?}");
    let shown = failed(&["show", &turn]).await;
    assert_ran(&shown, 0, "the script says so");
    for ran in [&listed, &shown] {
        assert!(!ran.stdout.contains("my card"), "what people wrote is personal: {ran:?}");
    }
    assert_eq!(failed(&["list", "--limit", "0"]).await.stdout, "");

    let invented = contract::MessageId::new().to_string();
    assert_ran(&failed(&["show", &invented]).await, 1, &invented);
    assert_ran(&failed(&["redrive", &invented]).await, 1, &invented);
    assert_eq!(failed(&["redrive"]).await.code, Some(2), "it says which arguments it wants");

    // The one who refused it for ever is gone; without a model every question is refused politely.
    drop(worker);
    let _worker =
        installation.worker("intake,retrieve,answer", &[("VECTORA__MODELS__PROVIDER", "none")]).await;
    assert_ran(&failed(&["redrive", &turn]).await, 0, "driven again");
    eventually("the question to be refused", || async {
        (installation.status(id).await == contract::QuestionStatus::Refused).then_some(())
    })
    .await;
    assert_eq!(failed(&["list"]).await.stdout, "");
    assert_ran(&failed(&["redrive", &turn]).await, 1, &turn);
    installation.assert_finished().await;
}
