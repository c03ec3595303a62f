//! Revisions: versions of a document, from the file to the moment search sees them.
//!
//! A revision is extracted (its text and chunks are written, in one transaction with the batches that embed them)
//! and goes live when the live generation has all of its chunks. Going live is one guarded UPDATE of the document:
//! a revision that is no longer wanted changes nothing, however late it comes.

mod extracted;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use contract::{DocumentId, RevisionId, Stage};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::work::{self, Claim, Fence, Outcome, Settled, Verdict, seconds};
use crate::{Error, Ledger, batches, documents, generations, tombstones};

/// The first stage of a revision. Afterwards it is at `embed`, where its batches are the rows that are claimed.
pub const EXTRACT: &str = "extract";

/// The input of `extract`.
#[derive(Debug, Clone)]
pub struct Draft {
    pub id: RevisionId,
    pub document: DocumentId,
    pub path: String,
    pub source: Source,
}

/// What a revision is made from.
#[derive(Debug, Clone)]
pub enum Source {
    /// The file.
    Bytes(Arc<[u8]>),
    /// The text extracted earlier: only chunked anew.
    Content(Arc<contract::Document>),
}

/// What extraction leads to.
#[derive(Debug, Clone)]
pub struct Extracted {
    pub content: contract::Document,
    pub title: String,
    pub chunks: Vec<NewChunk>,
}

/// A chunk that may or may not be new.
#[derive(Debug, Clone)]
pub struct NewChunk {
    /// Over everything that is indexed: equal hashes need no new vector.
    pub hash: [u8; 32],
    pub heading: Vec<String>,
    pub text: String,
}

/// Loads claimed revisions, in the order of the claims.
///
/// # Errors
/// [`Error`].
pub async fn load(ledger: &Ledger, claims: &[Claim]) -> Result<Vec<Option<Draft>>, Error> {
    let ids: Vec<Uuid> = claims.iter().map(|claim| claim.id).collect();
    let rows = sqlx::query!(
        r#"SELECT r.id, r.document_id, d.path, r.content,
                  (SELECT string_agg(b.bytes, ''::bytea ORDER BY b.part) FROM revision_bytes b
                   WHERE b.revision_id = r.id) AS bytes
           FROM revisions r JOIN documents d ON d.id = r.document_id WHERE r.id = ANY($1)"#,
        &ids
    )
    .fetch_all(&ledger.pool)
    .await?;
    let mut drafts = HashMap::with_capacity(rows.len());
    for row in rows {
        let source = match (row.content, row.bytes) {
            (Some(content), _) => {
                serde_json::from_value(content).map(|content| Source::Content(Arc::new(content))).ok()
            }
            (None, Some(bytes)) => Some(Source::Bytes(bytes.into())),
            (None, None) => Some(Source::Bytes(Arc::default())),
        };
        // A content this process cannot read is another release's: the runner sets the row aside.
        if let Some(source) = source {
            let draft = Draft {
                id: RevisionId(row.id),
                document: DocumentId(row.document_id),
                path: row.path,
                source,
            };
            drafts.insert(row.id, draft);
        }
    }
    Ok(ids.iter().map(|id| drafts.remove(id)).collect())
}

/// Settles extractions: the text, the chunks that are new, and the batches that embed them.
///
/// # Errors
/// [`Error`]; at COMMIT the outcome is unknown: read again, do not compensate.
pub async fn settle(
    ledger: &Ledger,
    stage: &Stage,
    batch: &[(Claim, Draft, Verdict<Arc<Extracted>>)],
) -> Result<Vec<Outcome>, Error> {
    let mut tx = ledger.begin().await?;
    generations::lock_shared(&mut tx).await?;
    let homes: Vec<Uuid> = batch.iter().map(|(_, draft, _)| draft.document.0).collect();
    documents::lock(&mut tx, &homes).await?;
    let transitions: Vec<_> = batch
        .iter()
        .map(|(claim, _, verdict)| match verdict {
            Verdict::Done(_) => work::Transition {
                stage: batches::EMBED.to_owned(),
                attempts: 0,
                claims: 0,
                ends: false,
                ..verdict.end(claim, stage, "building")
            },
            _ => {
                verdict.stay(claim, stage, "building").unwrap_or_else(|| verdict.end(claim, stage, "failed"))
            }
        })
        .collect();
    let settled: HashSet<Fence> =
        work::settle(&mut tx, stage, &transitions).await?.iter().map(Settled::fence).collect();
    let mut outcomes = vec![Outcome::default(); batch.len()];
    let mut done = Vec::new();
    for ((claim, draft, verdict), outcome) in batch.iter().zip(&mut outcomes) {
        outcome.settled = settled.contains(&claim.fence());
        if let (true, Verdict::Done(result)) = (outcome.settled, verdict) {
            done.push((draft, &**result));
        }
    }
    if !done.is_empty() {
        extracted::write(&mut tx, &done).await?;
    }
    work::uncommitted(stage).await;
    tx.commit().await?;
    Ok(outcomes)
}

/// Makes those of these revisions live that the live generation has whole. The caller holds the generations' lock
/// shared (or alone) and the documents' locks.
pub(crate) async fn finish(conn: &mut PgConnection, ids: &[Uuid]) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let flipped = sqlx::query!(
        "WITH ready AS (
             SELECT r.id, r.document_id, d.live_revision AS old, i.tags FROM revisions r
             JOIN documents d ON d.id = r.document_id AND d.wanted_revision = r.id
             LEFT JOIN ingestions i ON i.id = r.queue
             JOIN revision_builds b ON b.revision_id = r.id AND b.open_batches = 0
             JOIN index_generations g ON g.id = b.generation_id AND g.state = 'live'
             WHERE r.id = ANY($1) AND r.state = 'building'
         ), flipped AS (
             UPDATE documents d SET live_revision = ready.id, updated_at = clock_timestamp(),
                 tags = coalesce(ready.tags, d.tags)
             FROM ready WHERE d.id = ready.document_id
         ), retired AS (
             UPDATE revisions r SET state = 'retired' FROM ready WHERE r.id = ready.old AND r.state = 'live'
         )
         UPDATE revisions r SET state = 'live', ended_at = clock_timestamp() FROM ready WHERE r.id = ready.id
         RETURNING r.document_id, ready.old",
        ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let replaced: Vec<Uuid> =
        flipped.iter().filter(|row| row.old.is_some()).map(|row| row.document_id).collect();
    if replaced.is_empty() {
        return Ok(());
    }
    let old: Vec<Uuid> = flipped.iter().filter_map(|row| row.old).collect();
    batches::cancel(conn, &old).await?;
    tombstones::retire(conn, &replaced).await
}

/// Gives building revisions up: a batch of theirs cannot be embedded. What was live stays live. The caller holds
/// the documents' locks.
pub(crate) async fn fail(conn: &mut PgConnection, failed: &[(Uuid, String)]) -> Result<(), Error> {
    if failed.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = failed.iter().map(|(id, _)| *id).collect();
    let errors: Vec<String> = failed.iter().map(|(_, error)| error.clone()).collect();
    let rows = sqlx::query!(
        "UPDATE revisions r SET state = 'failed', last_error = f.error, ended_at = clock_timestamp()
         FROM unnest($1::uuid[], $2::text[]) AS f(id, error)
         WHERE r.id = f.id AND r.state = 'building' RETURNING r.id, r.document_id",
        &ids,
        &errors
    )
    .fetch_all(&mut *conn)
    .await?;
    // A live revision whose batch failed in another generation keeps its other batches.
    let ended: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let homes: Vec<Uuid> = rows.iter().map(|row| row.document_id).collect();
    batches::cancel(conn, &ended).await?;
    tombstones::retire(conn, &homes).await
}

/// Gives up what has been building for longer than `limit` and is not being worked on. Returns how many.
pub(crate) async fn give_up_old(ledger: &Ledger, limit: Duration) -> Result<usize, Error> {
    let old = sqlx::query!(
        "SELECT id, document_id FROM revisions
         WHERE state = 'building' AND created_at < clock_timestamp() - $1 * interval '1 second'
           AND (lease_until IS NULL OR lease_until < clock_timestamp())
           AND NOT EXISTS (SELECT 1 FROM ingestions i WHERE i.id = queue AND i.state = 'paused') LIMIT 100",
        seconds(limit)
    )
    .fetch_all(&ledger.pool)
    .await?;
    if old.is_empty() {
        return Ok(0);
    }
    let mut tx = ledger.begin().await?;
    generations::lock_shared(&mut tx).await?;
    let homes: Vec<Uuid> = old.iter().map(|row| row.document_id).collect();
    documents::lock(&mut tx, &homes).await?;
    let failed: Vec<(Uuid, String)> = sqlx::query!(
        r#"UPDATE revisions SET owner = NULL, lease_until = NULL, issued_at = NULL
           WHERE id = ANY($1) AND state = 'building'
             AND created_at < clock_timestamp() - $2 * interval '1 second'
             AND (lease_until IS NULL OR lease_until < clock_timestamp())
           RETURNING id, 'not indexed in time' || coalesce(': ' || last_error, '') AS "error!""#,
        &old.iter().map(|row| row.id).collect::<Vec<_>>(),
        seconds(limit)
    )
    .fetch_all(&mut *tx)
    .await?
    .into_iter()
    .map(|row| (row.id, row.error))
    .collect();
    fail(&mut tx, &failed).await?;
    tx.commit().await?;
    Ok(failed.len())
}

/// Drives a failed revision again, from the file or from its extracted text. `false`: there is no failed revision
/// with this id that is still wanted.
pub(crate) async fn redrive(ledger: &Ledger, id: RevisionId) -> Result<bool, Error> {
    let mut tx = ledger.begin().await?;
    generations::lock_shared(&mut tx).await?;
    documents::lock_of(&mut tx, &[id.0]).await?;
    let again = sqlx::query!(
        "UPDATE revisions r SET state = 'building', stage = $2, attempts = 0, claims = 0, issues = 0,
             not_before = clock_timestamp(), created_at = clock_timestamp(), ended_at = NULL, issued_at = NULL
         FROM documents d
         WHERE r.id = $1 AND r.state = 'failed' AND d.id = r.document_id AND d.wanted_revision = r.id
           AND (r.content IS NOT NULL OR EXISTS (SELECT 1 FROM revision_bytes b WHERE b.revision_id = r.id))",
        id.0,
        EXTRACT
    )
    .execute(&mut *tx)
    .await?;
    if again.rows_affected() == 0 {
        return Ok(false);
    }
    // Its chunks were retired when it failed; it gets others.
    sqlx::query!("DELETE FROM revision_chunks WHERE revision_id = $1", id.0).execute(&mut *tx).await?;
    sqlx::query!("DELETE FROM revision_builds WHERE revision_id = $1", id.0).execute(&mut *tx).await?;
    sqlx::query!(
        "UPDATE embed_batches SET state = 'cancelled' WHERE revision_id = $1 AND state = 'failed'",
        id.0
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(true)
}

/// Gives every live document a new revision made from its extracted text, for a changed chunker. Returns how many.
/// At most `limit` at a time; those done already are recognised by `queue`.
///
/// # Errors
/// [`Error`].
pub async fn chunk_anew(ledger: &Ledger, queue: Uuid, limit: i64) -> Result<u64, Error> {
    let mut tx = ledger.begin().await?;
    generations::lock_shared(&mut tx).await?;
    let homes = sqlx::query_scalar!(
        "SELECT d.id FROM documents d
         WHERE d.live_revision IS NOT NULL AND d.live_revision = d.wanted_revision
           AND NOT EXISTS (SELECT 1 FROM revisions r WHERE r.document_id = d.id AND r.queue = $1)
         ORDER BY d.id LIMIT $2 FOR NO KEY UPDATE",
        queue,
        limit
    )
    .fetch_all(&mut *tx)
    .await?;
    let made = sqlx::query!(
        "WITH made AS (
             INSERT INTO revisions (id, document_id, queue, number, hash, size, title, url, tags, content, stage, state)
             SELECT gen_random_uuid(), d.id, $2, d.revisions + 1, r.hash, r.size, r.title, r.url, r.tags, r.content,
                    $3, 'building'
             FROM documents d JOIN revisions r ON r.id = d.live_revision
             WHERE d.id = ANY($1) AND d.live_revision = d.wanted_revision AND r.content IS NOT NULL
             RETURNING id, document_id
         )
         UPDATE documents d SET wanted_revision = made.id, revisions = d.revisions + 1
         FROM made WHERE d.id = made.document_id",
        &homes,
        queue,
        EXTRACT
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(made.rows_affected())
}

/// Revisions that are being built.
///
/// # Errors
/// [`Error`].
pub async fn building(ledger: &Ledger) -> Result<i64, Error> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM revisions WHERE state = 'building'"#)
        .fetch_one(&ledger.pool)
        .await?)
}
