//! People on channels: who they are, which language they want, whether they are there.

mod erase;

use std::collections::HashMap;

use contract::{Channel, ContactId, ConversationId, Language};
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::erase::{Erased, erase};
use crate::{Error, Ledger, turns};

/// Somebody who wrote, as the channel describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Theirs on the channel: where a message to them alone would go.
    pub address: String,
    pub name: Option<String>,
    /// IETF tag of the language the channel thinks they read.
    pub language: Option<String>,
}

/// A row of `contacts`, as far as the talk with them depends on it.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    pub(crate) id: ContactId,
    pub(crate) name: Option<String>,
    pub(crate) blocked: bool,
    chosen: Option<String>,
    hint: Option<String>,
}

impl Contact {
    /// Of a text of theirs; without letters the one they chose or their channel tells.
    pub(crate) fn language(&self, text: &str) -> Language {
        turns::language(text, self.chosen.as_deref(), self.hint.as_deref())
    }
}

/// The contacts of these senders, made where there are none; by address. It locks none that is there: the caller goes
/// on to lock conversations, and contacts come after those.
pub(crate) async fn meet(
    conn: &mut PgConnection,
    senders: &[(Channel, Sender)],
) -> Result<HashMap<(Channel, String), Contact>, Error> {
    if senders.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = senders.iter().map(|_| ContactId::new().0).collect();
    let channels: Vec<String> = senders.iter().map(|(channel, _)| channel.as_str().to_owned()).collect();
    let addresses: Vec<String> = senders.iter().map(|(_, sender)| sender.address.clone()).collect();
    let names: Vec<Option<String>> = senders.iter().map(|(_, sender)| sender.name.clone()).collect();
    let hints: Vec<Option<String>> = senders.iter().map(|(_, sender)| sender.language.clone()).collect();
    sqlx::query!(
        "INSERT INTO contacts (id, channel, address, name, language_hint)
         SELECT DISTINCT ON (channel, address) g.*
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) AS g(id, channel, address, name, hint)
         ORDER BY channel, address, name NULLS LAST
         ON CONFLICT (channel, address) DO NOTHING",
        &ids,
        &channels,
        &addresses,
        &names as _,
        &hints as _
    )
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"SELECT c.id, c.channel, c.address, c.name, c.language, c.language_hint,
                  c.blocked_at IS NOT NULL AS "blocked!"
           FROM contacts c JOIN unnest($1::text[], $2::text[]) AS g(channel, address)
             ON g.channel = c.channel AND g.address = c.address"#,
        &channels,
        &addresses
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let channel = crate::conversations::channel("contacts", row.id, &row.channel)?;
            let contact = Contact {
                id: ContactId(row.id),
                name: row.name,
                blocked: row.blocked,
                chosen: row.language,
                hint: row.language_hint,
            };
            Ok(((channel, row.address), contact))
        })
        .collect()
}

/// What the channel says of those who wrote now, and that they are there. The caller holds their conversations' locks.
pub(crate) async fn refresh(conn: &mut PgConnection, senders: &[(Channel, Sender)]) -> Result<(), Error> {
    let channels: Vec<String> = senders.iter().map(|(channel, _)| channel.as_str().to_owned()).collect();
    let addresses: Vec<String> = senders.iter().map(|(_, sender)| sender.address.clone()).collect();
    let names: Vec<Option<String>> = senders.iter().map(|(_, sender)| sender.name.clone()).collect();
    let hints: Vec<Option<String>> = senders.iter().map(|(_, sender)| sender.language.clone()).collect();
    sqlx::query!(
        "WITH said AS (
             SELECT DISTINCT ON (channel, address) *
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS g(channel, address, name, hint)
             ORDER BY channel, address, name NULLS LAST
         ), changed AS (
             SELECT c.id, coalesce(said.name, c.name) AS name, coalesce(said.hint, c.language_hint) AS hint
             FROM said JOIN contacts c USING (channel, address)
             WHERE c.gone_at IS NOT NULL OR c.name IS DISTINCT FROM coalesce(said.name, c.name)
                OR c.language_hint IS DISTINCT FROM coalesce(said.hint, c.language_hint)
             ORDER BY c.id FOR NO KEY UPDATE OF c
         )
         UPDATE contacts c SET name = changed.name, language_hint = changed.hint, gone_at = NULL
         FROM changed WHERE c.id = changed.id",
        &channels,
        &addresses,
        &names as _,
        &hints as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The language somebody chose; `None`: they did not, or nobody knows them.
///
/// # Errors
/// [`Error`].
pub async fn chosen(ledger: &Ledger, channel: Channel, address: &str) -> Result<Option<Language>, Error> {
    let chosen = sqlx::query_scalar!(
        "SELECT language FROM contacts WHERE channel = $1 AND address = $2",
        channel.as_str(),
        address
    )
    .fetch_optional(&ledger.pool)
    .await?;
    Ok(chosen.flatten().and_then(|language| language.parse().ok()))
}

/// Their own choice, for what is said to them and has no language of its own.
pub(crate) async fn choose(conn: &mut PgConnection, id: ContactId, language: Language) -> Result<(), Error> {
    sqlx::query!("UPDATE contacts SET language = $2 WHERE id = $1", id.0, language.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// By which link they came.
pub(crate) async fn came_by(conn: &mut PgConnection, id: ContactId, link: &str) -> Result<(), Error> {
    sqlx::query!("UPDATE contacts SET came_by = $2 WHERE id = $1", id.0, link).execute(conn).await?;
    Ok(())
}

/// They blocked the bot, or removed it from their group; or came back.
pub(crate) async fn set_gone(conn: &mut PgConnection, id: ContactId, gone: bool) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE contacts SET gone_at = CASE WHEN $2 THEN coalesce(gone_at, clock_timestamp()) END WHERE id = $1",
        id.0,
        gone
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Operators want no more of them, or again. Returns their name.
pub(crate) async fn set_blocked(
    conn: &mut PgConnection,
    conversation: ConversationId,
    blocked: bool,
) -> Result<Option<String>, Error> {
    let name = sqlx::query_scalar!(
        "UPDATE contacts p SET blocked_at = CASE WHEN $2 THEN coalesce(blocked_at, clock_timestamp()) END
         FROM conversations c WHERE c.id = $1 AND p.id = c.contact_id RETURNING p.name",
        conversation.0,
        blocked
    )
    .fetch_optional(conn)
    .await?;
    Ok(name.flatten())
}
