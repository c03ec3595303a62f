//! How much is accepted and not finished: what admission is decided from.

use std::time::Duration;

use crate::{Error, Ledger};

/// Work that people wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Inbox rows not yet read, messages that wait for their turn, and open turns.
    pub open: i64,
    /// Age of the oldest that nobody has begun; zero when there are none. One question that is tried again
    /// and again says nothing about the others.
    pub oldest: Duration,
}

/// # Errors
/// [`Error`].
pub async fn read(ledger: &Ledger) -> Result<Backlog, Error> {
    let row = sqlx::query!(
        "SELECT coalesce(sum(n), 0)::bigint AS \"open!\",
                coalesce(EXTRACT(EPOCH FROM clock_timestamp() - min(oldest)), 0)::float8 AS \"oldest!\"
         FROM (SELECT count(*) AS n, min(received_at) AS oldest FROM inbox WHERE state = 'waiting'
               UNION ALL
               SELECT count(*), NULL FROM messages m WHERE state = 'waiting'
                   AND NOT EXISTS (
                       SELECT 1 FROM bots b JOIN conversations c ON c.id = m.conversation_id
                       WHERE b.paused_at IS NOT NULL AND c.channel = 'telegram'
                         AND b.id::text = split_part(c.address, ':', 1))
               UNION ALL
               SELECT count(*), min(created_at) FILTER (WHERE claimed_at IS NULL)
               FROM turns WHERE state = 'active') AS work"
    )
    .fetch_one(&ledger.pool)
    .await?;
    Ok(Backlog { open: row.open, oldest: Duration::try_from_secs_f64(row.oldest).unwrap_or_default() })
}
