//! One PostgreSQL for the run, and a database for each test, cloned from a migrated template.
//!
//! `make test` starts the server once (`with-postgres`) and names it in `VECTORA_TEST_DATABASE_URL`. A test
//! binary run by hand starts its own, which ends with it. A test that harms the server uses [`own_server`].

use std::path::Path;
use std::sync::OnceLock;

use embedded::postgres::{Options, PostgresServer};
use secrecy::SecretString;
use sqlx::{Connection, PgConnection, PgPool};
use store::{Ledger, Role, Settings};
use tokio::sync::OnceCell;

/// Where `with-postgres` says the run's server is.
pub const VARIABLE: &str = "VECTORA_TEST_DATABASE_URL";

/// Connections of all parallel tests and the processes they start.
pub const MAX_CONNECTIONS: u16 = 600;

/// A database of one test.
#[derive(Debug, Clone)]
pub struct Database {
    pub url: String,
}

impl Database {
    /// The ledger in it, as the product uses it.
    pub fn ledger(&self) -> Ledger {
        let settings = Settings { url: Some(SecretString::from(self.url.clone())), ..Settings::default() };
        Ledger::open(&settings, Role::Worker).expect("the testkit's own URL can be read")
    }

    /// Plain SQL, to look at what the product wrote.
    pub async fn sql(&self) -> PgPool {
        PgPool::connect(&self.url).await.expect("the test's database accepts connections")
    }
}

/// The URL of the run's server, without a database name.
async fn server() -> &'static str {
    static SERVER: OnceCell<String> = OnceCell::const_new();
    static OWN: OnceLock<(tempfile::TempDir, PostgresServer)> = OnceLock::new();
    SERVER
        .get_or_init(|| async {
            #[expect(clippy::disallowed_methods, reason = "set by with-postgres for the whole run")]
            if let Ok(url) = std::env::var(VARIABLE) {
                return url;
            }
            let dir = directory();
            let server = start(dir.path(), MAX_CONNECTIONS).await;
            let url = server.url_for("{}");
            drop(OWN.set((dir, server)));
            url
        })
        .await
}

/// A directory the server's own account can reach.
fn directory() -> tempfile::TempDir {
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    let mut builder = tempfile::Builder::new();
    builder.prefix("vt").permissions(open).tempdir().expect("there is room for a temporary directory")
}

async fn start(dir: &Path, max_connections: u16) -> PostgresServer {
    let mut options = Options::new(dir.join("pg"));
    options.durable = false;
    options.max_connections = max_connections;
    embedded::postgres::start(options).await.expect("PostgreSQL starts")
}

/// A server of one test's own, to restart, kill or exhaust; with a migrated database.
pub async fn own_server() -> (tempfile::TempDir, PostgresServer, Database) {
    own_server_with(MAX_CONNECTIONS).await
}

/// As [`own_server`], for so many connections at once.
pub async fn own_server_with(max_connections: u16) -> (tempfile::TempDir, PostgresServer, Database) {
    let dir = directory();
    let server = start(dir.path(), max_connections).await;
    let database = Database { url: server.url() };
    store::migrate::up(&database.ledger()).await.expect("the migrations apply");
    (dir, server, database)
}

/// Starts the run's server for `with-postgres`: the URL has `{}` where the database's name goes.
pub async fn run_server() -> (tempfile::TempDir, PostgresServer, String) {
    let dir = directory();
    let server = start(dir.path(), MAX_CONNECTIONS).await;
    let url = server.url_for("{}");
    (dir, server, url)
}

/// A new database with the schema in it.
pub async fn database() -> Database {
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    let server = server().await;
    TEMPLATE.get_or_init(|| make_template(server)).await;
    let name = format!("t{}", uuid::Uuid::now_v7().simple());
    let mut admin = connect(&named(server, "vectora")).await;
    // Two clones at once are refused while one copies; the lock makes them wait instead.
    execute(&mut admin, "SELECT pg_advisory_lock(7)").await;
    execute(&mut admin, &format!("CREATE DATABASE {name} TEMPLATE template_vectora")).await;
    execute(&mut admin, "SELECT pg_advisory_unlock(7)").await;
    Database { url: named(server, &name) }
}

/// A new database with nothing in it.
pub async fn empty_database() -> Database {
    let server = server().await;
    let name = format!("e{}", uuid::Uuid::now_v7().simple());
    execute(&mut connect(&named(server, "vectora")).await, &format!("CREATE DATABASE {name}")).await;
    Database { url: named(server, &name) }
}

async fn make_template(server: &str) {
    let mut admin = connect(&named(server, "vectora")).await;
    execute(&mut admin, "SELECT pg_advisory_lock(7)").await;
    let known: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = 'template_vectora')")
            .fetch_one(&mut admin)
            .await
            .expect("the catalogue can be read");
    if !known {
        execute(&mut admin, "CREATE DATABASE template_making").await;
        let making = Database { url: named(server, "template_making") };
        let ledger = making.ledger();
        store::migrate::up(&ledger).await.expect("the migrations apply");
        ledger.close().await;
        execute(&mut admin, "ALTER DATABASE template_making RENAME TO template_vectora").await;
    }
    execute(&mut admin, "SELECT pg_advisory_unlock(7)").await;
}

fn named(server: &str, database: &str) -> String {
    server.replace("{}", database).replace("%7B%7D", database)
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("the run's PostgreSQL accepts connections")
}

async fn execute(connection: &mut PgConnection, sql: &str) {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(connection).await.expect("the testkit's own statement is accepted");
}
