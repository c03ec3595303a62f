//! Documents: files of a source, as search sees them. `live_revision` decides; a deleted document is invisible at
//! the commit that deletes it.

use chrono::{DateTime, Utc};
use contract::DocumentId;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Ledger, batches, generations, tombstones};

/// A document as an operator sees it.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    pub id: DocumentId,
    pub source: String,
    pub path: String,
    pub title: String,
    pub url: Option<String>,
    pub tags: Vec<String>,
    /// `live`, `building` (the first revision is on its way), `updating` (live, and a newer one is on its way),
    /// `failed` (there is no live revision), `stale` (live, but the newer one failed).
    pub state: String,
    /// Chunks that search sees.
    pub chunks: i32,
    pub updated_at: DateTime<Utc>,
    /// Why the wanted revision failed.
    pub error: Option<String>,
}

/// Documents that are not deleted, after `after` in the order of their ids.
///
/// # Errors
/// [`Error`].
pub async fn list(
    ledger: &Ledger,
    source: Option<&str>,
    after: Option<DocumentId>,
    limit: i64,
) -> Result<Vec<Listed>, Error> {
    rows(ledger, source, after, None, limit).await
}

/// `None`: there is none, or it was deleted.
///
/// # Errors
/// [`Error`].
pub async fn get(ledger: &Ledger, id: DocumentId) -> Result<Option<Listed>, Error> {
    Ok(rows(ledger, None, None, Some(id), 1).await?.pop())
}

async fn rows(
    ledger: &Ledger,
    source: Option<&str>,
    after: Option<DocumentId>,
    only: Option<DocumentId>,
    limit: i64,
) -> Result<Vec<Listed>, Error> {
    Ok(sqlx::query_as!(
        Listed,
        r#"SELECT d.id, s.name AS source, d.path,
                  coalesce(l.title, w.title, '') AS "title!", coalesce(l.url, w.url) AS url,
                  ARRAY(SELECT DISTINCT t FROM unnest(d.tags || coalesce(l.tags, w.tags, '{}')) t ORDER BY t) AS "tags!",
                  CASE WHEN d.live_revision IS NOT NULL AND w.state = 'building' THEN 'updating'
                       WHEN d.live_revision IS NOT NULL AND w.state = 'failed' THEN 'stale'
                       WHEN d.live_revision IS NOT NULL THEN 'live'
                       WHEN w.state = 'failed' THEN 'failed' ELSE 'building' END AS "state!",
                  coalesce(l.chunks, 0) AS "chunks!", d.updated_at,
                  CASE w.state WHEN 'failed' THEN w.last_error END AS error
           FROM documents d JOIN sources s ON s.id = d.source_id
           LEFT JOIN revisions l ON l.id = d.live_revision
           LEFT JOIN revisions w ON w.id = d.wanted_revision
           WHERE d.deleted_at IS NULL AND coalesce(d.live_revision, d.wanted_revision) IS NOT NULL
             AND ($1::text IS NULL OR s.name = $1)
             AND ($2::uuid IS NULL OR d.id > $2) AND ($3::uuid IS NULL OR d.id = $3)
           ORDER BY d.id LIMIT $4"#,
        source,
        after.map(|id| id.0),
        only.map(|id| id.0),
        limit
    )
    .fetch_all(&ledger.pool)
    .await?)
}

/// How much knowledge there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stock {
    pub documents: i64,
    pub chunks: i64,
}

/// What search can see.
///
/// # Errors
/// [`Error`].
pub async fn stock(ledger: &Ledger) -> Result<Stock, Error> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "documents!", coalesce(sum(r.chunks), 0)::bigint AS "chunks!"
           FROM documents d JOIN revisions r ON r.id = d.live_revision"#
    )
    .fetch_one(&ledger.pool)
    .await?;
    Ok(Stock { documents: row.documents, chunks: row.chunks })
}

/// Makes a document invisible, at the commit; its chunks leave the index after it. `false`: there was none.
///
/// # Errors
/// [`Error`].
pub async fn delete(ledger: &Ledger, id: DocumentId) -> Result<bool, Error> {
    let mut tx = ledger.begin().await?;
    generations::lock_shared(&mut tx).await?;
    lock(&mut tx, &[id.0]).await?;
    let removed = remove(&mut tx, &[id.0]).await?;
    tx.commit().await?;
    Ok(removed == 1)
}

/// Deletes documents. The caller holds the generations' lock and the documents'. Returns how many there were.
pub(crate) async fn remove(conn: &mut PgConnection, ids: &[Uuid]) -> Result<u64, Error> {
    let removed = sqlx::query!(
        "UPDATE documents SET deleted_at = clock_timestamp(), updated_at = clock_timestamp(),
             live_revision = NULL, wanted_revision = NULL
         WHERE id = ANY($1) AND deleted_at IS NULL",
        ids
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    sqlx::query!(
        "UPDATE revisions SET state = 'retired' WHERE document_id = ANY($1) AND state = 'live'",
        ids
    )
    .execute(&mut *conn)
    .await?;
    supersede(conn, ids, &[]).await?;
    tombstones::retire(conn, ids).await?;
    Ok(removed)
}

/// Supersedes the building revisions of these documents except `keep`: nobody wants them any more. The caller
/// holds the documents' locks, and retires chunks afterwards.
pub(crate) async fn supersede(conn: &mut PgConnection, ids: &[Uuid], keep: &[Uuid]) -> Result<(), Error> {
    let gone = sqlx::query_scalar!(
        "WITH held AS (
             SELECT id FROM revisions WHERE document_id = ANY($1) AND state = 'building' AND id <> ALL($2)
             ORDER BY id FOR NO KEY UPDATE
         )
         UPDATE revisions r SET state = 'superseded', issued_at = NULL, owner = NULL, lease_until = NULL,
             ended_at = clock_timestamp()
         FROM held WHERE r.id = held.id RETURNING r.id",
        ids,
        keep
    )
    .fetch_all(&mut *conn)
    .await?;
    if gone.is_empty() {
        return Ok(());
    }
    sqlx::query!("DELETE FROM revision_bytes WHERE revision_id = ANY($1)", &gone).execute(&mut *conn).await?;
    batches::cancel(conn, &gone).await
}

/// Locks documents, in the order of their ids.
pub(crate) async fn lock(conn: &mut PgConnection, ids: &[Uuid]) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!("SELECT id FROM documents WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", ids)
        .fetch_all(conn)
        .await?;
    Ok(())
}

/// Locks the documents of these revisions, in the order of their ids.
pub(crate) async fn lock_of(conn: &mut PgConnection, revisions: &[Uuid]) -> Result<(), Error> {
    if revisions.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "SELECT d.id FROM documents d
         WHERE d.id IN (SELECT document_id FROM revisions WHERE id = ANY($1)) ORDER BY d.id FOR NO KEY UPDATE",
        revisions
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// The headings above a chunk, as stored.
pub(crate) fn heading(chunk: Uuid, stored: Value) -> Result<Vec<String>, Error> {
    serde_json::from_value(stored).map_err(|problem| Error::Row {
        table: "chunks",
        column: "heading",
        row: chunk.to_string(),
        problem: problem.to_string(),
    })
}
