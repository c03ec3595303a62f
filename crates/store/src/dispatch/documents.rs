//! Tickets of documents: a window of them, so that a hundred thousand files do not fill a stream, and round-robin over
//! the queues, so that a small ingestion does not wait behind a large one.
//!
//! The window counts tickets that nobody has claimed, and never looks at who is there to claim them: with no worker
//! at all it must still be full, or nothing would wake one.

use contract::{Kind, Stage};
use sqlx::PgConnection;

use crate::Error;
use crate::work::Issued;

/// Gives an `issued_at` to due rows without one, as long as fewer than `window` are out: of each queue that is not
/// paused one after the other, the small ones of a queue first.
pub(super) async fn issue(conn: &mut PgConnection, stage: &Stage, window: i64) -> Result<Vec<Issued>, Error> {
    Ok(match stage.kind {
        Kind::Revision => revisions(conn, stage.name, window).await?,
        Kind::EmbedBatch => embed_batches(conn, stage.name, window).await?,
        _ => Vec::new(),
    })
}

/// The statement of one table, checked against the schema: `$state` is what its claimable rows are in, `$small` what
/// comes first within a queue.
macro_rules! windowed {
    ($table:ident, $name:literal, $state:literal, $small:literal) => {
        async fn $table(
            conn: &mut PgConnection,
            stage: &str,
            window: i64,
        ) -> Result<Vec<Issued>, sqlx::Error> {
            sqlx::query_as!(
                Issued,
                // The first part finds the queues that have such rows, one index lookup each.
                "WITH RECURSIVE queues AS (
                     (SELECT queue FROM " + $name + " WHERE stage = $1 AND state = " + $state + "
                      AND issued_at IS NULL ORDER BY queue LIMIT 1)
                     UNION ALL
                     SELECT (SELECT t.queue FROM " + $name + " t WHERE t.stage = $1 AND t.state = " + $state + "
                             AND t.issued_at IS NULL AND t.queue > q.queue ORDER BY t.queue LIMIT 1)
                     FROM queues q WHERE q.queue IS NOT NULL
                 ), room AS (
                     SELECT greatest($2 - count(*), 0) AS n FROM " + $name + "
                     WHERE stage = $1 AND state = " + $state + " AND issued_at IS NOT NULL
                 ), due AS (
                     SELECT line.id FROM queues q CROSS JOIN LATERAL (
                         SELECT t.id, row_number() OVER (ORDER BY " + $small + ") AS place FROM " + $name + " t
                         WHERE t.stage = $1 AND t.state = " + $state + " AND t.issued_at IS NULL
                           AND t.queue = q.queue AND t.not_before <= clock_timestamp()
                           AND (t.lease_until IS NULL OR t.lease_until < clock_timestamp())
                         ORDER BY " + $small + " LIMIT $2
                     ) line
                     WHERE NOT EXISTS (SELECT 1 FROM ingestions i WHERE i.id = q.queue AND i.state = 'paused')
                     ORDER BY line.place LIMIT (SELECT n FROM room)
                 ), held AS (
                     SELECT t.id FROM " + $name + " t WHERE t.id IN (SELECT id FROM due) AND t.issued_at IS NULL
                     ORDER BY t.id FOR NO KEY UPDATE SKIP LOCKED
                 )
                 UPDATE " + $name + " t SET issued_at = clock_timestamp(), issues = t.issues + 1
                 FROM held WHERE t.id = held.id
                 RETURNING t.id, t.stage, t.issued_at AS \"issued_at!\"",
                stage,
                window
            )
            .fetch_all(conn)
            .await
        }
    };
}

windowed!(revisions, "revisions", "'building'", "t.size, t.id");
windowed!(embed_batches, "embed_batches", "'open'", "t.id");
