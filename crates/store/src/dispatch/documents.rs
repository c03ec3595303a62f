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

/// See [`issue`].
async fn revisions(conn: &mut PgConnection, stage: &str, window: i64) -> Result<Vec<Issued>, sqlx::Error> {
    sqlx::query_as!(
        Issued,
        r#"WITH RECURSIVE queues AS (
               (SELECT queue FROM revisions WHERE stage = $1 AND state = 'building' AND issued_at IS NULL
                ORDER BY queue LIMIT 1)
               UNION ALL
               SELECT (SELECT t.queue FROM revisions t WHERE t.stage = $1 AND t.state = 'building'
                       AND t.issued_at IS NULL AND t.queue > q.queue ORDER BY t.queue LIMIT 1)
               FROM queues q WHERE q.queue IS NOT NULL
           ), room AS (
               SELECT greatest($2 - count(*), 0) AS n FROM revisions
               WHERE stage = $1 AND state = 'building' AND issued_at IS NOT NULL
           ), due AS (
               SELECT line.id FROM queues q CROSS JOIN LATERAL (
                   SELECT t.id, row_number() OVER (ORDER BY t.size, t.id) AS place FROM revisions t
                   WHERE t.stage = $1 AND t.state = 'building' AND t.issued_at IS NULL AND t.queue = q.queue
                     AND t.not_before <= clock_timestamp()
                     AND (t.lease_until IS NULL OR t.lease_until < clock_timestamp())
                   ORDER BY t.size, t.id LIMIT $2
               ) line
               WHERE NOT EXISTS (SELECT 1 FROM ingestions i WHERE i.id = q.queue AND i.state = 'paused')
               ORDER BY line.place LIMIT (SELECT n FROM room)
           ), held AS (
               SELECT t.id FROM revisions t WHERE t.id IN (SELECT id FROM due) AND t.issued_at IS NULL
               ORDER BY t.id FOR NO KEY UPDATE SKIP LOCKED
           )
           UPDATE revisions t SET issued_at = clock_timestamp(), issues = t.issues + 1
           FROM held WHERE t.id = held.id
           RETURNING t.id, t.stage, t.issued_at AS "issued_at!""#,
        stage,
        window
    )
    .fetch_all(conn)
    .await
}

/// See [`issue`].
async fn embed_batches(
    conn: &mut PgConnection,
    stage: &str,
    window: i64,
) -> Result<Vec<Issued>, sqlx::Error> {
    sqlx::query_as!(
        Issued,
        r#"WITH RECURSIVE queues AS (
               (SELECT queue FROM embed_batches WHERE stage = $1 AND state = 'open' AND issued_at IS NULL
                ORDER BY queue LIMIT 1)
               UNION ALL
               SELECT (SELECT t.queue FROM embed_batches t WHERE t.stage = $1 AND t.state = 'open'
                       AND t.issued_at IS NULL AND t.queue > q.queue ORDER BY t.queue LIMIT 1)
               FROM queues q WHERE q.queue IS NOT NULL
           ), room AS (
               SELECT greatest($2 - count(*), 0) AS n FROM embed_batches
               WHERE stage = $1 AND state = 'open' AND issued_at IS NOT NULL
           ), due AS (
               SELECT line.id FROM queues q CROSS JOIN LATERAL (
                   SELECT t.id, row_number() OVER (ORDER BY t.id) AS place FROM embed_batches t
                   WHERE t.stage = $1 AND t.state = 'open' AND t.issued_at IS NULL AND t.queue = q.queue
                     AND t.not_before <= clock_timestamp()
                     AND (t.lease_until IS NULL OR t.lease_until < clock_timestamp())
                   ORDER BY t.id LIMIT $2
               ) line
               WHERE NOT EXISTS (SELECT 1 FROM ingestions i WHERE i.id = q.queue AND i.state = 'paused')
               ORDER BY line.place LIMIT (SELECT n FROM room)
           ), held AS (
               SELECT t.id FROM embed_batches t WHERE t.id IN (SELECT id FROM due) AND t.issued_at IS NULL
               ORDER BY t.id FOR NO KEY UPDATE SKIP LOCKED
           )
           UPDATE embed_batches t SET issued_at = clock_timestamp(), issues = t.issues + 1
           FROM held WHERE t.id = held.id
           RETURNING t.id, t.stage, t.issued_at AS "issued_at!""#,
        stage,
        window
    )
    .fetch_all(conn)
    .await
}
