//! `vectora eval answers`: a set of questions against an installation whose model is a fake.

use serde_json::Value;
use testkit::models::{CHAT_MODEL, FakeModels};
use testkit::program::{Program, Ran};
use testkit::up::Home;

use crate::BINARY;

const RESET: &str = "---\ntitle: Reset your password\nurl: https://help.example/reset\n---\n\n## From the login page\n\n\
    Open the login page and choose Forgot password. The reset link is valid for 30 minutes. If it has expired, ask for \
    another one.\n\n## On Android\n\nOpen the menu of the Android app and choose Account, then Forgot password.\n";
const BACKUPS: &str =
    "---\ntitle: Резервные копии\n---\n\nРезервные копии создаются каждую ночь и хранятся 30 дней.\n";
const SAID: &str = "The reset link is valid for 30 minutes [1].";

/// What the system prompt has in it when a follow-up is rewritten.
const REWRITES: &str = "Rewrite the last question";

/// One that is good, one to be refused that is, one to be refused that is not, and one whose text is missing.
const SET: &str = r#"{"id": "good", "history": ["How long is the reset link valid?"], "question": "And how long is the reset link valid?", "expect": ["30 minutes", "half an hour"], "source": "help.example/reset"}
{"id": "football", "question": "Who won the football world cup in Brazil?", "refuse": true}

{"id": "invented", "question": "Is the reset link valid for 30 minutes?", "refuse": true}
{"id": "missing", "question": "How long is the reset link valid?", "expect": ["45 minutes"]}
"#;

struct Desk {
    home: Home,
    _up: Program,
    _models: FakeModels,
}

/// An installation with two articles, whose model says the same to everything.
async fn desk() -> Desk {
    let models = FakeModels::start().await;
    models.says(|call| {
        let rewrites = call.last_of("system").is_some_and(|system| system.contains(REWRITES));
        if rewrites { "How long is the reset link valid?" } else { SAID }.to_owned()
    });
    let url = models.openai_url();
    let env = [
        ("LLM_PROVIDER", "openai"),
        ("OPENAI_API_KEY", "sk-of-a-test"),
        ("OPENAI_BASE_URL", url.as_str()),
        ("VECTORA__MODELS__PROVIDERS__OPENAI__MODEL", CHAT_MODEL),
    ];
    let home = Home::new(BINARY);
    let up = Program::start(home.command(&["up", "--listen", "127.0.0.1:0", "--no-sample"], &env));
    up.says("is ready at http://").await;
    let docs = home.path().join("docs");
    std::fs::create_dir(&docs).expect("there is room");
    std::fs::write(docs.join("reset.md"), RESET).expect("there is room");
    std::fs::write(docs.join("backups.md"), BACKUPS).expect("there is room");
    std::fs::write(home.path().join("set.jsonl"), SET).expect("there is room");
    let ingested = home.run(&["ingest", "docs"], &[]).await;
    assert_eq!(ingested.code, Some(0), "{ingested:?}");
    Desk { home, _up: up, _models: models }
}

impl Desk {
    async fn eval(&self, more: &[&str]) -> Ran {
        let words = [&["eval", "answers", "--questions", "set.jsonl"], more].concat();
        self.home.run(&words, &[]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_goes_through_the_whole_pipeline_and_is_judged_drawn_and_held_against_minima() {
    let desk = desk().await;
    let ran = desk.eval(&["--json", "--html", "report.html", "--concurrency", "2"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let verdicts: Vec<(&str, &str)> = report["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["id"].as_str().expect("an id"), row["verdict"].as_str().expect("a verdict")))
        .collect();
    let wanted = [
        ("good", "good"),
        ("football", "good"),
        ("invented", "answered_wrongly"),
        ("missing", "span_missing"),
    ];
    assert_eq!(verdicts, wanted, "{report:#}");
    assert_eq!((&report["questions"], &report["good"]), (&4.into(), &2.into()));
    assert_eq!(report["shares"]["correct"], 0.5);
    let (good, football) = (&report["rows"][0], &report["rows"][1]);
    assert_eq!((&good["span_found"], &good["cited_correctly"]), (&true.into(), &true.into()));
    assert!(good["latency_ms"].as_f64().is_some_and(|latency| latency > 0.0), "{good:#}");
    // What clients are not told comes out of the ledger.
    assert_eq!(good["model"], format!("openai/{CHAT_MODEL}"));
    assert!(good["prompt_tokens"].as_u64().is_some_and(|tokens| tokens > 10), "{good:#}");
    assert_eq!((&football["status"], &football["prompt_tokens"]), (&"refused".into(), &Value::Null));

    let page = std::fs::read_to_string(desk.home.path().join("report.html")).expect("a page");
    for part in ["<!doctype html>", "<svg", "Who won the football world cup in Brazil?", "answered wrongly"] {
        assert!(page.contains(part), "{part}");
    }

    let reached = desk.eval(&["--min", "correct=0.5", "--min", "cited_correctly=0.5"]).await;
    assert_eq!(reached.code, Some(0), "{reached:?}");
    assert!(reached.stdout.contains("invented: answered wrongly"), "{reached:?}");
    let missed = desk.eval(&["--min", "correct=0.9", "--limit", "4"]).await;
    assert_eq!(missed.code, Some(1), "{missed:?}");
    assert!(missed.stderr.contains("correct is 0.500000, the minimum is 0.9"), "{missed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_said_before_anything_is() {
    let home = Home::new(BINARY);
    std::fs::write(home.path().join("set.jsonl"), "{\"question\": \" \"}\n").expect("there is room");
    let eval = async |more: &[&str]| {
        let words = [&["eval", "answers", "--questions", "set.jsonl"], more].concat();
        home.run(&words, &[]).await
    };
    let blank = eval(&[]).await;
    assert_eq!(blank.code, Some(1), "{blank:?}");
    assert!(blank.stderr.contains("set.jsonl") && blank.stderr.contains("line 1"), "{blank:?}");
    let unknown = eval(&["--min", "beauty=1"]).await;
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(unknown.stderr.contains("cited_correctly"), "it lists what there is: {unknown:?}");
    std::fs::write(home.path().join("set.jsonl"), SET).expect("there is room");
    let nobody = eval(&[]).await;
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    assert!(nobody.stderr.contains("no `vectora up` runs"), "{nobody:?}");
}
