//! The statements of the protocol, once for every table of work.
//!
//! A macro and not a function with the table's name in a string: so each statement of each table is checked
//! against the schema when it is compiled.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::row::{Claim, Fence, Glance, Issued, Settled, Transition, seconds};

/// The statements of one table of work. `$claimable` are the states a claim accepts.
macro_rules! work_table {
    ($module:ident, $table:literal, $claimable:literal) => {
        pub(crate) mod $module {
            use super::*;

            pub(crate) async fn claim(
                conn: &mut PgConnection,
                stage: &str,
                ids: &[Uuid],
                owner: &str,
                lease: Duration,
            ) -> Result<Vec<Claim>, sqlx::Error> {
                let rows = sqlx::query!(
                    "WITH due AS (
                         SELECT id, owner IS NOT NULL AS lapsed FROM "
                        + $table
                        + " WHERE id = ANY($1) AND stage = $2 AND state = ANY($5)
                             AND not_before <= clock_timestamp()
                             AND (lease_until IS NULL OR lease_until < clock_timestamp())
                         ORDER BY id FOR NO KEY UPDATE
                     )
                     UPDATE "
                        + $table
                        + " t SET epoch = t.epoch + 1, claims = t.claims + 1, owner = $3,
                            lease_until = clock_timestamp() + $4 * interval '1 second',
                            claimed_at = clock_timestamp(), issued_at = NULL, issues = 0
                     FROM due WHERE t.id = due.id
                     RETURNING t.id, t.epoch, t.claims, t.attempts, due.lapsed AS \"lapsed!\",
                         t.claimed_at AS \"claimed_at!\"",
                    ids,
                    stage,
                    owner,
                    seconds(lease),
                    &states($claimable) as &[&str]
                )
                .fetch_all(conn)
                .await?;
                Ok(rows
                    .into_iter()
                    .map(|row| Claim {
                        id: row.id,
                        epoch: row.epoch,
                        claims: row.claims,
                        attempts: row.attempts,
                        lapsed: row.lapsed,
                        claimed_at: row.claimed_at,
                    })
                    .collect())
            }

            /// Rows that moved on, have a ticket for a later stage, and wait for it.
            pub(crate) async fn moved_on(
                conn: &mut PgConnection,
                stage: &str,
                ids: &[Uuid],
            ) -> Result<Vec<Issued>, sqlx::Error> {
                sqlx::query_as!(
                    Issued,
                    "SELECT id, stage, issued_at AS \"issued_at!\" FROM "
                        + $table
                        + " WHERE id = ANY($1) AND stage <> $2 AND state = ANY($3)
                             AND not_before <= clock_timestamp() AND issued_at IS NOT NULL
                             AND (lease_until IS NULL OR lease_until < clock_timestamp())",
                    ids,
                    stage,
                    &states($claimable) as &[&str]
                )
                .fetch_all(conn)
                .await
            }

            pub(crate) async fn renew(
                conn: &mut PgConnection,
                fences: &[Fence],
                lease: Duration,
            ) -> Result<Vec<Fence>, sqlx::Error> {
                let (ids, epochs) = split(fences);
                sqlx::query_as!(
                    Fence,
                    "WITH held AS (
                         SELECT t.id FROM "
                        + $table
                        + " t JOIN unnest($1::uuid[], $2::bigint[]) AS h(id, epoch)
                             ON h.id = t.id AND h.epoch = t.epoch
                         WHERE t.state = ANY($4) AND t.owner IS NOT NULL ORDER BY t.id FOR NO KEY UPDATE OF t
                     )
                     UPDATE "
                        + $table
                        + " t SET lease_until = clock_timestamp() + $3 * interval '1 second'
                     FROM held WHERE t.id = held.id RETURNING t.id, t.epoch",
                    &ids,
                    &epochs,
                    seconds(lease),
                    &states($claimable) as &[&str]
                )
                .fetch_all(conn)
                .await
            }

            pub(crate) async fn lock(conn: &mut PgConnection, ids: &[Uuid]) -> Result<(), sqlx::Error> {
                sqlx::query!(
                    "SELECT id FROM " + $table + " WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
                    ids
                )
                .fetch_all(conn)
                .await?;
                Ok(())
            }

            /// See [`super::super::settle`].
            pub(crate) async fn settle(
                conn: &mut PgConnection,
                stage: &str,
                transitions: &[Transition],
            ) -> Result<Vec<Settled>, sqlx::Error> {
                let columns = Columns::of(transitions);
                sqlx::query_as!(
                    Settled,
                    "WITH s AS (
                         SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[],
                             $5::int[], $6::int[], $7::float8[], $8::bool[], $9::bool[], $10::text[])
                             AS s(id, epoch, stage, state, attempts, claims, delay, issue, ends, error)
                     ), held AS (
                         SELECT t.id FROM "
                        + $table
                        + " t JOIN s ON s.id = t.id AND s.epoch = t.epoch
                         WHERE t.stage = $11 AND t.owner IS NOT NULL AND t.state = ANY($12)
                         ORDER BY t.id FOR NO KEY UPDATE OF t
                     )
                     UPDATE "
                        + $table
                        + " t SET stage = s.stage, state = s.state, attempts = s.attempts,
                            claims = s.claims,
                            not_before = clock_timestamp() + s.delay * interval '1 second',
                            issued_at = CASE WHEN s.issue THEN clock_timestamp() END, issues = 0,
                            owner = NULL, lease_until = NULL,
                            last_error = coalesce(s.error, t.last_error),
                            ended_at = CASE WHEN s.ends THEN clock_timestamp() END
                     FROM s, held WHERE t.id = s.id AND t.epoch = s.epoch AND t.id = held.id
                     RETURNING t.id, t.epoch, t.stage, t.issued_at",
                    &columns.ids,
                    &columns.epochs,
                    &columns.stages,
                    &columns.states,
                    &columns.attempts,
                    &columns.claims,
                    &columns.delays,
                    &columns.issues,
                    &columns.ends,
                    &columns.errors as _,
                    stage,
                    &states($claimable) as &[&str]
                )
                .fetch_all(conn)
                .await
            }

            /// See [`super::super::glance`].
            pub(crate) async fn glance(
                conn: &mut PgConnection,
                stage: &str,
                patience: Duration,
            ) -> Result<Glance, sqlx::Error> {
                sqlx::query_as!(
                    Glance,
                    "SELECT EXISTS (SELECT 1 FROM "
                        + $table
                        + " WHERE stage = $1 AND state IN ("
                        + $claimable
                        + ") AND issued_at IS NULL AND not_before <= clock_timestamp()
                             AND (lease_until IS NULL OR lease_until < clock_timestamp())) AS \"unissued!\",
                         EXISTS (SELECT 1 FROM "
                        + $table
                        + " WHERE stage = $1 AND state IN ("
                        + $claimable
                        + ") AND issued_at < clock_timestamp() - $2 * interval '1 second') AS \"overdue!\"",
                    stage,
                    seconds(patience)
                )
                .fetch_one(conn)
                .await
            }

            /// See [`super::super::issue`].
            pub(crate) async fn issue(
                conn: &mut PgConnection,
                stage: &str,
                patience: Duration,
                before: Option<DateTime<Utc>>,
                lost: bool,
                limit: i64,
            ) -> Result<Vec<Issued>, sqlx::Error> {
                sqlx::query_as!(
                    Issued,
                    "WITH due AS (
                         SELECT id FROM "
                        + $table
                        + " WHERE stage = $1 AND state IN ("
                        + $claimable
                        + ") AND not_before <= clock_timestamp()
                             AND (lease_until IS NULL OR lease_until < clock_timestamp())
                             AND CASE WHEN $4 THEN issued_at < least(
                                 clock_timestamp() - least($2 * 2 ^ least(issues, 6), 30)
                                     * interval '1 second',
                                 $3::timestamptz) ELSE issued_at IS NULL END
                         ORDER BY issued_at NULLS FIRST, id LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED
                     )
                     UPDATE "
                        + $table
                        + " t SET issued_at = clock_timestamp(), issues = t.issues + 1 FROM due WHERE t.id = due.id
                     RETURNING t.id, t.stage, t.issued_at AS \"issued_at!\"",
                    stage,
                    seconds(patience),
                    before,
                    lost,
                    limit
                )
                .fetch_all(conn)
                .await
            }
        }
    };
}

work_table!(intake_keys, "intake_keys", "'ready'");
work_table!(turns, "turns", "'active'");
work_table!(escalations, "escalations", "'open'");
work_table!(outbound, "outbound", "'ready', 'sending'");
work_table!(revisions, "revisions", "'building'");
work_table!(embed_batches, "embed_batches", "'open'");

/// A list of states in SQL as a parameter, for statements that find their rows by id.
///
/// Written into such a statement it would allow the partial indexes on these states. While hardly anything is open
/// they look as cheap as the key, and a plan made then goes on reading all that is open for every row.
fn states(list: &str) -> Vec<&str> {
    list.split(", ").map(|state| state.trim_matches('\'')).collect()
}

fn split(fences: &[Fence]) -> (Vec<Uuid>, Vec<i64>) {
    fences.iter().map(|fence| (fence.id, fence.epoch)).unzip()
}

/// Transitions as columns: what `unnest` takes.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    epochs: Vec<i64>,
    stages: Vec<String>,
    states: Vec<String>,
    attempts: Vec<i32>,
    claims: Vec<i32>,
    delays: Vec<f64>,
    issues: Vec<bool>,
    ends: Vec<bool>,
    errors: Vec<Option<String>>,
}

impl Columns {
    fn of(transitions: &[Transition]) -> Self {
        let mut columns = Self::default();
        for transition in transitions {
            columns.ids.push(transition.fence.id);
            columns.epochs.push(transition.fence.epoch);
            columns.stages.push(transition.stage.clone());
            columns.states.push(transition.state.to_owned());
            columns.attempts.push(transition.attempts);
            columns.claims.push(transition.claims);
            columns.delays.push(seconds(transition.delay));
            columns.issues.push(transition.issue);
            columns.ends.push(transition.ends);
            columns.errors.push(transition.error.clone());
        }
        columns
    }
}
