//! What a machine does to `vectora up`: its servers are killed, its disk is full, its data directory is another
//! version's.

use std::time::{Duration, Instant};

use contract::QuestionStatus;
use rustix::process::Signal;
use testkit::sqlx::PgPool;
use testkit::up::{Home, Up, is_alive, kill};
use testkit::{eventually, measured, sqlx};

use crate::BINARY;

const SCRIPTED: (&str, &str) = ("VECTORA__MODELS__PROVIDER", "scripted");
/// A new question must be answered so soon after its servers are back.
const RECOVERY: Duration = Duration::from_secs(5);

/// Which server.
type Pid = fn(&embedded::runfile::RunFile) -> Option<u32>;

/// Waits until run.json names another process than `old`, and that one lives.
async fn replaced(home: &Home, old: u32, pid: Pid) -> u32 {
    eventually("run.json to name the server that was started again", || async {
        let now = pid(&home.run_file()?)?;
        (now != old && is_alive(now)).then_some(now)
    })
    .await
}

async fn answered(up: &Up, text: &str) {
    let id = up.ask(text).await;
    assert_eq!(up.finished(id).await.status, QuestionStatus::Answered, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_is_started_again_and_questions_go_on() {
    let home = Home::new(BINARY);
    // What was claimed when its server died finishes within lease + 5 s.
    let short = [SCRIPTED, ("VECTORA__WORKERS__LEASE", "1500ms"), ("VECTORA__WORKERS__RENEW", "400ms")];
    let mut up = home.up(&short).await;
    answered(&up, "before").await;
    let servers: [(&str, Pid); 2] =
        [("PostgreSQL", |run| run.postgres_pid), ("nats-server", |run| run.nats_pid)];
    for (name, pid) in servers {
        let old = pid(&up.run).expect("an embedded server");
        let held = up.ask("held #wait=1000ms").await;
        kill(old);
        let killed = Instant::now();
        replaced(&home, old, pid).await;
        let back = Instant::now();
        measured(&format!("{name} killed and back"), back - killed);
        answered(&up, "after").await;
        measured(&format!("a new question after {name} is back"), back.elapsed());
        assert!(back.elapsed() < RECOVERY, "{name}: {:?}", back.elapsed());
        assert_eq!(up.finished(held).await.status, QuestionStatus::Answered);
        assert!(killed.elapsed() < Duration::from_millis(1500) + RECOVERY + (back - killed), "{name}");
        assert!(up.program.is_running());
    }
    up.interrupt();
    assert!(up.program.ended().await.success(), "{}", up.program.output());
    assert_eq!(home.processes(), Vec::<String>::new());
}

/// While the cluster is being made: the longest step, and the one that could be left half done.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_is_interrupted_or_killed_leaves_no_process_and_nothing_half_made() {
    for patiently in [true, false] {
        let home = Home::new(BINARY);
        let mut program = home.start(&[]);
        let making = home.data_dir().join(".postgres.initializing/base");
        eventually("the cluster to be in the making", || async { making.exists().then_some(()) }).await;
        let began = Instant::now();
        if patiently {
            program.signal_group(Signal::INT);
            program.ended().await;
            measured("Ctrl-C during the first start to the end", began.elapsed());
            assert_eq!(home.processes(), Vec::<String>::new());
        } else {
            program.kill();
            home.empty().await;
            measured("SIGKILL during the first start to the end of its children", began.elapsed());
        }
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
        let up = home.up(&[SCRIPTED]).await;
        answered(&up, "hello").await;
        assert!(!making.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_of_another_postgresql_is_named_and_left_alone() {
    let home = Home::new(BINARY);
    let cluster = home.data_dir().join("postgres");
    std::fs::create_dir_all(&cluster).expect("there is room");
    // Root's directories are closed to others under some umasks; PostgreSQL's account must get there.
    for dir in [".local", ".local/share", ".local/share/vectora"] {
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        std::fs::set_permissions(home.path().join(dir), open).expect("it is ours");
    }
    for (version, words) in [
        ("9.6\n", ["PostgreSQL 9.6", "postgresql-9.6"]),
        ("14\n", ["PostgreSQL 14", "postgresql-14"]),
        ("99\n", ["PostgreSQL 99", "postgresql-99"]),
        ("", ["PG_VERSION", "--data-dir"]),
    ] {
        std::fs::write(cluster.join("PG_VERSION"), version).expect("there is room");
        let ran = home.run(&["up", "--listen", "127.0.0.1:0"], &[]).await;
        assert_eq!(ran.code, Some(1), "{version:?}: {ran:?}");
        for word in words.into_iter().chain(["--data-dir", &cluster.display().to_string()]) {
            assert!(ran.stderr.contains(word), "{version:?}: {word:?} in {}", ran.stderr);
        }
        let left = std::fs::read_dir(&cluster).expect("it is there").count();
        assert_eq!(left, 1, "nothing was added");
    }
    std::fs::rename(cluster.join("PG_VERSION"), cluster.join("holiday.jpg")).expect("it is there");
    let ran = home.run(&["up", "--listen", "127.0.0.1:0"], &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("is not empty and holds no PostgreSQL cluster"), "{}", ran.stderr);
    assert_eq!(home.processes(), Vec::<String>::new());
}

/// No file may grow beyond so many blocks of 512 bytes: what a full disk looks like to every process.
fn limited(blocks: u32) -> [String; 3] {
    ["sh".to_owned(), "-c".to_owned(), format!("ulimit -f {blocks}; exec \"$0\" \"$@\"")]
}

fn full(blocks: u32) -> Home {
    let words = limited(blocks);
    Home::new(BINARY).through(&words.each_ref().map(String::as_str))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_at_the_start_is_a_clear_line() {
    // Nothing at all, not enough for initdb, not enough for the write-ahead log.
    for blocks in [0, 64, 8192] {
        let home = full(blocks);
        let ran = home.run(&["up", "--listen", "127.0.0.1:0"], &[]).await;
        assert_eq!(ran.code, Some(1), "{blocks}: {ran:?}");
        let said = ran.stderr.to_lowercase();
        assert!(said.contains("too large") || said.contains("space"), "{blocks}: {}", ran.stderr);
        assert!(said.contains("free space"), "{blocks}: the remedy in {}", ran.stderr);
        assert!(ran.stderr.contains(&home.data_dir().display().to_string()), "{blocks}: {}", ran.stderr);
        assert_eq!(home.processes(), Vec::<String>::new(), "{blocks}");
    }
}

/// Writes rows nobody works on until the disk takes no more: large ones first, then such as questions make,
/// which fill the gaps.
async fn fill(sql: &PgPool, name: &str) {
    let statement = "INSERT INTO inbox (key_id, source, message_id, payload, state)
         SELECT gen_random_uuid(), $1, gen_random_uuid(),
                coalesce((SELECT jsonb_build_object('text', string_agg(md5(random()::text || m || n), ''))
                          FROM generate_series(1, $3) AS m HAVING $3 > 0), '{}'), 'done'
         FROM generate_series(1, $2) AS n";
    for (rows, width) in [(2000, 40), (500, 6), (50, 6), (1, 6), (50, 0), (1, 0)] {
        let mut failed = None;
        for _ in 0..500 {
            let written = sqlx::query(statement).bind(name).bind(rows).bind(width).execute(sql).await;
            failed = written.err();
            if failed.is_some() {
                break;
            }
        }
        let failed = failed.expect("the disk gets full").to_string();
        assert!(failed.contains("could not extend"), "{failed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_gets_full_is_503_and_never_a_false_202() {
    // 16 MiB: the size of a segment of the write-ahead log, which PostgreSQL cannot live without.
    let home = full(32768);
    let mut up = home.up(&[SCRIPTED]).await;
    answered(&up, "before").await;
    let sql = PgPool::connect(&up.run.database_url).await.expect("run.json has the ledger's address");
    fill(&sql, "full").await;
    let mut accepted = Vec::new();
    let mut refusals = 0;
    for n in 0..400 {
        let text = format!("question {n} {}", "x".repeat(200));
        let (status, body) = up.post(&text, None).await.expect("it answers");
        match status.as_u16() {
            202 => accepted.push(body["id"].as_str().expect("an id").to_owned()),
            503 => refusals += 1,
            other => panic!("{other}: {body}"),
        }
        if refusals == 20 {
            assert!(body["detail"].as_str().is_some_and(|detail| detail.contains("ledger")), "{body}");
            break;
        }
    }
    assert!(refusals > 0, "nothing was refused: {} accepted", accepted.len());
    assert!(up.program.is_running(), "{}", up.program.output());
    for id in &accepted {
        let found = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM inbox WHERE message_id = $1::uuid");
        assert_eq!(found.bind(id).fetch_one(&sql).await.expect("the ledger answers"), 1, "{id} was promised");
    }
    sql.close().await;
    up.interrupt();
    up.program.ended().await;

    // With room again everything accepted is answered.
    let home = home.through(&[]);
    let up = home.up(&[SCRIPTED]).await;
    for id in accepted {
        let question = up.finished(id.parse().expect("an id")).await;
        assert_eq!(question.status, QuestionStatus::Answered, "{question:?}");
    }
    answered(&up, "after").await;
}
