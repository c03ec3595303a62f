//! Erasing a person: what they said, what was said to them, and who they were.

use contract::Channel;
use uuid::Uuid;

use crate::accept::intake_key;
use crate::{Error, Ledger, conversations, turns};

/// What was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    pub conversations: usize,
    pub messages: u64,
}

/// Erases the contact of an address: the words of their conversations (answers and what operators wrote included), the
/// words of theirs in groups, raw updates, and their name. Rows stay, empty, so that counts and order do not change. An
/// answer under way is dropped. `None`: nobody of this address is known.
///
/// What the channel itself keeps, and backups, are not ours to erase.
///
/// # Errors
/// [`Error`].
pub async fn erase(ledger: &Ledger, channel: Channel, address: &str) -> Result<Option<Erased>, Error> {
    let mut tx = ledger.begin().await?;
    let Some(contact) = sqlx::query_scalar!(
        "SELECT id FROM contacts WHERE channel = $1 AND address = $2",
        channel.as_str(),
        address
    )
    .fetch_optional(&mut *tx)
    .await?
    else {
        return Ok(None);
    };
    let homes = sqlx::query!(
        r#"SELECT c.id, c.address, d.desk_id AS "desk?", t.address AS "topic?" FROM conversations c
           LEFT JOIN desks d ON d.conversation_id = c.id LEFT JOIN conversations t ON t.id = d.desk_id
           WHERE c.contact_id = $1"#,
        contact
    )
    .fetch_all(&mut *tx)
    .await?;
    let own: Vec<Uuid> = homes.iter().map(|home| home.id).collect();
    let both: Vec<Uuid> = own.iter().copied().chain(homes.iter().filter_map(|home| home.desk)).collect();
    let keys: Vec<Uuid> = homes
        .iter()
        .flat_map(|home| [home.address.as_deref(), home.topic.as_deref()])
        .flatten()
        .map(|address| intake_key(channel, address))
        .collect();
    conversations::lock(&mut tx, &both).await?;
    for home in &own {
        turns::supersede(&mut tx, contract::ConversationId(*home)).await?;
    }
    let messages = sqlx::query!(
        "UPDATE messages SET text = '', attachment = NULL,
             state = CASE state WHEN 'waiting' THEN 'dropped' ELSE state END
         WHERE conversation_id = ANY($1) OR contact_id = $2",
        &own,
        contact
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "WITH mine AS (SELECT id FROM turns WHERE conversation_id = ANY($1)),
              found AS (DELETE FROM retrievals r USING mine WHERE r.turn_id = mine.id)
         UPDATE answers a SET text = '', citations = '[]' FROM mine WHERE a.turn_id = mine.id",
        &own
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE outbound SET text = '', content = '{}', last_error = NULL,
             state = CASE WHEN state IN ('waiting', 'ready') THEN 'cancelled' ELSE state END,
             ended_at = coalesce(ended_at, clock_timestamp()), issued_at = NULL
         WHERE conversation_id = ANY($1) AND state <> 'sending'",
        &both
    )
    .execute(&mut *tx)
    .await?;
    // What waits is left to intake, which finds nothing in it.
    sqlx::query!(
        "UPDATE inbox SET payload = '{}' WHERE key_id = ANY($1)
            OR message_id IN (SELECT id FROM messages WHERE contact_id = $2)",
        &keys,
        contact
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("UPDATE desks SET name = '' WHERE conversation_id = ANY($1)", &own)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "UPDATE contacts SET name = NULL, language = NULL, language_hint = NULL, came_by = NULL WHERE id = $1",
        contact
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Some(Erased { conversations: own.len(), messages: messages.rows_affected() }))
}
