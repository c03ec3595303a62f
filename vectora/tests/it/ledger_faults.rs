//! PostgreSQL is restarted, killed, cut off, or used up, under load: a client is told 202 after a commit and 503
//! otherwise, nothing accepted is lost, and no attempt is burnt for it.

use std::time::{Duration, Instant};

use embedded::postgres::PostgresServer;
use testkit::installation::LEASE;
use testkit::load::assert_try_later;
use testkit::sqlx::{Connection, PgConnection};
use testkit::{Installation, Load, Plan, Program, eventually, postgres};

use crate::BINARY;

/// A question asked when the server is back is answered within this.
const NEW: Duration = Duration::from_secs(5);
/// What was claimed before comes to its end within the lease and this.
const OLD: Duration = Duration::from_secs(5);
/// Few enough that a test can use them all up.
const CONNECTIONS: u16 = 60;

/// An installation whose PostgreSQL is its own. The processes go before the servers.
struct Harmed {
    _worker: Program,
    ingress: Program,
    url: String,
    installation: Installation,
    server: PostgresServer,
    _dir: tempfile::TempDir,
}

impl Harmed {
    /// With ingress and a worker of these settings.
    async fn new(env: &[(&str, &str)]) -> Self {
        let (dir, server, database) = Box::pin(postgres::own_server_with(CONNECTIONS)).await;
        let plan = Plan { database: Some(database), ..Plan::default() };
        let installation = Box::pin(Installation::new(BINARY, plan)).await;
        let (ingress, url) = installation.ingress(env).await;
        let worker = installation.worker("intake,retrieve,answer", env).await;
        Self { _worker: worker, ingress, url, installation, server, _dir: dir }
    }

    /// Asks without pause while `fault` harms PostgreSQL; `fault` returns when it can be used again.
    async fn recovers_from(&mut self, name: &str, fault: impl AsyncFnOnce(&mut PostgresServer, &Load)) {
        let Self { url, installation, server, .. } = self;
        let load = Load::new(installation, url);
        let scenario = async {
            load.more_accepted(20).await;
            eventually("a question to be worked on", || async {
                (installation.count("SELECT count(*) FROM turns WHERE owner IS NOT NULL").await > 0)
                    .then_some(())
            })
            .await;
            fault(server, &load).await;
            let (back, before) = (Instant::now(), load.accepted());
            let new = installation.insist(url, "a new question").await;
            installation.answered(new).await;
            let new = back.elapsed();
            for id in &before {
                installation.answered(*id).await;
            }
            let old = back.elapsed();
            load.stop();
            (before.len(), new, old)
        };
        let ((), (before, new, old)) = tokio::join!(load.run(), scenario);
        testkit::figure(format_args!(
            "{name}: a new question {new:.2?}, all {before} asked before {old:.2?}; 503 {} times",
            load.refused()
        ));
        assert!(new <= NEW, "{name}: a new question was answered after {new:.2?}");
        assert!(old <= LEASE + OLD, "{name}: what was asked before was answered after {old:.2?}");
        // A 503 may have been committed all the same; a 202 must have been.
        for id in load.accepted() {
            installation.answered(id).await;
        }
        self.assert_no_attempt_burnt().await;
    }

    async fn assert_no_attempt_burnt(&self) {
        self.installation.assert_finished().await;
        let burnt = "SELECT (SELECT coalesce(sum(attempts), 0) FROM turns)
                          + (SELECT coalesce(sum(attempts), 0) FROM intake_keys)
                          + (SELECT coalesce(sum(attempts), 0) FROM outbound)
                          + (SELECT count(*) FROM turns WHERE state <> 'done')
                          + (SELECT count(*) FROM inbox WHERE state = 'failed')";
        assert_eq!(
            self.installation.count(burnt).await,
            0,
            "an outage of the ledger was counted as a failure"
        );
    }

    /// One request, and what comes of it.
    async fn post(&self, text: &str) -> reqwest::Response {
        let request = self.installation.http.post(format!("{}/v1/questions", self.url));
        let request = request.bearer_auth(&self.installation.key).json(&serde_json::json!({ "text": text }));
        request.send().await.expect("ingress answers")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_restarted_under_load_loses_nothing() {
    let mut harmed = Harmed::new(&[]).await;
    let name = "PostgreSQL restarted";
    harmed.recovers_from(name, async |server, _| server.restart().await.expect("it starts again")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_killed_under_load_loses_nothing_and_clients_are_told_to_wait() {
    let mut harmed = Harmed::new(&[]).await;
    harmed
        .recovers_from("PostgreSQL killed", async |server, load| {
            server.kill().await;
            eventually("somebody to be told to wait", || async { (load.refused() >= 3).then_some(()) }).await;
            server.restart().await.expect("it starts again");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_gone_for_longer_than_a_lease_loses_nothing() {
    let mut harmed = Harmed::new(&[]).await;
    harmed
        .recovers_from("PostgreSQL stopped for two leases", async |server, load| {
            server.stop().await;
            let gone = Instant::now();
            eventually("leases to run out", || async {
                (gone.elapsed() > 2 * LEASE && load.refused() > 0).then_some(())
            })
            .await;
            server.restart().await.expect("it starts again");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backends_killed_again_and_again_lose_nothing() {
    let mut harmed = Harmed::new(&[]).await;
    harmed
        .recovers_from("backends killed forty times", async |server, _| {
            let mut admin = connect(server).await.expect("the test can connect");
            let mut killed = 0;
            for _ in 0..40 {
                killed += kill_backends(&mut admin).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert!(killed >= 40, "only {killed} backends were there to be killed");
        })
        .await;
}

/// One connection a process is enough to go on with, and while it is stuck the client is told so.
#[tokio::test(flavor = "multi_thread")]
async fn a_pool_of_one_that_is_stuck_is_503_and_recovers() {
    let one = ("VECTORA__STORE__MAX_CONNECTIONS", "1");
    let harmed = Harmed::new(&[one, ("VECTORA__STORE__LOCK_TIMEOUT", "2s")]).await;
    let before = harmed.installation.ask(&harmed.url, "before").await;
    harmed.installation.answered(before).await;
    let mut blocker = connect(&harmed.server).await.expect("the test can connect");
    let mut lock = blocker.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("the lock");
    let began = Instant::now();
    let (a, b, c) = tokio::join!(harmed.post("one"), harmed.post("two"), harmed.post("three"));
    for response in [a, b, c] {
        assert_try_later(response).await;
    }
    let told = began.elapsed();
    lock.rollback().await.expect("the lock is released");
    let back = Instant::now();
    let new = harmed.installation.insist(&harmed.url, "a new question").await;
    harmed.installation.answered(new).await;
    testkit::figure(format_args!(
        "pool of one stuck: 503 after {told:.2?}; a new question {:.2?}",
        back.elapsed()
    ));
    assert!(back.elapsed() <= NEW, "answered after {:.2?}", back.elapsed());
    harmed.assert_no_attempt_burnt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_connections_of_the_server_used_up_is_503_and_recovers() {
    let mut harmed = Harmed::new(&[]).await;
    let mut taken = Vec::new();
    harmed
        .recovers_from("no connection left", async |server, load| {
            let mut admin = connect(server).await.expect("the test can connect");
            let refused = load.refused();
            let began = Instant::now();
            // Their connections are ended and taken away from them, until they have none and say so.
            while load.refused() < refused + 3 {
                assert!(began.elapsed() < testkit::DEADLINE, "nobody was told to wait");
                kill_backends(&mut admin).await;
                while let Ok(connection) = connect(server).await {
                    taken.push(connection);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(taken.len() > 20, "only {} connections were free", taken.len());
            taken.clear();
        })
        .await;
}

/// Reading is no different from writing, and the process is not ready until the ledger is back.
#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_away_every_endpoint_says_503_and_the_process_is_not_ready() {
    let mut harmed = Harmed::new(&[]).await;
    let (_api, api) = harmed.installation.api(&[]).await;
    let id = harmed.installation.ask(&harmed.url, "before").await;
    harmed.installation.answered(id).await;
    harmed.server.stop().await;
    assert_try_later(harmed.post("now").await).await;
    for path in [format!("/v1/questions/{id}"), format!("/v1/questions/{id}/events")] {
        let request =
            harmed.installation.http.get(format!("{api}{path}")).bearer_auth(&harmed.installation.key);
        assert_try_later(request.send().await.expect("the API answers")).await;
    }
    let internal = internal(&harmed.ingress).await;
    let ready = async || {
        let response = harmed.installation.http.get(format!("http://{internal}/readyz")).send().await;
        response.expect("the internal listener answers").status().is_success()
    };
    eventually("ingress to be not ready", async || (!ready().await).then_some(())).await;
    harmed.server.restart().await.expect("it starts again");
    eventually("ingress to be ready again", async || ready().await.then_some(())).await;
    let new = harmed.installation.insist(&harmed.url, "and now").await;
    harmed.installation.answered(new).await;
    harmed.assert_no_attempt_burnt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_started_before_postgres_wait_for_it() {
    let mut harmed = Harmed::new(&[]).await;
    harmed.server.stop().await;
    let early = harmed.installation.start(&["ingress"], &[]);
    early.says("waiting for the ledger").await;
    harmed.server.restart().await.expect("it starts again");
    early.says("\"ready\"").await;
}

/// Where a process has its internal listener.
async fn internal(program: &Program) -> String {
    let ready: serde_json::Value =
        serde_json::from_str(&program.says("\"ready\"").await).expect("the ready line is JSON");
    ready["internal"].as_str().expect("it says so").to_owned()
}

/// The server itself, with whatever account the test has.
async fn connect(server: &PostgresServer) -> Result<PgConnection, sqlx::Error> {
    PgConnection::connect(&server.url()).await
}

/// Ends every connection of the product; how many there were.
async fn kill_backends(admin: &mut PgConnection) -> i64 {
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE application_name LIKE 'vectora%' AND pid <> pg_backend_pid()";
    sqlx::query_scalar(kill).fetch_one(admin).await.expect("the test may end connections")
}
