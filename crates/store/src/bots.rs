//! Bots: what every process must know of them, and what they share.

use std::time::Duration;

use crate::work::seconds;
use crate::{Error, Ledger};

/// A row of `bots`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bot {
    /// Telegram's id.
    pub id: i64,
    /// Without the `@`.
    pub username: String,
    pub name: String,
    /// The notice while it is paused; an empty one stands for the usual words.
    pub paused: Option<String>,
}

/// Makes a bot known, as Telegram describes it; `audience`: tags of the documents its people may see.
///
/// # Errors
/// [`Error`].
pub async fn register(
    ledger: &Ledger,
    id: i64,
    username: &str,
    name: &str,
    audience: Option<&[String]>,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO bots (id, username, name, audience) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET username = $2, name = $3, audience = $4, seen_at = clock_timestamp()",
        id,
        username,
        name,
        audience
    )
    .execute(&ledger.pool)
    .await?;
    Ok(())
}

/// `None`: it was never seen; ingress registers it when it first reaches Telegram.
///
/// # Errors
/// [`Error`].
pub async fn get(ledger: &Ledger, id: i64) -> Result<Option<Bot>, Error> {
    let row = sqlx::query!(
        r#"SELECT username, name, CASE WHEN paused_at IS NOT NULL THEN coalesce(pause_notice, '') END AS paused
           FROM bots WHERE id = $1"#,
        id
    )
    .fetch_optional(&ledger.pool)
    .await?;
    Ok(row.map(|row| Bot { id, username: row.username, name: row.name, paused: row.paused }))
}

/// No turn opens while a bot is paused; people are told so, and answered when it goes on. `notice`: other words than
/// the usual. `false`: no such bot.
///
/// # Errors
/// [`Error`].
pub async fn pause(ledger: &Ledger, id: i64, notice: Option<&str>) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE bots SET paused_at = coalesce(paused_at, clock_timestamp()), pause_notice = $2 WHERE id = $1",
        id,
        notice
    )
    .execute(&ledger.pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The bot goes on; the dispatcher opens the turns that wait. `false`: no such bot.
///
/// # Errors
/// [`Error`].
pub async fn resume(ledger: &Ledger, id: i64) -> Result<bool, Error> {
    let done = sqlx::query!("UPDATE bots SET paused_at = NULL, pause_notice = NULL WHERE id = $1", id)
        .execute(&ledger.pool)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether `owner` may poll for the next `lease`: Telegram lets one poller in at a time.
///
/// # Errors
/// [`Error`].
pub async fn may_poll(ledger: &Ledger, id: i64, owner: &str, lease: Duration) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE bots SET poller = $2, poller_until = clock_timestamp() + $3 * interval '1 second'
         WHERE id = $1 AND (poller = $2 OR poller_until IS NULL OR poller_until < clock_timestamp())",
        id,
        owner,
        seconds(lease)
    )
    .execute(&ledger.pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The poller goes, and another may come at once.
///
/// # Errors
/// [`Error`].
pub async fn leave_poll(ledger: &Ledger, id: i64, owner: &str) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE bots SET poller = NULL, poller_until = NULL WHERE id = $1 AND poller = $2",
        id,
        owner
    )
    .execute(&ledger.pool)
    .await?;
    Ok(())
}
