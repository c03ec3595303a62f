//! Points that must go, deleted twice: now, and once no late upsert of a paused worker can bring them back.
//!
//! The index cannot be fenced, so what is deleted is decided here, by the ledger, and never by a worker that lost
//! its claim.

use std::time::Duration;

use contract::GenerationId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::work::seconds;
use crate::{Error, Ledger};

/// Tombstones of one collection, to be deleted in one call.
#[derive(Debug, Clone)]
pub struct Due {
    pub generation: GenerationId,
    pub collection: String,
    pub points: Vec<Uuid>,
    ids: Vec<i64>,
}

/// Retires the chunks of these documents that no building or live revision contains. The caller holds the
/// documents' locks.
pub(crate) async fn retire(conn: &mut PgConnection, documents: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        "WITH gone AS (
             UPDATE chunks c SET retired_at = clock_timestamp()
             WHERE c.document_id = ANY($1) AND c.retired_at IS NULL AND NOT EXISTS (
                 SELECT 1 FROM revision_chunks rc JOIN revisions r ON r.id = rc.revision_id
                 WHERE rc.chunk_id = c.id AND r.state IN ('building', 'live'))
             RETURNING c.id
         )
         INSERT INTO index_tombstones (generation_id, point_id)
         SELECT g.id, gone.id FROM gone CROSS JOIN index_generations g WHERE g.state IN ('building', 'live')",
        documents
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tombstones that are due, oldest first, by collection. Reading takes no lock: deleting a point twice is harmless.
///
/// # Errors
/// [`Error`].
pub async fn due(ledger: &Ledger, limit: i64) -> Result<Vec<Due>, Error> {
    let rows = sqlx::query!(
        r#"SELECT t.generation_id, g.collection, array_agg(t.point_id) AS "points!", array_agg(t.id) AS "ids!"
           FROM (SELECT d.id, d.generation_id, d.point_id FROM index_tombstones d
                 JOIN index_generations p ON p.id = d.generation_id AND p.prepared_at IS NOT NULL
                 WHERE d.due_at <= clock_timestamp() ORDER BY d.due_at LIMIT $1) t
           JOIN index_generations g ON g.id = t.generation_id
           GROUP BY t.generation_id, g.collection"#,
        limit
    )
    .fetch_all(&ledger.pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Due {
            generation: GenerationId(row.generation_id),
            collection: row.collection,
            points: row.points,
            ids: row.ids,
        })
        .collect())
}

/// The points of `due` were deleted: those deleted once come again after `late`, the longest a worker can be late.
///
/// # Errors
/// [`Error`].
pub async fn deleted(ledger: &Ledger, due: &Due, late: Duration) -> Result<(), Error> {
    sqlx::query!(
        "WITH over AS (DELETE FROM index_tombstones WHERE id = ANY($1) AND passes >= 1)
         UPDATE index_tombstones SET passes = passes + 1, due_at = clock_timestamp() + $2 * interval '1 second'
         WHERE id = ANY($1) AND passes = 0",
        &due.ids,
        seconds(late)
    )
    .execute(&ledger.pool)
    .await?;
    Ok(())
}

/// Points that will be deleted, in all collections.
///
/// # Errors
/// [`Error`].
pub async fn waiting(ledger: &Ledger) -> Result<i64, Error> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM index_tombstones"#)
        .fetch_one(&ledger.pool)
        .await?)
}

/// Writes tombstones for points the ledger knows no reason for, found by a comparison.
///
/// # Errors
/// [`Error`].
pub async fn bury(ledger: &Ledger, generation: GenerationId, points: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO index_tombstones (generation_id, point_id) SELECT $1, p FROM unnest($2::uuid[]) AS p",
        generation.0,
        points
    )
    .execute(&ledger.pool)
    .await?;
    Ok(())
}
