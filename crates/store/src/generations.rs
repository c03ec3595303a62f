//! Generations of the index: an analyser, a chunker, a collection. **The live row is the switch**: a query reads
//! it, and searches its collection by name.
//!
//! Creating, switching and retiring take an advisory lock alone; whoever writes batches or makes a revision live
//! takes it shared, as the first statement of the transaction, and reads the rows after it. So a revision is
//! either seen by the switch, or sees the switch.

use std::time::Duration;

use contract::{GenerationId, RevisionId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::work::seconds;
use crate::{Error, Ledger, batches, revisions};

/// Advisory lock of everything about generations: "index" in ASCII.
const LOCK: i64 = 0x0069_6e64_6578;

/// A row of `index_generations`.
#[derive(Debug, Clone, PartialEq)]
pub struct Generation {
    pub id: GenerationId,
    /// Version of the analyser its vectors were made with; questions need the same one.
    pub analyser: String,
    pub chunker: String,
    pub collection: String,
    /// `building`, `live` or `retired`.
    pub state: String,
    /// Its collection was made. One that is missing afterwards was lost.
    pub prepared: bool,
    /// Fitted to this knowledge base; `None`: not fitted yet.
    pub threshold: Option<f32>,
}

/// What a generation is made with.
#[derive(Debug, Clone, Copy)]
pub struct Recipe<'a> {
    pub analyser: &'a str,
    pub chunker: &'a str,
    /// Collections are called `<prefix>_knowledge_<id>`.
    pub prefix: &'a str,
}

pub(crate) async fn lock_shared(conn: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock_shared($1)", LOCK).execute(conn).await?;
    Ok(())
}

async fn lock_alone(conn: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).execute(conn).await?;
    Ok(())
}

/// Generations that are built or live. The caller holds the lock, or knows that it reads a moment.
pub(crate) async fn current(conn: &mut PgConnection) -> Result<Vec<Generation>, Error> {
    Ok(sqlx::query_as!(
        Generation,
        r#"SELECT id, analyser, chunker, collection, state, prepared_at IS NOT NULL AS "prepared!", threshold
           FROM index_generations WHERE state IN ('live', 'building') ORDER BY created_at"#
    )
    .fetch_all(conn)
    .await?)
}

/// The live generation; `None` before the first one.
///
/// # Errors
/// [`Error`].
pub async fn live(ledger: &Ledger) -> Result<Option<Generation>, Error> {
    let mut conn = ledger.pool.acquire().await?;
    Ok(current(&mut conn).await?.into_iter().find(|generation| generation.state == "live"))
}

/// The generation that is being built, if any.
///
/// # Errors
/// [`Error`].
pub async fn building(ledger: &Ledger) -> Result<Option<Generation>, Error> {
    let mut conn = ledger.pool.acquire().await?;
    Ok(current(&mut conn).await?.into_iter().find(|generation| generation.state == "building"))
}

/// The live generation, made if there is none: an installation begins with one.
///
/// # Errors
/// [`Error`].
pub async fn ensure(ledger: &Ledger, recipe: Recipe<'_>) -> Result<Generation, Error> {
    if let Some(live) = live(ledger).await? {
        return Ok(live);
    }
    let mut tx = ledger.begin().await?;
    lock_alone(&mut tx).await?;
    if let Some(live) = current(&mut tx).await?.into_iter().find(|generation| generation.state == "live") {
        return Ok(live);
    }
    let made = insert(&mut tx, recipe, "live").await?;
    tx.commit().await?;
    Ok(made)
}

/// The generation that is being built, made if there is none.
///
/// # Errors
/// [`Error`].
pub async fn begin(ledger: &Ledger, recipe: Recipe<'_>) -> Result<Generation, Error> {
    let mut tx = ledger.begin().await?;
    lock_alone(&mut tx).await?;
    if let Some(one) = current(&mut tx).await?.into_iter().find(|generation| generation.state == "building") {
        return Ok(one);
    }
    let made = insert(&mut tx, recipe, "building").await?;
    tx.commit().await?;
    Ok(made)
}

async fn insert(conn: &mut PgConnection, recipe: Recipe<'_>, state: &str) -> Result<Generation, Error> {
    let id = GenerationId::new();
    let collection = format!("{}_knowledge_{}", recipe.prefix, id.0.simple());
    sqlx::query!(
        "INSERT INTO index_generations (id, analyser, chunker, collection, state, live_at)
         VALUES ($1, $2, $3, $4, $5, CASE $5 WHEN 'live' THEN clock_timestamp() END)",
        id.0,
        recipe.analyser,
        recipe.chunker,
        collection,
        state
    )
    .execute(conn)
    .await?;
    Ok(Generation {
        id,
        analyser: recipe.analyser.to_owned(),
        chunker: recipe.chunker.to_owned(),
        collection,
        state: state.to_owned(),
        prepared: false,
        threshold: None,
    })
}

/// Its collection exists now.
///
/// # Errors
/// [`Error`].
pub async fn prepared(ledger: &Ledger, id: GenerationId) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE index_generations SET prepared_at = clock_timestamp() WHERE id = $1 AND prepared_at IS NULL",
        id.0
    )
    .execute(&ledger.pool)
    .await?;
    Ok(())
}

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
    sqlx::query!(
        "WITH held AS (
             SELECT id FROM embed_batches WHERE generation_id = ANY($1) AND state = 'open' ORDER BY id FOR NO KEY UPDATE
         )
         UPDATE embed_batches b SET state = 'cancelled', issued_at = NULL, owner = NULL, lease_until = NULL,
             ended_at = clock_timestamp()
         FROM held WHERE b.id = held.id",
        &old
    )
    .execute(&mut *tx)
    .await?;
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
    sqlx::query!(
        "WITH held AS (
             SELECT id FROM embed_batches WHERE generation_id = $1 AND state = 'open' ORDER BY id FOR NO KEY UPDATE
         )
         UPDATE embed_batches b SET state = 'cancelled', issued_at = NULL, owner = NULL, lease_until = NULL,
             ended_at = clock_timestamp()
         FROM held WHERE b.id = held.id",
        id.0
    )
    .execute(&mut *tx)
    .await?;
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
        r#"SELECT id, analyser, chunker, collection, state, prepared_at IS NOT NULL AS "prepared!", threshold
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
    sqlx::query!(
        "WITH held AS (
             SELECT id FROM embed_batches WHERE generation_id = $1 AND state = 'open' ORDER BY id FOR NO KEY UPDATE
         ), over AS (
             UPDATE embed_batches b SET state = 'cancelled', issued_at = NULL, owner = NULL, lease_until = NULL,
                 ended_at = clock_timestamp()
             FROM held WHERE b.id = held.id
         )
         UPDATE index_generations SET dropped_at = clock_timestamp() WHERE id = $1",
        id.0
    )
    .execute(&ledger.pool)
    .await?;
    Ok(())
}

/// Keeps a fitted threshold with its curve.
///
/// # Errors
/// [`Error`].
pub async fn fit(
    ledger: &Ledger,
    id: GenerationId,
    threshold: Option<f32>,
    fit: &serde_json::Value,
) -> Result<(), Error> {
    sqlx::query!("UPDATE index_generations SET threshold = $2, fit = $3 WHERE id = $1", id.0, threshold, fit)
        .execute(&ledger.pool)
        .await?;
    Ok(())
}

/// The last fit of a generation, as it was kept.
///
/// # Errors
/// [`Error`].
pub async fn last_fit(ledger: &Ledger, id: GenerationId) -> Result<Option<serde_json::Value>, Error> {
    Ok(sqlx::query_scalar!("SELECT fit FROM index_generations WHERE id = $1", id.0)
        .fetch_optional(&ledger.pool)
        .await?
        .flatten())
}

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
