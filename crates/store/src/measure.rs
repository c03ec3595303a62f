//! What the bench and the evaluation read out of the ledger. The product itself never calls it.

use chrono::{DateTime, Utc};
use contract::{ConversationId, MessageId};
use uuid::Uuid;

use crate::{Error, Ledger};

/// One answered question, in microseconds by the database's clock.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// From the inbox row to the claim of its intake key: includes the commit of the accept. `None`: it opened its
    /// conversation, and needed no intake.
    pub intake_pickup: Option<i64>,
    /// From the opening of the turn to its claim: includes the commit of intake.
    pub answer_pickup: i64,
    /// From the inbox row to the answer's row.
    pub answered: i64,
}

/// Commits, and rows left unfinished.
#[derive(Debug, Clone, Copy)]
pub struct Totals {
    pub commits: i64,
    pub unfinished: i64,
    /// Questions with an answer.
    pub answered: i64,
    /// Questions with more than one answer: 0, always.
    pub doubled: i64,
}

/// What the answer to a question took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    pub question: MessageId,
    /// Who wrote the answer: a model as `provider/model`, or `extractive`, `none`.
    pub model: String,
    /// Of all calls of the answer together; `None`: no model wrote it.
    pub prompt_tokens: Option<u32>,
    pub completion_tokens: Option<u32>,
    /// A provider did not say, and characters were counted.
    pub estimated: bool,
}

/// The database's clock.
///
/// # Errors
/// [`Error`].
pub async fn now(ledger: &Ledger) -> Result<DateTime<Utc>, Error> {
    Ok(sqlx::query_scalar!("SELECT clock_timestamp() AS \"now!\"").fetch_one(&ledger.pool).await?)
}

/// Timings of questions accepted between two moments. Only questions that were the single one of their
/// conversation: their intake key was claimed once.
///
/// # Errors
/// [`Error`].
pub async fn timings(ledger: &Ledger, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Timing>, Error> {
    Ok(sqlx::query_as!(
        Timing,
        r#"SELECT (EXTRACT(EPOCH FROM k.claimed_at - i.received_at) * 1e6)::bigint AS intake_pickup,
                  (EXTRACT(EPOCH FROM t.claimed_at - t.created_at) * 1e6)::bigint AS "answer_pickup!",
                  (EXTRACT(EPOCH FROM a.created_at - i.received_at) * 1e6)::bigint AS "answered!"
           FROM inbox i LEFT JOIN intake_keys k ON k.id = i.key_id JOIN messages m ON m.id = i.message_id
           JOIN turns t ON t.id = m.turn_id JOIN answers a ON a.turn_id = t.id
           WHERE i.received_at BETWEEN $1 AND $2"#,
        from,
        to
    )
    .fetch_all(&ledger.pool)
    .await?)
}

/// Conversations over REST, of the first key there is, in which nothing was said yet: what is asked in them takes the long
/// way.
///
/// # Errors
/// [`Error`].
pub async fn conversations(ledger: &Ledger, count: usize) -> Result<Vec<ConversationId>, Error> {
    let ids: Vec<Uuid> = (0..count).map(|_| ConversationId::new().0).collect();
    sqlx::query!(
        "INSERT INTO conversations (id, channel, owner_key)
         SELECT g.id, 'rest', (SELECT id FROM api_keys ORDER BY created_at LIMIT 1) FROM unnest($1::uuid[]) AS g(id)",
        &ids
    )
    .execute(&ledger.pool)
    .await?;
    Ok(ids.into_iter().map(ConversationId).collect())
}

/// What the answers to some questions took. Questions without an answer, or of another ledger, are left out.
///
/// # Errors
/// [`Error`].
pub async fn spent(ledger: &Ledger, questions: &[MessageId]) -> Result<Vec<Spent>, Error> {
    let ids: Vec<Uuid> = questions.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        "SELECT m.id, a.model, a.prompt_tokens, a.completion_tokens, a.tokens_estimated
           FROM messages m JOIN answers a ON a.turn_id = m.turn_id WHERE m.id = ANY($1)",
        &ids
    )
    .fetch_all(&ledger.pool)
    .await?;
    let tokens = |count: Option<i32>| count.and_then(|count| u32::try_from(count).ok());
    Ok(rows
        .into_iter()
        .map(|row| Spent {
            question: MessageId(row.id),
            model: row.model,
            prompt_tokens: tokens(row.prompt_tokens),
            completion_tokens: tokens(row.completion_tokens),
            estimated: row.tokens_estimated.unwrap_or(false),
        })
        .collect())
}

/// # Errors
/// [`Error`].
pub async fn totals(ledger: &Ledger) -> Result<Totals, Error> {
    // Counters of other sessions reach the statistics once a second; the caller waits.
    Ok(sqlx::query_as!(
        Totals,
        r#"SELECT (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()) AS "commits!",
                  (SELECT count(*) FROM inbox WHERE state = 'waiting')
                      + (SELECT count(*) FROM turns WHERE state = 'active') AS "unfinished!",
                  (SELECT count(*) FROM answers) AS "answered!",
                  (SELECT count(*) FROM (SELECT 1 FROM messages m JOIN turns t ON t.id = m.turn_id
                      JOIN answers a ON a.turn_id = t.id GROUP BY m.id HAVING count(*) > 1) AS d) AS "doubled!""#
    )
    .fetch_one(&ledger.pool)
    .await?)
}

/// Has statements counted from the server's next start on (`pg_stat_statements`, which comes with
/// PostgreSQL). For a private cluster only: it changes the server.
///
/// # Errors
/// [`Error`], also when the extension is not installed or we may not change the server.
pub async fn count_statements(ledger: &Ledger) -> Result<(), Error> {
    sqlx::query("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
        .execute(&ledger.pool)
        .await?;
    sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").execute(&ledger.pool).await?;
    Ok(())
}

/// Statements executed so far, transaction control included.
///
/// # Errors
/// [`Error`], also when they are not counted.
pub async fn statements(ledger: &Ledger) -> Result<i64, Error> {
    Ok(sqlx::query_scalar("SELECT sum(calls)::bigint FROM pg_stat_statements")
        .fetch_one(&ledger.pool)
        .await?)
}
