//! Files come in: each becomes a revision, unless its content is known.

use std::collections::HashMap;

use contract::{DocumentId, IngestionId, RevisionId};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::revisions::EXTRACT;
use crate::{Error, Ledger, documents, generations, tombstones};

/// Bytes of a file in one row: large enough for nearly every document, small enough for the ledger's memory.
const PART: usize = 1024 * 1024;

/// Bytes of files in one statement at the most: it is copied once more on its way.
const STATEMENT: usize = 4 * 1024 * 1024;

/// A file as it was sent.
#[derive(Debug, Clone)]
pub struct File {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// What a file led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub path: String,
    pub document: DocumentId,
    pub revision: RevisionId,
    /// A new revision; otherwise its content was known.
    pub fresh: bool,
}

/// Why files were not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    #[error("no such ingestion")]
    Unknown,
    #[error("the ingestion was cancelled: open another one")]
    Cancelled,
    #[error(transparent)]
    Ledger(#[from] Error),
}

struct Home {
    id: Uuid,
    wanted: Option<Revision>,
    live: Option<Revision>,
    revisions: i32,
}

struct Revision {
    id: Uuid,
    hash: Vec<u8>,
    state: String,
}

/// Takes files of an ingestion, all in one transaction. A path may be sent that was not listed.
///
/// # Errors
/// [`ReceiveError`].
pub async fn receive(
    ledger: &Ledger,
    ingestion: IngestionId,
    files: &[File],
) -> Result<Vec<Received>, ReceiveError> {
    let mut tx = ledger.begin().await?;
    generations::lock_shared(&mut tx).await?;
    let row =
        sqlx::query!("SELECT source_id, state, tags FROM ingestions WHERE id = $1 FOR SHARE", ingestion.0)
            .fetch_optional(&mut *tx)
            .await
            .map_err(Error::from)?
            .ok_or(ReceiveError::Unknown)?;
    if row.state == "cancelled" {
        return Err(ReceiveError::Cancelled);
    }
    // The last file of a path counts, as in any upload.
    let by_path: HashMap<&str, &File> = files.iter().map(|file| (file.path.as_str(), file)).collect();
    let homes = homes(&mut tx, row.source_id, &row.tags, by_path.keys().copied()).await?;
    let mut received = Vec::with_capacity(by_path.len());
    let mut fresh = Vec::new();
    // Back to what is live: what was on its way is superseded.
    let mut back = Vec::new();
    for (path, file) in &by_path {
        let hash: [u8; 32] = Sha256::digest(&file.bytes).into();
        let home = &homes[*path];
        let same = |revision: &&Revision| revision.hash == hash;
        // Failed ones too: the same bytes would fail again, and a human can drive them again.
        let known = home.wanted.as_ref().filter(same).filter(|revision| revision.state != "superseded");
        let revision = if let Some(known) = known {
            known.id
        } else if let Some(live) = home.live.as_ref().filter(same) {
            back.push((home.id, live.id));
            live.id
        } else {
            let id = RevisionId::new();
            fresh.push(New { id, home, hash, bytes: &file.bytes });
            id.0
        };
        received.push(Received {
            path: (*path).to_owned(),
            document: DocumentId(home.id),
            revision: RevisionId(revision),
            fresh: fresh.last().is_some_and(|new| new.id.0 == revision),
        });
    }
    insert(&mut tx, ingestion, &fresh).await?;
    want(&mut tx, &fresh, &back).await?;
    link(&mut tx, ingestion, &received).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(received)
}

/// The documents of these paths, made where there are none (or made again), locked, and as they are under the lock.
async fn homes<'a>(
    conn: &mut PgConnection,
    source: Uuid,
    tags: &[String],
    paths: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, Home>, Error> {
    let mut paths: Vec<String> = paths.map(str::to_owned).collect();
    paths.sort_unstable();
    let ids: Vec<Uuid> = paths.iter().map(|_| DocumentId::new().0).collect();
    sqlx::query!(
        "INSERT INTO documents (id, source_id, path, tags)
         SELECT n.id, $1, n.path, $4 FROM unnest($2::uuid[], $3::text[]) AS n(id, path) ORDER BY n.path
         ON CONFLICT (source_id, path) DO NOTHING",
        source,
        &ids,
        &paths,
        tags
    )
    .execute(&mut *conn)
    .await?;
    let known = sqlx::query_scalar!(
        "SELECT id FROM documents WHERE source_id = $1 AND path = ANY($2)",
        source,
        &paths
    )
    .fetch_all(&mut *conn)
    .await?;
    documents::lock(conn, &known).await?;
    sqlx::query!(
        "UPDATE documents SET tags = $2 WHERE id = ANY($1) AND live_revision IS NULL AND tags <> $2",
        &known,
        tags
    )
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"SELECT d.id AS "id!", d.path AS "path!", d.revisions AS "revisions!", w.id AS "wanted?", w.hash AS "wanted_hash?", w.state AS "wanted_state?",
                  l.id AS "live?", l.hash AS "live_hash?", l.state AS "live_state?"
           FROM documents d LEFT JOIN revisions w ON w.id = d.wanted_revision
           LEFT JOIN revisions l ON l.id = d.live_revision
           WHERE d.id = ANY($1)"#,
        &known
    )
    .fetch_all(conn)
    .await?;
    let revision = |id: Option<Uuid>, hash: Option<Vec<u8>>, state: Option<String>| {
        Some(Revision { id: id?, hash: hash?, state: state? })
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            let home = Home {
                id: row.id,
                wanted: revision(row.wanted, row.wanted_hash, row.wanted_state),
                live: revision(row.live, row.live_hash, row.live_state),
                revisions: row.revisions,
            };
            (row.path, home)
        })
        .collect())
}

struct New<'a> {
    id: RevisionId,
    home: &'a Home,
    hash: [u8; 32],
    bytes: &'a [u8],
}

/// Without a ticket: only the dispatcher issues those of documents, a window at a time.
async fn insert(conn: &mut PgConnection, ingestion: IngestionId, fresh: &[New<'_>]) -> Result<(), Error> {
    if fresh.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = fresh.iter().map(|new| new.id.0).collect();
    let homes: Vec<Uuid> = fresh.iter().map(|new| new.home.id).collect();
    let numbers: Vec<i32> = fresh.iter().map(|new| new.home.revisions + 1).collect();
    let hashes: Vec<Vec<u8>> = fresh.iter().map(|new| new.hash.to_vec()).collect();
    let sizes: Vec<i64> =
        fresh.iter().map(|new| i64::try_from(new.bytes.len()).unwrap_or(i64::MAX)).collect();
    sqlx::query!(
        "INSERT INTO revisions (id, document_id, queue, number, hash, size, stage, state)
         SELECT n.id, n.document_id, $1, n.number, n.hash, n.size, $7, 'building'
         FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::bytea[], $6::bigint[])
             AS n(id, document_id, number, hash, size)",
        ingestion.0,
        &ids,
        &homes,
        &numbers,
        &hashes,
        &sizes,
        EXTRACT
    )
    .execute(&mut *conn)
    .await?;
    for group in Parts::groups(fresh) {
        group.insert(conn).await?;
    }
    Ok(())
}

/// Parts of files that go with one statement.
#[derive(Default)]
struct Parts<'a> {
    size: usize,
    of: Vec<Uuid>,
    number: Vec<i32>,
    bytes: Vec<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn groups(fresh: &[New<'a>]) -> Vec<Self> {
        let mut groups = vec![Self::default()];
        for new in fresh {
            for (bytes, number) in new.bytes.chunks(PART).zip(0..) {
                if groups.last().is_some_and(|last| last.size + bytes.len() > STATEMENT) {
                    groups.push(Self::default());
                }
                if let Some(last) = groups.last_mut() {
                    last.size += bytes.len();
                    last.of.push(new.id.0);
                    last.number.push(number);
                    last.bytes.push(bytes);
                }
            }
        }
        groups
    }

    async fn insert(self, conn: &mut PgConnection) -> Result<(), Error> {
        sqlx::query!(
            "INSERT INTO revision_bytes (revision_id, part, bytes)
             SELECT * FROM unnest($1::uuid[], $2::int[], $3::bytea[])",
            &self.of,
            &self.number,
            &self.bytes as &[&[u8]]
        )
        .execute(conn)
        .await?;
        Ok(())
    }
}

/// Makes the new revisions wanted, and takes back what is no longer. The documents are locked.
async fn want(conn: &mut PgConnection, fresh: &[New<'_>], back: &[(Uuid, Uuid)]) -> Result<(), Error> {
    let mut homes: Vec<Uuid> = fresh.iter().map(|new| new.home.id).collect();
    let mut wanted: Vec<Uuid> = fresh.iter().map(|new| new.id.0).collect();
    let mut counts: Vec<i32> = vec![1; homes.len()];
    for (home, live) in back {
        homes.push(*home);
        wanted.push(*live);
        counts.push(0);
    }
    if homes.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE documents d SET wanted_revision = n.wanted, revisions = d.revisions + n.one, deleted_at = NULL,
             updated_at = clock_timestamp()
         FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS n(id, wanted, one) WHERE d.id = n.id",
        &homes,
        &wanted,
        &counts
    )
    .execute(&mut *conn)
    .await?;
    let changed: Vec<Uuid> = fresh
        .iter()
        .filter(|new| new.home.revisions > 0)
        .map(|new| new.home.id)
        .chain(back.iter().map(|(home, _)| *home))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    documents::supersede(conn, &changed, &wanted).await?;
    tombstones::retire(conn, &changed).await
}

async fn link(conn: &mut PgConnection, ingestion: IngestionId, received: &[Received]) -> Result<(), Error> {
    let paths: Vec<String> = received.iter().map(|one| one.path.clone()).collect();
    let revisions: Vec<Uuid> = received.iter().map(|one| one.revision.0).collect();
    sqlx::query!(
        "INSERT INTO ingestion_files (ingestion_id, path, revision_id)
         SELECT $1, n.path, n.revision FROM unnest($2::text[], $3::uuid[]) AS n(path, revision) ORDER BY n.path
         ON CONFLICT (ingestion_id, path) DO UPDATE SET revision_id = EXCLUDED.revision_id",
        ingestion.0,
        &paths,
        &revisions
    )
    .execute(conn)
    .await?;
    Ok(())
}
