//! A wrong configuration: exit code 78 (`EX_CONFIG`) and one line that names file or variable, key and
//! remedy, and never a value. No server is needed to be told.

use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::program::{Ran, run};

use crate::BINARY;

/// Stands in every wrong value: it must never be shown.
const SECRET: &str = "hunter2";

/// A command in a directory of its own, where `vectora.toml` has this text, if any.
async fn vectora(arguments: &[&str], file: Option<&str>, env: &[(&str, &str)]) -> Ran {
    let dir = tempfile::tempdir().expect("there is room");
    if let Some(text) = file {
        std::fs::write(dir.path().join("vectora.toml"), text).expect("there is room");
    }
    let mut command = Command::new(BINARY);
    command.args(arguments).arg("--data-dir").arg(dir.path().join("data"));
    command.current_dir(dir.path()).env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    command.env("HOME", dir.path()).envs(env.iter().copied());
    let ran = run(command).await;
    assert!(!dir.path().join("data/postgres").exists(), "a server was made: {ran:?}");
    ran
}

/// Every command says the same, before it does anything.
async fn refused(file: Option<&str>, env: &[(&str, &str)], words: &[&str]) {
    let commands: [&[&str]; 6] = [
        &["config", "check"],
        &["config", "show"],
        &["up", "--listen", "127.0.0.1:0"],
        &["ingress"],
        &["worker", "--stage", "answer"],
        &["keys", "list"],
    ];
    for arguments in commands {
        let ran = vectora(arguments, file, env).await;
        let what = format!("{arguments:?} with {file:?} and {env:?}: {ran:?}");
        assert_eq!(ran.code, Some(78), "{what}");
        assert_eq!(ran.stderr.trim_end().lines().count(), 1, "one line: {what}");
        assert!(ran.stdout.is_empty() && !ran.stderr.contains(SECRET), "{what}");
        for word in words {
            assert!(ran.stderr.contains(word), "{word:?}: {what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_file_is_named_with_the_key() {
    let cases: [(&str, &[&str]); 11] = [
        ("[store]\nulr = \"hunter2\"\n", &["ulr", "url"]),
        ("[stroe]\nurl = \"hunter2\"\n", &["stroe", "store"]),
        ("hunter = 2\n", &["hunter"]),
        ("[workers]\nlease = \"hunter2\"\n", &["workers.lease"]),
        ("[workers]\nattempts = \"hunter2\"\n", &["workers.attempts"]),
        ("[http]\nlisten = \"hunter2\"\n", &["http.listen"]),
        ("[http]\nbody_limit = -1\n", &["http.body_limit"]),
        ("[http]\nallowed_hosts = [\"https://hunter2/\"]\n", &["http.allowed_hosts"]),
        ("[log]\nformat = \"hunter2\"\n", &["log.format", "none of the known words"]),
        ("[store\nurl = \"hunter2\"\n", &["not TOML", "line 1"]),
        ("[store]\nurl = hunter2\n", &["not TOML", "line 2"]),
    ];
    for (text, words) in cases {
        let words: Vec<&str> =
            words.iter().copied().chain(["vectora.toml", "vectora.example.toml"]).collect();
        refused(Some(text), &[], &words).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_variable_is_named_with_the_key() {
    let cases: [((&str, &str), &[&str]); 9] = [
        (("VECTORA__STORE__ULR", "hunter2"), &["ulr", "url"]),
        (("VECTORA__STROE__URL", "hunter2"), &["stroe", "store"]),
        (("VECTORA__HUNTER", "hunter2"), &[]),
        (("VECTORA__WORKERS__LEASE", "hunter2"), &["workers.lease"]),
        (("VECTORA__WORKERS__CONCURRENCY__ANSWER", "hunter2"), &["workers.concurrency"]),
        (("VECTORA__HTTP__LISTEN", "hunter2"), &["http.listen"]),
        (("VECTORA__NATS__REPLICAS", "hunter2"), &["nats.replicas"]),
        (("CORS_ORIGINS", "hunter2"), &["http.cors_origins"]),
        (("DATABASE_URL_FILE", "/nowhere/at/all"), &["/nowhere/at/all"]),
    ];
    for ((name, value), words) in cases {
        let words: Vec<&str> = words.iter().copied().chain([name]).collect();
        refused(None, &[(name, value)], &words).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_cannot_work_is_named_with_its_key_and_its_bounds() {
    let cases: [((&str, &str), &[&str]); 17] = [
        (("NATS_URL", "http://hunter2@host:4222"), &["nats.url", "nats://"]),
        (("NATS_URL", "nats://ann:hunter2@"), &["nats.url", "nats://"]),
        (("NATS_URL", "nats://hunter2@host:port"), &["nats.url", "nats://"]),
        (("DATABASE_URL", "mysql://hunter2@host/db"), &["DATABASE_URL", "postgres://"]),
        (("DATABASE_URL", "postgres://ann:hunter2@host:port/db"), &["DATABASE_URL", "postgres://"]),
        (("DATABASE_URL", "hunter2"), &["DATABASE_URL", "postgres://"]),
        (("VECTORA__NATS__REPLICAS", "7"), &["nats.replicas", "1 to 5"]),
        (("VECTORA__NATS__PREFIX", "a.b"), &["nats.prefix"]),
        (("VECTORA__NATS__ACK_WAIT", "1ms"), &["nats.ack_wait", "1s"]),
        (("VECTORA__HTTP__BODY_LIMIT", "1"), &["http.body_limit", "1024"]),
        (("LLM_PROVIDER", "hunter2"), &["models.provider", "[models.providers.<name>]"]),
        (("OPENAI_API_KEY", "a\nhunter2"), &["models.providers.openai.api_key", "line end"]),
        (("OPENAI_BASE_URL", "https://ann:hunter2@host/v1"), &["models.providers.openai.base_url"]),
        (("VECTORA__ADMISSION__MAX_OPEN", "0"), &["admission.max_open"]),
        (("LOG_LEVEL", "hunter2"), &["LOG_LEVEL", "info"]),
        (("VECTORA__FAULTS__AT", "x=hunter3"), &["faults.at"]),
        (("VECTORA__STORE__MAX_CONNECTIONS", "0"), &["store.max_connections", "at least"]),
    ];
    for (variable, words) in cases {
        refused(None, &[variable], words).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_asked_for_must_be_there_and_a_right_one_is_in_order() {
    let ran = vectora(&["config", "check", "--config", "/nowhere/vectora.toml"], None, &[]).await;
    assert_eq!(ran.code, Some(78), "{ran:?}");
    assert!(ran.stderr.contains("/nowhere/vectora.toml") && ran.stderr.contains("path"), "{ran:?}");
    let file = "[workers]\nlease = \"20s\"\n[workers.concurrency]\nanswer = 3\n";
    let env = [("NATS_URL", ""), ("VECTORA__HTTP__ALLOWED_HOSTS", "a.org, *.b.org"), ("VECTORA_KEY", "x")];
    let ran = vectora(&["config", "check"], Some(file), &env).await;
    assert_eq!((ran.code, ran.stdout.trim()), (Some(0), "the configuration is in order"), "{ran:?}");
    let shown = vectora(&["config", "show"], Some(file), &env).await.stdout;
    for part in ["lease: 20s", "*.b.org", "\"answer\": 3"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_ever_shows_a_secret() {
    // Nothing listens on port 1.
    let env = [
        ("DATABASE_URL", "postgres://ann:hunter2@127.0.0.1:1/db?sslmode=disable"),
        ("NATS_URL", "nats://ann:hunter2@127.0.0.1:1"),
        ("VECTORA__NATS__TOKEN", "hunter2"),
        ("VECTORA__NATS__CONNECT_WAIT", "100ms"),
        ("VECTORA__STORE__ACQUIRE_TIMEOUT", "200ms"),
        ("LOG_LEVEL", "trace"),
    ];
    let commands: [(&[&str], &str); 6] = [
        (&["config", "show"], "REDACTED"),
        (&["migrate", "status"], "ledger"),
        (&["keys", "list"], "ledger"),
        (&["failed", "list"], "ledger"),
        (&["topology", "check"], "NATS"),
        (&["up", "--listen", "127.0.0.1:0"], "ledger"),
    ];
    for (arguments, word) in commands {
        let ran = vectora(arguments, None, &env).await;
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!all.contains(SECRET), "{arguments:?}: {all}");
        assert!(all.contains(word), "{arguments:?}: {word:?} in {all}");
        let fine = arguments[0] == "config";
        assert_eq!(ran.code, Some(i32::from(!fine)), "{arguments:?}: {all}");
    }
}

/// Every line of the example that is commented out and is a key or a table.
fn uncommented(example: &str) -> String {
    let mut text = String::new();
    for line in example.lines() {
        let inside = line.strip_prefix('#').map(|rest| rest.strip_prefix(' ').unwrap_or(rest));
        let is_key = |rest: &str| {
            let name = rest.split_once(" = ").map(|(name, _)| name);
            let named = name.is_some_and(|name| {
                !name.is_empty()
                    && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"_.".contains(&byte))
            });
            named || (rest.starts_with('[') && rest.trim_end().ends_with(']'))
        };
        text.push_str(inside.filter(|rest| is_key(rest)).unwrap_or(line));
        text.push('\n');
    }
    text
}

/// The example names every key there is, and loads with every one of them.
#[tokio::test(flavor = "multi_thread")]
async fn the_example_loads_as_it_is_and_with_everything_uncommented() {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectora.example.toml");
    let example = std::fs::read_to_string(&path).expect("vectora.example.toml is at the repository's root");
    let whole = uncommented(&example);
    for text in [&example, &whole] {
        let ran = vectora(&["config", "check"], Some(text), &[]).await;
        assert_eq!(ran.code, Some(0), "{}\n{text}", ran.stderr);
    }
    let shown = vectora(&["config", "show"], None, &[]).await.stdout;
    let fields = shown.lines().filter_map(|line| line.trim().split_once(": ")).map(|(name, _)| name);
    let missing: Vec<&str> = fields
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
        .filter(|name| !whole.split(|c: char| !c.is_ascii_lowercase() && c != '_').any(|word| word == *name))
        // For tests only, and so not for people.
        .filter(|name| !["faults", "at", "release", "loopback_url"].contains(name))
        .collect();
    assert!(missing.is_empty(), "vectora.example.toml does not name {missing:?}");
}
