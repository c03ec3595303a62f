//! `vectora up` as a person uses it: start, ask, Ctrl-C, start again; and what it says when it cannot.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use contract::QuestionStatus;
use testkit::up::{Home, is_alive};
use testkit::{Installation, Plan, Program, measured};

use crate::BINARY;

const SCRIPTED: (&str, &str) = ("VECTORA__MODELS__PROVIDER", "scripted");
/// The longest an existing installation may take to get ready.
const READY: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_says_where_it_is_how_to_ask_and_no_secret() {
    let home = Home::new(BINARY);
    let up = home.up(&[]).await;
    measured("a first start to ready", up.took);
    let said = up.program.output();
    for secret in [up.run.key.as_deref(), up.run.nats_token.as_deref()] {
        let secret = secret.expect("run.json has it");
        assert!(secret.len() > 30 && !said.contains(secret), "a secret in {said}");
    }
    assert!(!said.contains("vk_"), "{said}");
    assert!(said.contains(&up.url()) && said.contains("vectora ask") && said.contains("Ctrl-C"), "{said}");
    let mode = std::fs::metadata(home.data_dir().join("run.json")).expect("run.json").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let ready = up.http.get(format!("http://{}/readyz", up.run.internal)).send().await.expect("it answers");
    assert_eq!(ready.status(), 200, "{:?}", ready.text().await);

    // The sample is loaded within seconds; then both languages are answered from it, with a source.
    testkit::eventually("the sample to be searchable", || async {
        let english = home.run(&["ask", "How do I reset my password?"], &[]).await;
        (english.code == Some(0) && english.stdout.contains("/en/reset-password")).then_some(())
    })
    .await;
    testkit::eventually("the Russian half of it too", || async {
        let russian = home.run(&["ask", "Как сменить пароль?"], &[]).await;
        (russian.code == Some(0) && russian.stdout.contains("/ru/reset-password")).then_some(())
    })
    .await;
    let json = home.run(&["ask", "--json", "Who won the football world cup?"], &[]).await;
    let question: contract::Question = serde_json::from_str(&json.stdout).expect("it prints a question");
    assert_eq!((json.code, question.status), (Some(3), QuestionStatus::Refused));
    let blank = home.run(&["ask", " "], &[]).await;
    assert_eq!(blank.code, Some(1));
    assert!(blank.stderr.contains("blank"), "{blank:?}");

    // The tools find its servers through run.json as well.
    let status = home.run(&["migrate", "status"], &[]).await;
    assert_eq!(status.code, Some(0), "{status:?}");
    assert_eq!(home.run(&["topology", "check"], &[]).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_the_key_is_shown() {
    let home = Home::new(BINARY);
    let plain = home.command(&["up", "--listen", "127.0.0.1:0"], &[]);
    let words: Vec<String> = std::iter::once(plain.get_program())
        .chain(plain.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let mut script = std::process::Command::new("script");
    script.args(["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]);
    script
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .current_dir(home.path());
    let program = Program::start(script);
    program.says("is ready at http://").await;
    program.says("stop:    Ctrl-C").await;
    let run = home.run_file().expect("run.json");
    assert!(program.output().contains(run.key.as_deref().expect("a key")), "{}", program.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_drains_and_leaves_no_process_and_the_next_start_is_quick_and_knows_everything() {
    let home = Home::new(BINARY);
    let mut up = home.up(&[SCRIPTED]).await;
    let asked = home.run(&["ask", "hello"], &[]).await;
    assert_eq!((asked.code, asked.stdout.trim()), (Some(0), "Scripted answer to: hello"), "{asked:?}");
    let slow = up.ask("slow #wait=1500ms").await;
    testkit::eventually("the slow question to be worked on", || async {
        let request = up.http.get(format!("{}/v1/questions/{slow}", up.url()));
        let request = request.bearer_auth(up.run.key.as_deref()?);
        let question: contract::Question = request.send().await.ok()?.json().await.ok()?;
        (question.status == QuestionStatus::Working).then_some(())
    })
    .await;
    up.interrupt();
    let began = Instant::now();
    assert!(up.program.ended().await.success(), "{}", up.program.output());
    measured("Ctrl-C to the end", began.elapsed());
    assert_eq!(home.processes(), Vec::<String>::new(), "nothing is left when the command returns");
    for pid in [up.run.postgres_pid, up.run.nats_pid] {
        assert!(!is_alive(pid.expect("an embedded server has a number")));
    }
    assert!(home.run_file().is_none(), "run.json goes with it");
    let nobody = home.run(&["ask", "hello"], &[]).await;
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.stderr.contains("no `vectora up` runs") && nobody.stderr.contains("--url"), "{nobody:?}");

    let again = home.up(&[SCRIPTED]).await;
    measured("an existing installation to ready", again.took);
    let slow = again.finished(slow).await;
    assert_eq!(slow.answer.as_deref(), Some("Scripted answer to: slow #wait=1500ms"));
    assert!(again.run.key != up.run.key, "the local key is made anew");
    let old = up.run.key.as_deref().expect("a key");
    let request = again.http.get(format!("{}/v1/questions/{}", again.url(), slow.id)).bearer_auth(old);
    assert_eq!(request.send().await.expect("it answers").status(), 401, "the old one is taken back");
    assert!(again.took < READY, "ready only after {:?}", again.took);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_sigkill_the_next_start_works_at_once_with_one_set_of_servers() {
    let home = Home::new(BINARY);
    let mut up = home.up(&[SCRIPTED]).await;
    let id = up.ask("hello #wait=700ms").await;
    up.program.kill();
    // At once: the servers may still be on their way down.
    let again = home.up(&[SCRIPTED]).await;
    measured("after SIGKILL to ready", again.took);
    for pid in [up.run.postgres_pid, up.run.nats_pid] {
        assert!(!is_alive(pid.expect("a number")), "a server of the killed process is left");
    }
    // A connection that is being made has its server's name for a moment.
    testkit::eventually("one set of servers", || async {
        let processes = home.processes();
        let servers = |program: &str| processes.iter().filter(|line| line.contains(program)).count();
        ((servers("nats-server --config"), servers("/postgres -D")) == (1, 1)).then_some(())
    })
    .await;
    // The lease of what was claimed is 25 s by default.
    let answered = again.finished(id).await;
    assert_eq!(answered.answer.as_deref(), Some("Scripted answer to: hello #wait=700ms"));
    let now = again.ask("and now").await;
    assert_eq!(again.finished(now).await.status, QuestionStatus::Answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_on_the_same_data_directory_is_refused_by_name() {
    let home = Home::new(BINARY);
    let up = home.up(&[]).await;
    let second = home.run(&["up", "--listen", "127.0.0.1:0"], &[]).await;
    assert_eq!(second.code, Some(1), "{second:?}");
    let pid = up.program.pid().to_string();
    for word in [pid.as_str(), "in use", "--data-dir", &home.data_dir().display().to_string()] {
        assert!(second.stderr.contains(word), "{word}: {}", second.stderr);
    }
    let asked = home.run(&["ask", "Who won the football world cup?"], &[]).await;
    assert_eq!(asked.code, Some(3), "the first goes on: {asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_before_any_server_is_started() {
    let home = Home::new(BINARY);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    for (arguments, env) in [
        (vec!["up", "--listen", address.as_str()], vec![]),
        (vec!["up"], vec![("VECTORA__HTTP__LISTEN", address.as_str())]),
        (vec!["up", "--listen", "127.0.0.1:0"], vec![("VECTORA__HTTP__INTERNAL_LISTEN", address.as_str())]),
    ] {
        let began = Instant::now();
        let ran = home.run(&arguments, &env).await;
        assert_eq!(ran.code, Some(78), "{ran:?}");
        assert!(ran.stderr.contains(&address) && ran.stderr.contains("in use"), "{}", ran.stderr);
        assert!(!home.data_dir().join("postgres").exists(), "a server was made: {}", ran.stderr);
        assert!(began.elapsed() < READY, "{:?}", began.elapsed());
    }
}

/// As the user with the number 65534 when the test runs as root, with nothing but a home directory.
#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_user_needs_no_rights() {
    const NOBODY: u32 = 65534;
    let mut home = Home::new(BINARY);
    if embedded::is_root() {
        if !std::path::Path::new("/usr/bin/setpriv").exists() {
            measured("skipped: there is no setpriv", Duration::ZERO);
            return;
        }
        home = home.through(&["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]);
        home.give_to(NOBODY);
    }
    let mut up = home.up(&[SCRIPTED]).await;
    let asked = home.run(&["ask", "hello"], &[]).await;
    assert_eq!(asked.code, Some(0), "{asked:?}");
    up.interrupt();
    assert!(up.program.ended().await.success(), "{}", up.program.output());
    assert_eq!(home.processes(), Vec::<String>::new());
    let mut again = home.up(&[SCRIPTED]).await;
    measured("an ordinary user's existing installation to ready", again.took);
    assert!(again.took < READY, "{:?}", again.took);
    again.program.kill();
    let third = home.up(&[SCRIPTED]).await;
    assert_eq!(third.finished(third.ask("third").await).await.status, QuestionStatus::Answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_servers_replace_the_embedded_ones_each() {
    let installation = Installation::new(BINARY, Plan::default()).await;
    let (database, nats, token) =
        (installation.database.url.clone(), installation.nats.url(), installation.nats.token().to_owned());
    let given_database = ("DATABASE_URL", database.as_str());
    let given_nats = [("NATS_URL", nats.as_str()), ("VECTORA__NATS__TOKEN", token.as_str())];
    let both: Vec<_> = std::iter::once(given_database).chain(given_nats).collect();
    for (env, postgres, nats) in
        [(vec![given_database], false, true), (given_nats.to_vec(), true, false), (both, false, false)]
    {
        let home = Home::new(BINARY);
        let env: Vec<_> = env.into_iter().chain([SCRIPTED]).collect();
        let mut up = home.up(&env).await;
        assert_eq!((up.run.postgres_pid.is_some(), up.run.nats_pid.is_some()), (postgres, nats));
        let asked = home.run(&["ask", "hello"], &[]).await;
        assert_eq!(asked.code, Some(0), "{asked:?}");
        up.interrupt();
        assert!(up.program.ended().await.success(), "{}", up.program.output());
        assert_eq!(home.processes(), Vec::<String>::new());
    }
    assert_eq!(installation.count("SELECT count(*) FROM answers").await, 2, "two used the given database");
    installation.ledger.ping().await.expect("the given database is left running");
}
