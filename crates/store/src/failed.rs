//! Work that was given up: listed, shown, and driven again.

use chrono::{DateTime, Utc};
use contract::{Kind, RevisionId, Ticket, TurnId};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::accept::INTAKE;
use crate::{Error, Ledger, batches, conversations, outbound, revisions, turns};

/// One piece of failed work. Its id is the question's for an inbox row, the row's own otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Failed {
    pub kind: String,
    pub id: Uuid,
    pub stage: String,
    pub state: String,
    pub attempts: i32,
    pub error: Option<String>,
    pub since: DateTime<Utc>,
}

/// Failed work, newest first; `held` and `unknown` sends are among it.
///
/// # Errors
/// [`Error`].
pub async fn list(ledger: &Ledger, limit: i64) -> Result<Vec<Failed>, Error> {
    Ok(sqlx::query_as!(
        Failed,
        r#"SELECT kind AS "kind!", id AS "id!", stage AS "stage!", state AS "state!", attempts AS "attempts!",
                  error, since AS "since!"
           FROM (
               (SELECT 'inbox' AS kind, message_id AS id, $2::text AS stage, state, 0 AS attempts,
                       last_error AS error, received_at AS since
                FROM inbox WHERE state = 'failed' ORDER BY inbox.id DESC LIMIT $1)
               UNION ALL
               (SELECT 'turn', id, stage, state, attempts, last_error, created_at
                FROM turns WHERE state = 'failed' ORDER BY created_at DESC LIMIT $1)
               UNION ALL
               (SELECT 'escalation', id, stage, state, attempts, last_error, created_at
                FROM escalations WHERE state = 'failed' ORDER BY created_at DESC LIMIT $1)
               UNION ALL
               (SELECT 'revision', id, stage, state, attempts, last_error, created_at
                FROM revisions WHERE state = 'failed' ORDER BY created_at DESC LIMIT $1)
               UNION ALL
               (SELECT 'embed_batch', id, stage, state, attempts, last_error, created_at
                FROM embed_batches WHERE state = 'failed' ORDER BY created_at DESC LIMIT $1)
               UNION ALL
               (SELECT 'outbound', id, stage, state, attempts, last_error, created_at
                FROM outbound WHERE state IN ('failed', 'held', 'unknown') ORDER BY created_at DESC LIMIT $1)
           ) AS work ORDER BY since DESC, id LIMIT $1"#,
        limit,
        INTAKE
    )
    .fetch_all(&ledger.pool)
    .await?)
}

/// The whole row, without what people wrote.
///
/// # Errors
/// [`Error`].
pub async fn show(ledger: &Ledger, id: Uuid) -> Result<Option<Value>, Error> {
    let row = sqlx::query_scalar!(
        r#"SELECT row AS "row!" FROM (
               SELECT to_jsonb(i) - 'payload' AS row FROM inbox i WHERE message_id = $1
               UNION ALL SELECT to_jsonb(t) FROM turns t WHERE id = $1
               UNION ALL SELECT to_jsonb(e) FROM escalations e WHERE id = $1
               UNION ALL SELECT to_jsonb(r) - 'content' FROM revisions r WHERE id = $1
               UNION ALL SELECT to_jsonb(b) FROM embed_batches b WHERE id = $1
               UNION ALL SELECT to_jsonb(o) - 'text' - 'content' FROM outbound o WHERE id = $1
           ) AS found LIMIT 1"#,
        id
    )
    .fetch_optional(&ledger.pool)
    .await?;
    Ok(row)
}

/// Drives failed work again, with its counters at 0: a poison update back into its queue, the messages of a
/// failed turn into a new turn, a failed or held send back to ready, a failed revision back to its extraction (its
/// batches with it). `None`: nothing failed has this id.
/// Returns tickets to publish.
///
/// An `unknown` send is driven again only here, by a human who knows that it did not arrive. Placeholders and
/// repeated edits are not: the answer they belong to has gone its own way.
///
/// # Errors
/// [`Error`].
pub async fn redrive(ledger: &Ledger, id: Uuid) -> Result<Option<Vec<Ticket>>, Error> {
    if let Some(tickets) = turns::redrive(ledger, TurnId(id)).await? {
        return Ok(Some(tickets));
    }
    // The dispatcher issues the ticket: those of documents go out a window at a time.
    if revisions::redrive(ledger, RevisionId(id)).await? || batches::redrive(ledger, id).await? {
        return Ok(Some(Vec::new()));
    }
    if let Some(tickets) = redrive_inbox(ledger, id).await? {
        return Ok(Some(tickets));
    }
    redrive_outbound(ledger, id).await
}

async fn redrive_inbox(ledger: &Ledger, id: Uuid) -> Result<Option<Vec<Ticket>>, Error> {
    let row = sqlx::query!(
        r#"WITH again AS (
               UPDATE inbox SET state = 'waiting', last_error = NULL
               WHERE message_id = $1 AND state = 'failed' RETURNING key_id
           )
           UPDATE intake_keys k
           SET pending = k.pending + 1, state = 'ready', attempts = 0, claims = 0,
               issued_at = coalesce(k.issued_at, CASE WHEN k.owner IS NULL THEN clock_timestamp() END)
           FROM again WHERE k.id = again.key_id RETURNING k.id, k.issued_at"#,
        id
    )
    .fetch_optional(&ledger.pool)
    .await?;
    Ok(row.map(|row| {
        row.issued_at
            .map(|at| Ticket::new(Kind::IntakeKey, row.id, INTAKE, at.timestamp_micros()))
            .into_iter()
            .collect()
    }))
}

async fn redrive_outbound(ledger: &Ledger, id: Uuid) -> Result<Option<Vec<Ticket>>, Error> {
    let Some(conversation) = sqlx::query_scalar!(
        "SELECT conversation_id FROM outbound
         WHERE id = $1 AND state IN ('failed', 'held', 'unknown') AND kind NOT IN ('placeholder', 'repeat')",
        id
    )
    .fetch_optional(&ledger.pool)
    .await?
    else {
        return Ok(None);
    };
    let mut tx = ledger.begin().await?;
    conversations::lock(&mut tx, &[conversation]).await?;
    sqlx::query!(
        "UPDATE outbound SET state = 'waiting', attempts = 0, claims = 0, unknowns = 0, ended_at = NULL,
             created_at = clock_timestamp()
         WHERE id = $1 AND state IN ('failed', 'held', 'unknown')",
        id
    )
    .execute(&mut *tx)
    .await?;
    let tickets = outbound::promote(&mut tx, &[conversation]).await?;
    tx.commit().await?;
    Ok(Some(tickets))
}
