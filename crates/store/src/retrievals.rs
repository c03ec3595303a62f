//! What was found for a turn: JSON whose shape is that of `retrieve` and `answer`, as text.

use contract::TurnId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Ledger};

/// Keeps what was found for turns; what was found before goes.
pub(crate) async fn keep(conn: &mut PgConnection, found: &[(TurnId, &str)]) -> Result<(), Error> {
    if found.is_empty() {
        return Ok(());
    }
    let (ids, found): (Vec<Uuid>, Vec<&str>) = found.iter().map(|(turn, found)| (turn.0, *found)).unzip();
    sqlx::query!(
        "INSERT INTO retrievals (turn_id, found) SELECT g.id, g.found FROM unnest($1::uuid[], $2::text[]) AS g(id, found)
         ON CONFLICT (turn_id) DO UPDATE SET found = EXCLUDED.found",
        &ids,
        &found as &[&str]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was found for these turns, in their order.
///
/// # Errors
/// [`Error`].
pub async fn load(ledger: &Ledger, turns: &[TurnId]) -> Result<Vec<Option<String>>, Error> {
    let ids: Vec<Uuid> = turns.iter().map(|turn| turn.0).collect();
    let mut rows: std::collections::HashMap<Uuid, String> =
        sqlx::query!("SELECT turn_id, found FROM retrievals WHERE turn_id = ANY($1)", &ids)
            .fetch_all(&ledger.pool)
            .await?
            .into_iter()
            .map(|row| (row.turn_id, row.found))
            .collect();
    Ok(ids.iter().map(|id| rows.remove(id)).collect())
}
