//! People who may speak for us on Telegram, beside those of the configuration.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use crate::{Error, Ledger};

#[derive(Debug, Clone, Serialize)]
pub struct Operator {
    /// Telegram's id of the person.
    pub telegram_id: i64,
    pub name: String,
    pub since: DateTime<Utc>,
}

/// Adds an operator, or gives one another name.
///
/// # Errors
/// [`Error`].
pub async fn add(ledger: &Ledger, telegram_id: i64, name: &str) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO operators (telegram_id, name) VALUES ($1, $2) ON CONFLICT (telegram_id) DO UPDATE SET name = $2",
        telegram_id,
        name
    )
    .execute(&ledger.pool)
    .await?;
    Ok(())
}

/// `false`: there was none with this id.
///
/// # Errors
/// [`Error`].
pub async fn remove(ledger: &Ledger, telegram_id: i64) -> Result<bool, Error> {
    let done = sqlx::query!("DELETE FROM operators WHERE telegram_id = $1", telegram_id)
        .execute(&ledger.pool)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// # Errors
/// [`Error`].
pub async fn list(ledger: &Ledger) -> Result<Vec<Operator>, Error> {
    Ok(sqlx::query_as!(
        Operator,
        "SELECT telegram_id, name, created_at AS since FROM operators ORDER BY created_at"
    )
    .fetch_all(&ledger.pool)
    .await?)
}

pub(crate) async fn is_listed(conn: &mut PgConnection, telegram_id: i64) -> Result<bool, Error> {
    let found = sqlx::query!("SELECT 1 AS one FROM operators WHERE telegram_id = $1", telegram_id)
        .fetch_optional(conn)
        .await?;
    Ok(found.is_some())
}
