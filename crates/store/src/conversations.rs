//! Conversations: their lock, and who handles them.

use std::time::Duration;

use contract::{Channel, ConversationId, Phrase, Ticket};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::work::seconds;
use crate::{Error, Ledger, desks, outbound, turns};

/// Reads a `channel` column.
pub(crate) fn channel(table: &'static str, row: Uuid, text: &str) -> Result<Channel, Error> {
    text.parse().map_err(|problem: contract::channel::UnknownChannel| Error::Row {
        table,
        column: "channel",
        row: row.to_string(),
        problem: problem.to_string(),
    })
}

/// Locks conversations, in the order of their ids, against everything that opens or ends a turn or touches
/// outbound rows.
pub(crate) async fn lock(conn: &mut PgConnection, conversations: &[Uuid]) -> Result<(), Error> {
    sqlx::query!(
        "SELECT id FROM conversations WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
        conversations
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// A human takes the conversation: the bot says nothing more.
///
/// One transaction: the active turn is superseded, the bot's waiting and ready outbound rows are cancelled,
/// waiting questions are left to the operator. A row that is being sent at this moment may still arrive;
/// its next claim is refused. The takeover lapses after `idle`. `false`: no such conversation.
///
/// # Errors
/// [`Error`].
pub async fn take(ledger: &Ledger, conversation: ConversationId, idle: Duration) -> Result<bool, Error> {
    let mut tx = ledger.begin().await?;
    lock(&mut tx, &[conversation.0]).await?;
    let taken = take_locked(&mut tx, conversation, idle).await?;
    tx.commit().await?;
    Ok(taken)
}

/// As [`take`], within a transaction that holds the conversation's lock.
pub(crate) async fn take_locked(
    conn: &mut PgConnection,
    conversation: ConversationId,
    idle: Duration,
) -> Result<bool, Error> {
    let taken = sqlx::query!(
        "UPDATE conversations SET handled_by = 'operator',
             handled_until = clock_timestamp() + $2 * interval '1 second'
         WHERE id = $1",
        conversation.0,
        seconds(idle)
    )
    .execute(&mut *conn)
    .await?;
    if taken.rows_affected() == 0 {
        return Ok(false);
    }
    if let Some(ended) = turns::supersede(conn, conversation).await? {
        let language = desks::language_of(conn, conversation).await?;
        outbound::withdraw(conn, conversation, ended, Phrase::HumanAnswers.text(language)).await?;
    }
    sqlx::query!(
        "UPDATE messages SET state = 'operator' WHERE conversation_id = $1 AND state = 'waiting'",
        conversation.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE outbound SET state = 'cancelled', issued_at = NULL, owner = NULL, lease_until = NULL,
             ended_at = clock_timestamp()
         WHERE conversation_id = $1 AND author = 'bot' AND state IN ('waiting', 'ready')",
        conversation.0
    )
    .execute(&mut *conn)
    .await?;
    // What an operator said before waits no longer for what the bot will not say. Without an `issued_at`:
    // nobody here publishes, so the dispatcher does.
    outbound::promote(conn, &[conversation.0]).await?;
    sqlx::query!(
        "UPDATE outbound SET issued_at = NULL WHERE conversation_id = $1 AND state = 'ready' AND owner IS NULL",
        conversation.0
    )
    .execute(&mut *conn)
    .await?;
    Ok(true)
}

/// The bot has the conversation again. What came while the operator held it is not answered by the bot.
/// Returns tickets to publish.
///
/// # Errors
/// [`Error`].
pub async fn give_back(ledger: &Ledger, conversation: ConversationId) -> Result<Vec<Ticket>, Error> {
    end_takeover(ledger, conversation, false).await
}

/// As [`give_back`]; with `lapsed`, only if the takeover has run out (an operator may have renewed it since
/// it was listed).
pub(crate) async fn end_takeover(
    ledger: &Ledger,
    conversation: ConversationId,
    lapsed: bool,
) -> Result<Vec<Ticket>, Error> {
    let mut tx = ledger.begin().await?;
    lock(&mut tx, &[conversation.0]).await?;
    release(&mut tx, conversation, lapsed).await?;
    let mut tickets = turns::open_next(&mut tx, &[conversation.0]).await?.tickets;
    tickets.extend(outbound::promote(&mut tx, &[conversation.0]).await?);
    tx.commit().await?;
    Ok(tickets)
}

/// As [`end_takeover`], within a transaction that holds the conversation's lock. `false`: it was not held, or not
/// for too long.
pub(crate) async fn release(
    conn: &mut PgConnection,
    conversation: ConversationId,
    lapsed: bool,
) -> Result<bool, Error> {
    let released = sqlx::query!(
        "UPDATE conversations SET handled_by = 'bot', handled_until = NULL, human_wanted_at = NULL
         WHERE id = $1 AND handled_by = 'operator' AND (NOT $2 OR handled_until < clock_timestamp())",
        conversation.0,
        lapsed
    )
    .execute(conn)
    .await?;
    Ok(released.rows_affected() == 1)
}

/// Gives a conversation another address. If another one has it already, that one goes on there.
pub(crate) async fn move_to(
    conn: &mut PgConnection,
    conversation: ConversationId,
    address: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE conversations SET address = $2
         WHERE id = $1 AND NOT EXISTS (
             SELECT 1 FROM conversations o WHERE o.channel = conversations.channel AND o.address = $2)",
        conversation.0,
        address
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Conversations an operator took and then forgot.
pub(crate) async fn lapsed_takeovers(ledger: &Ledger) -> Result<Vec<ConversationId>, Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM conversations
         WHERE handled_by = 'operator' AND handled_until < clock_timestamp() LIMIT 100"
    )
    .fetch_all(&ledger.pool)
    .await?;
    Ok(ids.into_iter().map(ConversationId).collect())
}
