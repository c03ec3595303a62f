//! Passages: the text behind the points of the index, as far as it may be seen. **This is where visibility is
//! decided**: a hit counts only if its chunk is in the live revision of a document, and the asker may see it.

mod remembered;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use contract::{ChunkId, DocumentId};
use uuid::Uuid;

use crate::{Error, Ledger, documents};
use remembered::Known;
pub use remembered::Remembered;

/// A chunk that search may show.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    pub chunk: ChunkId,
    pub document: DocumentId,
    /// Of the chunk in its revision, from 0.
    pub position: i32,
    pub source: String,
    pub path: String,
    pub title: String,
    pub heading: Vec<String>,
    pub text: String,
    pub url: Option<String>,
}

/// What may be seen of some points.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// In no order.
    pub passages: Vec<Arc<Passage>>,
    /// One of the hidden points belongs to a document that was replaced just now: who looked at the index before the
    /// new points came, and here after they went live, has found neither the old nor the new.
    pub replaced: bool,
}

/// Those of `points` that are visible. `audience`: the tags of which a document must carry one; `None` sees everything.
/// Passages that are remembered are not read again; whether they are visible always is.
///
/// # Errors
/// [`Error`].
pub async fn visible(
    ledger: &Ledger,
    points: &[Uuid],
    audience: Option<&[String]>,
    remembered: &Remembered,
) -> Result<Seen, Error> {
    let known: Vec<Arc<Known>> = points.iter().filter_map(|id| remembered.get(*id)).collect();
    let ids: HashSet<Uuid> = known.iter().map(|known| known.passage.chunk.0).collect();
    let unknown: Vec<Uuid> = points.iter().copied().filter(|id| !ids.contains(id)).collect();
    let (seen, is_current) = look(ledger, &known, &unknown, audience, remembered).await?;
    if is_current {
        return Ok(seen);
    }
    // A document was replaced since. All of it anew, in one statement: what is shown belongs together.
    Ok(look(ledger, &[], points, audience, remembered).await?.0)
}

/// Asks for documents of what is known, and for all of what is not, in one statement: two would see a document that is
/// replaced between them half old and half new. `false`: some of what was known is of a revision that is not live.
async fn look(
    ledger: &Ledger,
    known: &[Arc<Known>],
    unknown: &[Uuid],
    audience: Option<&[String]>,
    remembered: &Remembered,
) -> Result<(Seen, bool), Error> {
    let mut documents: Vec<Uuid> = known.iter().map(|known| known.passage.document.0).collect();
    documents.sort_unstable();
    documents.dedup();
    let mut seen = Seen::default();
    let live = if unknown.is_empty() {
        live(ledger, &documents).await?
    } else {
        read(ledger, &documents, unknown, audience, remembered, &mut seen).await?
    };
    let mut is_current = true;
    for known in known {
        match live.get(&known.passage.document.0) {
            Some((Some(revision), tags)) if *revision == known.revision => {
                if may_see(audience, tags.iter().chain(&known.tags)) {
                    seen.passages.push(Arc::clone(&known.passage));
                }
            }
            _ => {
                remembered.forget(known.passage.chunk.0);
                is_current = false;
            }
        }
    }
    Ok((seen, is_current))
}

/// The live revision of documents, and their tags.
type Live = HashMap<Uuid, (Option<Uuid>, Vec<String>)>;

/// In the usual case, where all is known, in the smallest of statements.
async fn live(ledger: &Ledger, documents: &[Uuid]) -> Result<Live, Error> {
    let rows = sqlx::query!("SELECT id, live_revision, tags FROM documents WHERE id = ANY($1)", documents);
    let rows = rows.fetch_all(&ledger.pool).await?;
    Ok(rows.into_iter().map(|row| (row.id, (row.live_revision, row.tags))).collect())
}

/// The same, and what may be seen of unknown chunks, which are remembered from now on.
async fn read(
    ledger: &Ledger,
    documents: &[Uuid],
    unknown: &[Uuid],
    audience: Option<&[String]>,
    remembered: &Remembered,
    seen: &mut Seen,
) -> Result<Live, Error> {
    let rows = sqlx::query!(
        r#"SELECT d.id AS "document_id!", d.live_revision, d.tags AS "document_tags!", NULL::uuid AS "id?",
                  NULL::int AS "position?", NULL::text AS "source?", NULL::text AS "path?", NULL::text AS "title?",
                  NULL::text AS "url?", NULL::text[] AS "tags?", NULL::jsonb AS "heading?", NULL::text AS "text?"
           FROM documents d WHERE d.id = ANY($1)
           UNION ALL
           SELECT d.id, d.live_revision, d.tags, c.id, rc.position, s.name, d.path, r.title, r.url, r.tags, c.heading, c.text
           FROM chunks c
           JOIN documents d ON d.id = c.document_id
           JOIN sources s ON s.id = d.source_id
           -- Apart, so that the chunk is looked up by its whole key: a plan made while documents were small would read
           -- all chunks of a book for each of them.
           LEFT JOIN LATERAL (
               SELECT k.chunk_id, k.position FROM revision_chunks k
               WHERE k.revision_id = d.live_revision AND k.chunk_id = c.id OFFSET 0
           ) AS rc ON true
           LEFT JOIN revisions r ON r.id = d.live_revision
           WHERE c.id = ANY($2) AND CASE
               WHEN rc.chunk_id IS NOT NULL THEN $3::text[] IS NULL OR (d.tags || r.tags) && $3
               ELSE d.live_revision IS NOT NULL AND d.updated_at > clock_timestamp() - interval '2 seconds' END"#,
        documents,
        unknown,
        audience
    )
    .fetch_all(&ledger.pool)
    .await?;
    let mut live = HashMap::with_capacity(documents.len());
    for row in rows {
        let (Some(id), Some(heading), Some(text)) = (row.id, row.heading, row.text) else {
            live.insert(row.document_id, (row.live_revision, row.document_tags));
            continue;
        };
        let (Some(revision), Some(position), Some(title)) = (row.live_revision, row.position, row.title)
        else {
            seen.replaced = true;
            continue;
        };
        let passage = Arc::new(Passage {
            chunk: ChunkId(id),
            document: DocumentId(row.document_id),
            position,
            source: row.source.unwrap_or_default(),
            path: row.path.unwrap_or_default(),
            title,
            heading: documents::heading(id, heading)?,
            text,
            url: row.url,
        });
        remembered.keep(Known {
            revision,
            tags: row.tags.unwrap_or_default(),
            passage: Arc::clone(&passage),
        });
        seen.passages.push(passage);
    }
    Ok(live)
}

fn may_see<'a>(audience: Option<&[String]>, mut tags: impl Iterator<Item = &'a String>) -> bool {
    audience.is_none_or(|audience| tags.any(|tag| audience.contains(tag)))
}

/// A sample of visible chunks for fitting: spread evenly over the ids, the same for the same knowledge.
///
/// # Errors
/// [`Error`].
pub async fn sample(ledger: &Ledger, limit: i64, remembered: &Remembered) -> Result<Vec<Passage>, Error> {
    let ids = sqlx::query_scalar!(
        "SELECT c.id FROM documents d JOIN revision_chunks rc ON rc.revision_id = d.live_revision
         JOIN chunks c ON c.id = rc.chunk_id
         ORDER BY md5(c.document_id::text || rc.position::text) LIMIT $1",
        limit
    )
    .fetch_all(&ledger.pool)
    .await?;
    let seen = visible(ledger, &ids, None, remembered).await?;
    let mut sample: Vec<Passage> = seen.passages.into_iter().map(Arc::unwrap_or_clone).collect();
    sample.sort_by_key(|passage| passage.chunk);
    Ok(sample)
}
