//! The committed data of the checked queries (`.sqlx/`) is true: PostgreSQL describes every query of it just so.
//!
//! That every query in the code has its data is the compiler's check; this one needs neither `sqlx-cli` nor a
//! second build.

use serde_json::Value;
use testkit::sqlx::{self, Connection as _, Executor as _, SqlSafeStr as _};

#[tokio::test]
async fn postgresql_describes_every_checked_query_as_committed() {
    let database = testkit::postgres::database().await;
    let mut connection = sqlx::PgConnection::connect(&database.url).await.expect("the database is there");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../.sqlx");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).expect(".sqlx is committed").map_while(Result::ok) {
        let text = std::fs::read_to_string(entry.path()).expect("it can be read");
        let committed: Value = serde_json::from_str(&text).expect("it is JSON");
        let query = committed["query"].as_str().expect("it has a query").to_owned();
        let described =
            connection.describe(sqlx::AssertSqlSafe(query.clone()).into_sql_str()).await.unwrap_or_else(
                |error| panic!("{error}: `make sqlx` after a change of schema or query:\n{query}"),
            );
        let described = serde_json::to_value(&described).expect("a description is data");
        // Not `nullable`: for outer joins sqlx reads it off a plan, and plans change with statistics. Where it
        // matters the query says so itself, with `!` or `?`.
        for part in ["columns", "parameters"] {
            assert_eq!(described[part], committed["describe"][part], "`make sqlx`: {part} of\n{query}");
        }
        checked += 1;
    }
    assert!(checked > 50, "only {checked} queries were checked");
}
