//! Ingestions: a client says what it has (paths and hashes), sends what the ledger does not know, and watches what
//! becomes of it. A file that is live with the same content does nothing.

mod progress;
mod receive;

use std::collections::HashMap;

use contract::{ApiKeyId, IngestionId, SourceId};
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::progress::{Progress, progress};
pub use self::receive::{File, ReceiveError, Received, receive};
use crate::{Error, Ledger, documents, generations};

/// Of a source, the share `prune` removes at the most without `force`: more is a wrong folder, usually.
pub const PRUNE_LIMIT: f64 = 0.30;

/// What a client has, before it sends anything.
#[derive(Debug, Clone)]
pub struct Listing {
    pub source: String,
    pub key: Option<ApiKeyId>,
    /// Every document listed carries exactly these tags from now on, beside those of its own text.
    pub tags: Vec<String>,
    pub files: Vec<ListedFile>,
    /// Documents of the source that are not listed are deleted. The listing must be complete.
    pub prune: bool,
    /// Prune more than [`PRUNE_LIMIT`].
    pub force: bool,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// One file of a listing.
#[derive(Debug, Clone)]
pub struct ListedFile {
    pub path: String,
    /// SHA-256 of the file.
    pub hash: [u8; 32],
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// `None` for a dry run.
    pub id: Option<IngestionId>,
    /// Paths whose files are to be sent.
    pub needed: Vec<String>,
    /// Files that are live with this content.
    pub unchanged: usize,
    /// Files with this content that are on their way, or failed: nothing is to be sent.
    pub known: usize,
    /// Documents that were deleted (or would be), because they are not listed.
    pub removed: usize,
}

/// Why an ingestion was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "this would remove {removed} of {total} documents of the source, more than 30 %: check the folder, or use force"
    )]
    RemovesTooMuch { removed: usize, total: usize },
    #[error(transparent)]
    Ledger(#[from] Error),
}

/// Opens an ingestion: compares a listing with what is known, sets tags, removes what is not listed.
///
/// # Errors
/// [`OpenError`].
pub async fn open(ledger: &Ledger, listing: &Listing) -> Result<Opened, OpenError> {
    let mut tx = ledger.begin().await?;
    generations::lock_shared(&mut tx).await?;
    let source = source(&mut tx, &listing.source).await?;
    let known = wanted(&mut tx, source, listing.files.iter().map(|file| file.path.as_str())).await?;
    let (mut needed, mut linked, mut unchanged) = (Vec::new(), Vec::new(), 0);
    for file in &listing.files {
        match known.get(file.path.as_str()) {
            Some(have) if have.is_live_as(file) => unchanged += 1,
            Some(have) if have.hash == file.hash => linked.push((file.path.clone(), have.revision)),
            _ => needed.push(file.path.clone()),
        }
    }
    let obsolete = if listing.prune { unlisted(&mut tx, source, listing).await? } else { Vec::new() };
    let mut opened = Opened { id: None, needed, unchanged, known: linked.len(), removed: obsolete.len() };
    if listing.dry_run {
        return Ok(opened);
    }
    let id = IngestionId::new();
    sqlx::query!(
        "INSERT INTO ingestions (id, source_id, created_by, state, tags, unchanged, removed)
         VALUES ($1, $2, $3, 'open', $4, $5, $6)",
        id.0,
        source.0,
        listing.key.map(|key| key.0),
        &listing.tags,
        i32::try_from(unchanged).unwrap_or(i32::MAX),
        i32::try_from(obsolete.len()).unwrap_or(i32::MAX)
    )
    .execute(&mut *tx)
    .await
    .map_err(Error::from)?;
    let mut paths = opened.needed.clone();
    let mut revisions: Vec<Option<Uuid>> = vec![None; paths.len()];
    for (path, revision) in linked {
        paths.push(path);
        revisions.push(Some(revision));
    }
    sqlx::query!(
        "INSERT INTO ingestion_files (ingestion_id, path, revision_id)
         SELECT $1, * FROM unnest($2::text[], $3::uuid[]) ON CONFLICT DO NOTHING",
        id.0,
        &paths,
        &revisions as _
    )
    .execute(&mut *tx)
    .await
    .map_err(Error::from)?;
    let same: Vec<String> = listing
        .files
        .iter()
        .filter(|file| known.get(file.path.as_str()).is_some_and(|have| have.is_live_as(file)))
        .map(|file| file.path.clone())
        .collect();
    let stale = otherwise_tagged(&mut tx, source, &same, &listing.tags).await?;
    // In one go: locks of many documents are taken in the order of their ids.
    documents::lock(&mut tx, &[stale.as_slice(), obsolete.as_slice()].concat()).await?;
    sqlx::query!("UPDATE documents SET tags = $2 WHERE id = ANY($1)", &stale, &listing.tags)
        .execute(&mut *tx)
        .await
        .map_err(Error::from)?;
    documents::remove(&mut tx, &obsolete).await?;
    tx.commit().await.map_err(Error::from)?;
    opened.id = Some(id);
    Ok(opened)
}

/// Whether there ever was a document; the rows of deleted ones stay.
///
/// # Errors
/// [`Error`].
pub async fn any(ledger: &Ledger) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM documents) AS "any!""#)
        .fetch_one(&ledger.pool)
        .await?)
}

/// Pauses, resumes or cancels an ingestion: `open`, `paused`, `cancelled`. What is cancelled stays as it was before.
/// `false`: there is none, or it was cancelled.
///
/// # Errors
/// [`Error`].
pub async fn set_state(ledger: &Ledger, id: IngestionId, state: &str) -> Result<bool, Error> {
    let mut tx = ledger.begin().await?;
    generations::lock_shared(&mut tx).await?;
    // Before its revisions are read: a file that is being received holds this row, and adds one.
    let done =
        sqlx::query!("UPDATE ingestions SET state = $2 WHERE id = $1 AND state <> 'cancelled'", id.0, state)
            .execute(&mut *tx)
            .await?;
    if done.rows_affected() == 1 && state == "cancelled" {
        let homes = sqlx::query_scalar!(
            "SELECT document_id FROM revisions WHERE queue = $1 AND state = 'building'",
            id.0
        )
        .fetch_all(&mut *tx)
        .await?;
        documents::lock(&mut tx, &homes).await?;
        let mine = sqlx::query_scalar!(
            "SELECT id FROM revisions WHERE queue = $1 AND state = 'building' AND document_id = ANY($2)",
            id.0,
            &homes
        )
        .fetch_all(&mut *tx)
        .await?;
        let homes = sqlx::query_scalar!(
            "UPDATE documents d SET wanted_revision = live_revision WHERE wanted_revision = ANY($1) RETURNING id",
            &mine
        )
        .fetch_all(&mut *tx)
        .await?;
        documents::supersede(&mut tx, &homes, &[]).await?;
        crate::tombstones::retire(&mut tx, &homes).await?;
    }
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// The source of this name, made if there is none.
async fn source(conn: &mut PgConnection, name: &str) -> Result<SourceId, Error> {
    sqlx::query!(
        "INSERT INTO sources (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        SourceId::new().0,
        name
    )
    .execute(&mut *conn)
    .await?;
    Ok(SourceId(sqlx::query_scalar!("SELECT id FROM sources WHERE name = $1", name).fetch_one(conn).await?))
}

/// The wanted revision of a document.
struct Wanted {
    revision: Uuid,
    hash: Vec<u8>,
    state: String,
}

impl Wanted {
    fn is_live_as(&self, file: &ListedFile) -> bool {
        self.state == "live" && self.hash == file.hash
    }
}

async fn wanted<'a>(
    conn: &mut PgConnection,
    source: SourceId,
    paths: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, Wanted>, Error> {
    let paths: Vec<String> = paths.map(str::to_owned).collect();
    let rows = sqlx::query!(
        "SELECT d.path, r.id, r.hash, r.state FROM documents d JOIN revisions r ON r.id = d.wanted_revision
         WHERE d.source_id = $1 AND d.path = ANY($2)",
        source.0,
        &paths
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.path, Wanted { revision: row.id, hash: row.hash, state: row.state }))
        .collect())
}

/// Documents of the source that are not listed.
async fn unlisted(
    conn: &mut PgConnection,
    source: SourceId,
    listing: &Listing,
) -> Result<Vec<Uuid>, OpenError> {
    let paths: Vec<String> = listing.files.iter().map(|file| file.path.clone()).collect();
    let rows = sqlx::query!(
        r#"SELECT d.id AS "id!", l.path IS NULL AS "unlisted!"
           FROM documents d LEFT JOIN (SELECT DISTINCT unnest($2::text[]) AS path) l ON l.path = d.path
           WHERE d.source_id = $1 AND d.deleted_at IS NULL"#,
        source.0,
        &paths
    )
    .fetch_all(conn)
    .await
    .map_err(Error::from)?;
    let total = rows.len();
    let unlisted: Vec<Uuid> = rows.into_iter().filter(|row| row.unlisted).map(|row| row.id).collect();
    #[expect(clippy::cast_precision_loss, reason = "a number of documents")]
    let share = unlisted.len() as f64 / total.max(1) as f64;
    if share > PRUNE_LIMIT && !listing.force && !listing.dry_run {
        return Err(OpenError::RemovesTooMuch { removed: unlisted.len(), total });
    }
    Ok(unlisted)
}

/// Of these paths, the documents that carry other tags. Only what is live with the same content is tagged at once: new
/// tags on the text of before could show to others what the new text no longer says. Other documents get their tags
/// when their revision goes live.
async fn otherwise_tagged(
    conn: &mut PgConnection,
    source: SourceId,
    paths: &[String],
    tags: &[String],
) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM documents WHERE source_id = $1 AND path = ANY($2) AND tags <> $3 AND deleted_at IS NULL",
        source.0,
        paths,
        tags
    )
    .fetch_all(conn)
    .await?)
}
