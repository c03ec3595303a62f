//! Passages: the text behind the points of the index, as far as it may be seen. **This is where visibility is
//! decided**: a hit counts only if its chunk is in the live revision of a document, and the asker may see it.

use contract::{ChunkId, DocumentId};
use uuid::Uuid;

use crate::{Error, Ledger, documents};

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
    pub passages: Vec<Passage>,
    /// One of the hidden points belongs to a document that was replaced just now: who looked at the index before the
    /// new points came, and here after they went live, has found neither the old nor the new.
    pub replaced: bool,
}

/// Those of `points` that are visible. `audience`: the tags of which a document must carry one; `None` sees everything.
///
/// # Errors
/// [`Error`].
pub async fn visible(ledger: &Ledger, points: &[Uuid], audience: Option<&[String]>) -> Result<Seen, Error> {
    let rows = sqlx::query!(
        r#"SELECT c.id AS "id!", c.document_id AS "document_id!", rc.position AS "position?", s.name AS "source!",
                  d.path AS "path!", r.title AS "title?", c.heading AS "heading!", c.text AS "text!", r.url AS "url?"
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
           WHERE c.id = ANY($1) AND CASE
               WHEN rc.chunk_id IS NOT NULL THEN $2::text[] IS NULL OR (d.tags || r.tags) && $2
               ELSE d.live_revision IS NOT NULL AND d.updated_at > clock_timestamp() - interval '2 seconds' END"#,
        points,
        audience
    )
    .fetch_all(&ledger.pool)
    .await?;
    let mut seen = Seen::default();
    for row in rows {
        let (Some(position), Some(title)) = (row.position, row.title) else {
            seen.replaced = true;
            continue;
        };
        seen.passages.push(Passage {
            chunk: ChunkId(row.id),
            document: DocumentId(row.document_id),
            position,
            source: row.source,
            path: row.path,
            title,
            heading: documents::heading(row.id, row.heading)?,
            text: row.text,
            url: row.url,
        });
    }
    Ok(seen)
}

/// A sample of visible chunks for fitting: spread evenly over the ids, the same for the same knowledge.
///
/// # Errors
/// [`Error`].
pub async fn sample(ledger: &Ledger, limit: i64) -> Result<Vec<Passage>, Error> {
    let ids = sqlx::query_scalar!(
        "SELECT c.id FROM documents d JOIN revision_chunks rc ON rc.revision_id = d.live_revision
         JOIN chunks c ON c.id = rc.chunk_id
         ORDER BY md5(c.document_id::text || rc.position::text) LIMIT $1",
        limit
    )
    .fetch_all(&ledger.pool)
    .await?;
    let mut sample = visible(ledger, &ids, None).await?.passages;
    sample.sort_by_key(|passage| passage.chunk);
    Ok(sample)
}
