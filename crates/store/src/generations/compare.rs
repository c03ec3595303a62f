//! What a collection should hold, and the repair of what it does not.

use contract::{GenerationId, RevisionId};
use uuid::Uuid;

use super::{current, lock_shared};
use crate::{Error, Ledger, batches};

/// Chunks that must have a point in this generation: those of live revisions that are complete in it. A page in
/// the order of their ids, after `after`.
///
/// # Errors
/// [`Error`].
pub async fn expected_points(
    ledger: &Ledger,
    id: GenerationId,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar!(
        "SELECT c.id FROM chunks c
         WHERE c.id > $2 AND c.retired_at IS NULL AND EXISTS (
             SELECT 1 FROM revision_chunks rc
             JOIN documents d ON d.id = c.document_id AND d.live_revision = rc.revision_id
             JOIN revision_builds b ON b.revision_id = rc.revision_id AND b.generation_id = $1 AND b.open_batches = 0
             WHERE rc.chunk_id = c.id)
         ORDER BY c.id LIMIT $3",
        id.0,
        after,
        limit
    )
    .fetch_all(&ledger.pool)
    .await?)
}

/// Of these points, those the ledger knows no reason for: no building or live revision contains them, and no
/// tombstone waits for them.
///
/// # Errors
/// [`Error`].
pub async fn unexpected_points(
    ledger: &Ledger,
    id: GenerationId,
    points: &[Uuid],
) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT p AS "p!" FROM unnest($1::uuid[]) AS p
           WHERE NOT EXISTS (
               SELECT 1 FROM revision_chunks rc JOIN revisions r ON r.id = rc.revision_id
               WHERE rc.chunk_id = p AND r.state IN ('building', 'live'))
             AND NOT EXISTS (SELECT 1 FROM index_tombstones t WHERE t.point_id = p AND t.generation_id = $2)"#,
        points,
        id.0
    )
    .fetch_all(&ledger.pool)
    .await?)
}

/// Has missing points of live chunks embedded again: their revisions get new batches of just these.
///
/// # Errors
/// [`Error`].
pub async fn mend(ledger: &Ledger, id: GenerationId, missing: &[Uuid]) -> Result<(), Error> {
    let mut tx = ledger.begin().await?;
    lock_shared(&mut tx).await?;
    if current(&mut tx).await?.iter().all(|one| one.id != id) {
        return Ok(());
    }
    let documents =
        sqlx::query_scalar!("SELECT DISTINCT document_id FROM chunks WHERE id = ANY($1)", missing)
            .fetch_all(&mut *tx)
            .await?;
    crate::documents::lock(&mut tx, &documents).await?;
    // Read under the locks; a building revision may share them, and go live before the live one is mended.
    let rows = sqlx::query!(
        r#"SELECT r.id AS revision, array_agg(rc.chunk_id) AS "chunks!"
           FROM revision_chunks rc JOIN revisions r ON r.id = rc.revision_id AND r.state IN ('live', 'building')
           WHERE rc.chunk_id = ANY($1) GROUP BY r.id"#,
        missing
    )
    .fetch_all(&mut *tx)
    .await?;
    let builds: Vec<batches::Build> = rows
        .into_iter()
        .map(|row| batches::Build {
            revision: RevisionId(row.revision),
            generation: id,
            queue: id.0,
            chunks: row.chunks,
        })
        .collect();
    batches::insert(&mut tx, &builds).await?;
    tx.commit().await?;
    Ok(())
}
