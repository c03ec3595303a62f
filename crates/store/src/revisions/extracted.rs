//! What an extraction leaves in the ledger.

use std::collections::{HashMap, HashSet};

use contract::RevisionId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Draft, Extracted, finish};
use crate::{Error, batches, generations};

/// The text, the chunks that are new, and the batches that embed them; a revision that leaves nothing to embed goes
/// live. The caller holds the generations' lock shared and the documents' locks.
pub(super) async fn write(conn: &mut PgConnection, extracted: &[(&Draft, &Extracted)]) -> Result<(), Error> {
    let ids: Vec<Uuid> = extracted.iter().map(|(draft, _)| draft.id.0).collect();
    write_contents(conn, extracted).await?;
    let (members, fresh) = write_chunks(conn, extracted).await?;
    let mut builds = Vec::new();
    let queues: HashMap<Uuid, Uuid> =
        sqlx::query!("SELECT id, queue FROM revisions WHERE id = ANY($1)", &ids)
            .fetch_all(&mut *conn)
            .await?
            .into_iter()
            .map(|row| (row.id, row.queue))
            .collect();
    // Where a repair embeds points of the live revision again, they may be missing still.
    let incomplete: HashSet<Uuid> = sqlx::query_scalar!(
        "SELECT r.id FROM revisions r JOIN documents d ON d.id = r.document_id
         JOIN revision_builds b ON b.revision_id = d.live_revision AND b.open_batches > 0
         JOIN index_generations g ON g.id = b.generation_id AND g.state = 'live'
         WHERE r.id = ANY($1)",
        &ids
    )
    .fetch_all(&mut *conn)
    .await?
    .into_iter()
    .collect();
    for generation in generations::current(conn).await? {
        for ((id, all), new) in ids.iter().zip(&members).zip(&fresh) {
            // What the live revision shares is in the live generation already. A generation that is being built
            // may not have it yet, and the live revision may go before it has.
            let shares = generation.state == "live" && !incomplete.contains(id);
            let chunks = if shares { new } else { all };
            builds.push(batches::Build {
                revision: RevisionId(*id),
                generation: generation.id,
                queue: queues[id],
                chunks: chunks.clone(),
            });
        }
    }
    batches::insert(conn, &builds).await?;
    finish(conn, &ids).await
}

async fn write_contents(conn: &mut PgConnection, extracted: &[(&Draft, &Extracted)]) -> Result<(), Error> {
    let ids: Vec<Uuid> = extracted.iter().map(|(draft, _)| draft.id.0).collect();
    let contents: Vec<serde_json::Value> = extracted
        .iter()
        .map(|(_, result)| serde_json::to_value(&result.content).expect("a document is plain data"))
        .collect();
    let titles: Vec<String> = extracted.iter().map(|(_, result)| result.title.clone()).collect();
    let urls: Vec<Option<String>> = extracted.iter().map(|(_, result)| result.content.url.clone()).collect();
    let tags: Vec<serde_json::Value> =
        extracted.iter().map(|(_, result)| result.content.tags.clone().into()).collect();
    let counts: Vec<i32> =
        extracted.iter().map(|(_, result)| i32::try_from(result.chunks.len()).unwrap_or(i32::MAX)).collect();
    sqlx::query!(
        "UPDATE revisions r SET content = e.content, title = e.title, url = e.url, chunks = e.chunks,
             tags = ARRAY(SELECT jsonb_array_elements_text(e.tags))
         FROM unnest($1::uuid[], $2::jsonb[], $3::text[], $4::text[], $5::jsonb[], $6::int[])
             AS e(id, content, title, url, tags, chunks)
         WHERE r.id = e.id",
        &ids,
        &contents,
        &titles,
        &urls as _,
        &tags,
        &counts
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM revision_bytes WHERE revision_id = ANY($1)", &ids).execute(conn).await?;
    Ok(())
}

/// For each revision the chunks it has and, of these, the ones that are new, both in their order. Only chunks of the
/// live revision are used again: any other may be on its way out of the index.
async fn write_chunks(
    conn: &mut PgConnection,
    extracted: &[(&Draft, &Extracted)],
) -> Result<(Vec<Vec<Uuid>>, Vec<Vec<Uuid>>), Error> {
    let homes: Vec<Uuid> = extracted.iter().map(|(draft, _)| draft.document.0).collect();
    let known: HashMap<(Uuid, Vec<u8>), Uuid> = sqlx::query!(
        "SELECT c.id, c.document_id, c.hash FROM documents d
         JOIN revision_chunks rc ON rc.revision_id = d.live_revision JOIN chunks c ON c.id = rc.chunk_id
         WHERE d.id = ANY($1)",
        &homes
    )
    .fetch_all(&mut *conn)
    .await?
    .into_iter()
    .map(|row| ((row.document_id, row.hash), row.id))
    .collect();
    let (mut members, mut fresh) = (Vec::new(), Vec::new());
    let (mut ids, mut documents, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut titles, mut headings, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut of, mut chunk, mut position) = (Vec::new(), Vec::new(), Vec::new());
    for (draft, result) in extracted {
        let (mut all, mut new) = (Vec::new(), Vec::new());
        let mut seen = HashMap::new();
        for piece in &result.chunks {
            if seen.contains_key(&piece.hash) {
                continue;
            }
            let id = known.get(&(draft.document.0, piece.hash.to_vec())).copied().unwrap_or_else(|| {
                let id = contract::ChunkId::new().0;
                ids.push(id);
                documents.push(draft.document.0);
                hashes.push(piece.hash.to_vec());
                titles.push(result.title.clone());
                headings.push(serde_json::Value::from(piece.heading.clone()));
                texts.push(piece.text.clone());
                new.push(id);
                id
            });
            seen.insert(piece.hash, id);
            of.push(draft.id.0);
            chunk.push(id);
            position.push(i32::try_from(all.len()).unwrap_or(i32::MAX));
            all.push(id);
        }
        members.push(all);
        fresh.push(new);
    }
    sqlx::query!(
        "INSERT INTO chunks (id, document_id, hash, title, heading, text)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::text[], $5::jsonb[], $6::text[])",
        &ids,
        &documents,
        &hashes,
        &titles,
        &headings,
        &texts
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO revision_chunks (revision_id, chunk_id, position)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[])",
        &of,
        &chunk,
        &position
    )
    .execute(conn)
    .await?;
    Ok((members, fresh))
}
