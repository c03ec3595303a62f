//! How much is accepted and not finished: what admission is decided from.

use std::time::Duration;

use crate::{Error, Ledger};

/// Work that people wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Inbox rows not yet read plus open turns.
    pub open: i64,
    /// Age of the oldest of them; zero when there are none.
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
               SELECT count(*), min(created_at) FROM turns WHERE state = 'active') AS work"
    )
    .fetch_one(&ledger.pool)
    .await?;
    Ok(Backlog { open: row.open, oldest: Duration::try_from_secs_f64(row.oldest).unwrap_or_default() })
}
