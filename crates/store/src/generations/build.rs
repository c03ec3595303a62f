//! A generation beside the live one: filled, switched to or abandoned, and dropped in the end.

use std::time::Duration;

use contract::{GenerationId, RevisionId};
use uuid::Uuid;

use super::{Generation, current, lock_alone, lock_shared};
use crate::work::seconds;
use crate::{Error, Ledger, batches, revisions};

/// Writes batches for live and building revisions that have none in this generation, at most `limit` of them.
/// Returns for how many.
///
/// # Errors
/// [`Error`].
pub async fn fill(ledger: &Ledger, id: GenerationId, limit: i64) -> Result<usize, Error> {
    let mut tx = ledger.begin().await?;
    lock_shared(&mut tx).await?;
    // Abandoned meanwhile: what is written now nobody would cancel.
    if current(&mut tx).await?.iter().all(|one| one.id != id) {
        return Ok(0);
    }
    let missing = sqlx::query_scalar!(
        "SELECT r.id FROM revisions r
         WHERE (r.state = 'live' OR (r.state = 'building' AND r.stage <> $3))
           AND NOT EXISTS (SELECT 1 FROM revision_builds b WHERE b.revision_id = r.id AND b.generation_id = $1)
         ORDER BY r.id LIMIT $2",
        id.0,
        limit,
        revisions::EXTRACT
    )
    .fetch_all(&mut *tx)
    .await?;
    // The documents first: an extraction that settles now writes the same rows.
    let documents = sqlx::query_scalar!("SELECT document_id FROM revisions WHERE id = ANY($1)", &missing)
        .fetch_all(&mut *tx)
        .await?;
    crate::documents::lock(&mut tx, &documents).await?;
    let chunks = sqlx::query!(
        r#"SELECT r.id AS revision, array_remove(array_agg(rc.chunk_id ORDER BY rc.position), NULL) AS "chunks!"
           FROM revisions r LEFT JOIN revision_chunks rc ON rc.revision_id = r.id
           WHERE r.id = ANY($1) AND r.state IN ('live', 'building')
             AND NOT EXISTS (SELECT 1 FROM revision_builds b WHERE b.revision_id = r.id AND b.generation_id = $2)
           GROUP BY r.id"#,
        &missing,
        id.0
    )
    .fetch_all(&mut *tx)
    .await?;
    let builds: Vec<batches::Build> = chunks
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
    Ok(missing.len())
}

/// How far the building of a generation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Live revisions in all.
    pub revisions: i64,
    /// Of these, complete in the generation.
    pub built: i64,
    /// Batches of it that were given up.
    pub failed: i64,
}

/// # Errors
/// [`Error`].
pub async fn progress(ledger: &Ledger, id: GenerationId) -> Result<Progress, Error> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "revisions!", count(b.revision_id) FILTER (WHERE b.open_batches = 0) AS "built!",
                  (SELECT count(*) FROM embed_batches f WHERE f.generation_id = $1 AND f.state = 'failed') AS "failed!"
           FROM documents d LEFT JOIN revision_builds b
                ON b.revision_id = d.live_revision AND b.generation_id = $1
           WHERE d.live_revision IS NOT NULL"#,
        id.0
    )
    .fetch_one(&ledger.pool)
    .await?;
    Ok(Progress { revisions: row.revisions, built: row.built, failed: row.failed })
}

/// Makes a built generation the live one; `false` when it is not complete yet, or not being built any more.
/// Revisions that were waiting for it go live with it.
///
/// # Errors
/// [`Error`].
pub async fn switch(ledger: &Ledger, id: GenerationId) -> Result<bool, Error> {
    let mut tx = ledger.begin().await?;
    lock_alone(&mut tx).await?;
    let missing = sqlx::query_scalar!(
        r#"SELECT count(*) AS "missing!" FROM documents d
           WHERE d.live_revision IS NOT NULL AND NOT EXISTS (
               SELECT 1 FROM revision_builds b
               WHERE b.revision_id = d.live_revision AND b.generation_id = $1 AND b.open_batches = 0)"#,
        id.0
    )
    .fetch_one(&mut *tx)
    .await?;
    if missing > 0 {
        return Ok(false);
    }
    let built = sqlx::query!("SELECT id FROM index_generations WHERE id = $1 AND state = 'building'", id.0)
        .fetch_optional(&mut *tx)
        .await?;
    if built.is_none() {
        return Ok(false);
    }
    let old = sqlx::query_scalar!(
        "UPDATE index_generations SET state = 'retired', retired_at = clock_timestamp() WHERE state = 'live' RETURNING id"
    )
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE index_generations SET state = 'live', live_at = clock_timestamp() WHERE id = $1",
        id.0
    )
    .execute(&mut *tx)
    .await?;
    batches::cancel_of(&mut tx, &old).await?;
    sqlx::query!("DELETE FROM index_tombstones WHERE generation_id = ANY($1)", &old)
        .execute(&mut *tx)
        .await?;
    let waiting = sqlx::query!(
        "SELECT r.id, r.document_id FROM revisions r JOIN revision_builds b ON b.revision_id = r.id
         WHERE r.state = 'building' AND b.generation_id = $1 AND b.open_batches = 0",
        id.0
    )
    .fetch_all(&mut *tx)
    .await?;
    let documents: Vec<Uuid> = waiting.iter().map(|row| row.document_id).collect();
    crate::documents::lock(&mut tx, &documents).await?;
    let ready: Vec<Uuid> = waiting.iter().map(|row| row.id).collect();
    revisions::finish(&mut tx, &ready).await?;
    tx.commit().await?;
    Ok(true)
}

/// Stops building: what was built is dropped with the retired ones.
///
/// # Errors
/// [`Error`].
pub async fn abandon(ledger: &Ledger, id: GenerationId) -> Result<bool, Error> {
    let mut tx = ledger.begin().await?;
    lock_alone(&mut tx).await?;
    let done = sqlx::query!(
        "UPDATE index_generations SET state = 'retired', retired_at = clock_timestamp()
         WHERE id = $1 AND state = 'building'",
        id.0
    )
    .execute(&mut *tx)
    .await?;
    batches::cancel_of(&mut tx, &[id.0]).await?;
    sqlx::query!("DELETE FROM index_tombstones WHERE generation_id = $1", id.0).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// Retired generations whose collection can go: nobody searches it any more after `rest`.
///
/// # Errors
/// [`Error`].
pub async fn to_drop(ledger: &Ledger, rest: Duration) -> Result<Vec<Generation>, Error> {
    Ok(sqlx::query_as!(
        Generation,
        r#"SELECT id, analyser, chunker, embedder, dims, collection, state,
                  prepared_at IS NOT NULL AS "prepared!", threshold, fit -> 'fusion' AS fusion
           FROM index_generations
           WHERE state = 'retired' AND dropped_at IS NULL
             AND retired_at < clock_timestamp() - $1 * interval '1 second'"#,
        seconds(rest)
    )
    .fetch_all(&ledger.pool)
    .await?)
}

/// Its collection is gone.
///
/// # Errors
/// [`Error`].
pub async fn dropped(ledger: &Ledger, id: GenerationId) -> Result<(), Error> {
    let mut tx = ledger.begin().await?;
    batches::cancel_of(&mut tx, &[id.0]).await?;
    sqlx::query!("UPDATE index_generations SET dropped_at = clock_timestamp() WHERE id = $1", id.0)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
