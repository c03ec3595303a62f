//! Embed batches: chunks of one revision on their way into one generation.

use std::collections::HashMap;

use contract::{ChunkId, GenerationId, RevisionId, Stage};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::work::{self, Claim, Outcome, Settled, Verdict};
use crate::{Error, Ledger, documents, generations, revisions};

/// The stage batches are at, for ever.
pub const EMBED: &str = "embed";

/// Chunks in one batch at the most: small enough that a killed worker repeats little, large enough that a
/// provider of embeddings is asked rarely.
const LARGEST: usize = 64;

/// Chunks of a revision that a generation needs.
#[derive(Debug, Clone)]
pub(crate) struct Build {
    pub(crate) revision: RevisionId,
    pub(crate) generation: GenerationId,
    /// Whose turn it is, for the dispatcher.
    pub(crate) queue: Uuid,
    pub(crate) chunks: Vec<Uuid>,
}

/// Writes the batches of these builds, and how many each has open. No ticket is issued: only the dispatcher does,
/// a window at a time.
pub(crate) async fn insert(conn: &mut PgConnection, builds: &[Build]) -> Result<(), Error> {
    let (mut revisions, mut generations, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut batch, mut of, mut queue, mut members) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (n, build) in builds.iter().enumerate() {
        let pieces = build.chunks.chunks(LARGEST);
        revisions.push(build.revision.0);
        generations.push(build.generation.0);
        counts.push(i32::try_from(pieces.len()).unwrap_or(i32::MAX));
        for piece in pieces {
            let id = Uuid::now_v7();
            for chunk in piece {
                batch.push(id);
                of.push(i32::try_from(n + 1).unwrap_or(i32::MAX));
                queue.push(build.queue);
                members.push(*chunk);
            }
        }
    }
    if revisions.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO revision_builds AS b (revision_id, generation_id, open_batches)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[])
         ON CONFLICT (revision_id, generation_id) DO UPDATE SET open_batches = b.open_batches + EXCLUDED.open_batches",
        &revisions,
        &generations,
        &counts
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO embed_batches (id, revision_id, generation_id, queue, chunk_ids, stage, state)
         SELECT m.batch, ($5::uuid[])[m.build], ($6::uuid[])[m.build], m.queue, array_agg(m.chunk ORDER BY m.n), $7, 'open'
         FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::uuid[])
             WITH ORDINALITY AS m(batch, build, queue, chunk, n)
         GROUP BY m.batch, m.build, m.queue",
        &batch,
        &of,
        &queue,
        &members,
        &revisions,
        &generations,
        EMBED
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the open batches of revisions that are no longer wanted. The caller holds their documents' locks.
pub(crate) async fn cancel(conn: &mut PgConnection, revisions: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        "WITH held AS (
             SELECT id FROM embed_batches WHERE revision_id = ANY($1) AND state = 'open'
             ORDER BY id FOR NO KEY UPDATE
         )
         UPDATE embed_batches b SET state = 'cancelled', issued_at = NULL, owner = NULL, lease_until = NULL,
             ended_at = clock_timestamp()
         FROM held WHERE b.id = held.id",
        revisions
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the open batches of generations that nobody searches any more. The caller holds the generations' lock alone,
/// or the generations are retired.
pub(crate) async fn cancel_of(conn: &mut PgConnection, generations: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        "WITH held AS (
             SELECT id FROM embed_batches WHERE generation_id = ANY($1) AND state = 'open'
             ORDER BY id FOR NO KEY UPDATE
         )
         UPDATE embed_batches b SET state = 'cancelled', issued_at = NULL, owner = NULL, lease_until = NULL,
             ended_at = clock_timestamp()
         FROM held WHERE b.id = held.id",
        generations
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Drives a failed batch again whose revision is still building or live. `false`: there is none.
pub(crate) async fn redrive(ledger: &Ledger, id: Uuid) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE embed_batches b SET state = 'open', attempts = 0, claims = 0, issues = 0, issued_at = NULL,
             not_before = clock_timestamp(), ended_at = NULL
         FROM revisions r, index_generations g
         WHERE b.id = $1 AND b.state = 'failed' AND r.id = b.revision_id AND r.state IN ('building', 'live')
           AND g.id = b.generation_id AND g.state IN ('building', 'live')",
        id
    )
    .execute(&ledger.pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The input of `embed`.
#[derive(Debug, Clone)]
pub struct Batch {
    pub id: Uuid,
    pub revision: RevisionId,
    pub generation: GenerationId,
    /// What the generation's vectors are made with.
    pub analyser: String,
    /// Identity of the embedder; `None`: the generation has no dense vectors.
    pub embedder: Option<String>,
    pub collection: String,
    /// The collection was made.
    pub prepared: bool,
    pub chunks: Vec<Chunk>,
}

/// A chunk as it is indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    pub id: ChunkId,
    pub title: String,
    pub heading: Vec<String>,
    pub text: String,
}

/// Loads claimed batches, in the order of the claims.
///
/// # Errors
/// [`Error`].
pub async fn load(ledger: &Ledger, claims: &[Claim]) -> Result<Vec<Option<Batch>>, Error> {
    let ids: Vec<Uuid> = claims.iter().map(|claim| claim.id).collect();
    let rows = sqlx::query!(
        r#"SELECT b.id, b.revision_id, b.generation_id, g.analyser, g.embedder, g.collection,
                  g.prepared_at IS NOT NULL AS "prepared!",
                  c.id AS chunk, c.title, c.heading, c.text
           FROM embed_batches b JOIN index_generations g ON g.id = b.generation_id
           CROSS JOIN LATERAL unnest(b.chunk_ids) WITH ORDINALITY AS m(chunk_id, n)
           JOIN chunks c ON c.id = m.chunk_id
           WHERE b.id = ANY($1) ORDER BY b.id, m.n"#,
        &ids
    )
    .fetch_all(&ledger.pool)
    .await?;
    let mut batches: HashMap<Uuid, Batch> = HashMap::with_capacity(ids.len());
    for row in rows {
        let batch = batches.entry(row.id).or_insert_with(|| Batch {
            id: row.id,
            revision: RevisionId(row.revision_id),
            generation: GenerationId(row.generation_id),
            analyser: row.analyser,
            embedder: row.embedder,
            collection: row.collection,
            prepared: row.prepared,
            chunks: Vec::new(),
        });
        batch.chunks.push(Chunk {
            id: ChunkId(row.chunk),
            title: row.title,
            heading: documents::heading(row.chunk, row.heading)?,
            text: row.text,
        });
    }
    Ok(ids.iter().map(|id| batches.remove(id)).collect())
}

/// Settles batches; a revision whose last batch this was goes live.
///
/// # Errors
/// [`Error`]; at COMMIT the outcome is unknown: read again, do not compensate.
pub async fn settle(
    ledger: &Ledger,
    stage: &Stage,
    batch: &[(Claim, Batch, Verdict<()>)],
) -> Result<Vec<Outcome>, Error> {
    let mut tx = ledger.begin().await?;
    generations::lock_shared(&mut tx).await?;
    let ending: Vec<Uuid> = batch
        .iter()
        .filter(|(_, _, verdict)| matches!(verdict, Verdict::Done(()) | Verdict::Failed { .. }))
        .map(|(_, input, _)| input.revision.0)
        .collect();
    documents::lock_of(&mut tx, &ending).await?;
    let transitions: Vec<_> = batch
        .iter()
        .map(|(claim, _, verdict)| {
            let ending = if matches!(verdict, Verdict::Done(())) { "done" } else { "failed" };
            verdict.stay(claim, stage, "open").unwrap_or_else(|| verdict.end(claim, stage, ending))
        })
        .collect();
    let settled: std::collections::HashSet<_> =
        work::settle(&mut tx, stage, &transitions).await?.iter().map(Settled::fence).collect();
    let mut outcomes = vec![Outcome::default(); batch.len()];
    let (mut done_revisions, mut done_generations, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for ((claim, input, verdict), outcome) in batch.iter().zip(&mut outcomes) {
        outcome.settled = settled.contains(&claim.fence());
        match verdict {
            Verdict::Done(()) if outcome.settled => {
                done_revisions.push(input.revision.0);
                done_generations.push(input.generation.0);
            }
            Verdict::Failed { error, .. } if outcome.settled => {
                failed.push((input.revision.0, error.clone()));
            }
            _ => {}
        }
    }
    let complete = sqlx::query_scalar!(
        r#"WITH done AS (
               SELECT revision_id, generation_id, count(*)::int AS n
               FROM unnest($1::uuid[], $2::uuid[]) AS d(revision_id, generation_id) GROUP BY 1, 2
           ), counted AS (
               UPDATE revision_builds b SET open_batches = b.open_batches - done.n FROM done
               WHERE b.revision_id = done.revision_id AND b.generation_id = done.generation_id
               RETURNING b.revision_id, b.open_batches
           )
           SELECT DISTINCT revision_id FROM counted WHERE open_batches = 0"#,
        &done_revisions,
        &done_generations
    )
    .fetch_all(&mut *tx)
    .await?;
    revisions::fail(&mut tx, &failed).await?;
    revisions::finish(&mut tx, &complete).await?;
    work::uncommitted(stage).await;
    tx.commit().await?;
    Ok(outcomes)
}
