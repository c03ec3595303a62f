//! Turns that do not go on by themselves: too old, failed, or held back by a pause that is over.

use std::time::Duration;

use contract::{Channel, ConversationId, Ticket, TurnId};

use super::{apology, go_on, language};
use crate::outbound::{self, Draft};
use crate::work::seconds;
use crate::{Error, Ledger, conversations};

/// Opens turns of conversations whose messages wait without one: a bot that was paused goes on. Returns tickets.
pub(crate) async fn wake(ledger: &Ledger) -> Result<Vec<Ticket>, Error> {
    let waiting = sqlx::query_scalar!(
        "SELECT DISTINCT m.conversation_id FROM messages m JOIN conversations c ON c.id = m.conversation_id
         WHERE m.state = 'waiting' AND c.handled_by = 'bot'
           -- NOT IN reads what is active once; NOT EXISTS might for each message.
           AND c.id NOT IN (SELECT t.conversation_id FROM turns t WHERE t.state = 'active')
           AND NOT EXISTS (
               SELECT 1 FROM bots b WHERE c.channel = 'telegram' AND b.paused_at IS NOT NULL
                 AND b.id::text = split_part(c.address, ':', 1))
         LIMIT 1000"
    )
    .fetch_all(&ledger.pool)
    .await?;
    let mut tickets = Vec::new();
    for homes in waiting.chunks(50) {
        let mut tx = ledger.begin().await?;
        conversations::lock(&mut tx, homes).await?;
        tickets.extend(go_on(&mut tx, homes, homes).await?.tickets);
        tx.commit().await?;
    }
    Ok(tickets)
}

/// Gives up unleased turns older than `limit`, each with its follow-up. Returns how many, and tickets.
pub(crate) async fn give_up_old(ledger: &Ledger, limit: Duration) -> Result<(usize, Vec<Ticket>), Error> {
    let old = sqlx::query!(
        r#"SELECT t.id, t.conversation_id, c.channel, p.language AS "language?", p.language_hint AS "language_hint?",
                coalesce((SELECT min(m.text) FROM messages m WHERE m.turn_id = t.id), '') AS "text!"
         FROM turns t JOIN conversations c ON c.id = t.conversation_id
         LEFT JOIN contacts p ON p.id = c.contact_id
         WHERE t.state = 'active' AND t.created_at < clock_timestamp() - $1 * interval '1 second'
           AND (t.lease_until IS NULL OR t.lease_until < clock_timestamp())
         ORDER BY t.created_at LIMIT 100"#,
        seconds(limit)
    )
    .fetch_all(&ledger.pool)
    .await?;
    let (mut given_up, mut tickets) = (0, Vec::new());
    for turn in old {
        let mut tx = ledger.begin().await?;
        conversations::lock(&mut tx, &[turn.conversation_id]).await?;
        let done = sqlx::query!(
            "UPDATE turns SET state = 'failed', issued_at = NULL, owner = NULL, lease_until = NULL,
                 ended_at = clock_timestamp(),
                 last_error = 'not answered in time' || coalesce(': ' || last_error, '')
             WHERE id = $1 AND state = 'active'
               AND (lease_until IS NULL OR lease_until < clock_timestamp())",
            turn.id
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 1 {
            let conversation = ConversationId(turn.conversation_id);
            // A channel that only another release knows: that one says sorry, this one frees the conversation.
            let channel = conversations::channel("conversations", turn.conversation_id, &turn.channel);
            if channel.is_ok_and(Channel::delivers) {
                let language = language(&turn.text, turn.language.as_deref(), turn.language_hint.as_deref());
                let draft = Draft::answer(conversation, TurnId(turn.id), apology(language));
                outbound::insert(&mut tx, &[draft]).await?;
            }
            let home = [turn.conversation_id];
            tickets.extend(go_on(&mut tx, &home, &home).await?.tickets);
            given_up += 1;
        }
        tx.commit().await?;
    }
    Ok((given_up, tickets))
}

/// Puts the messages of a failed turn back in the line, ahead of what came later, and opens what can be
/// opened. `None`: there is no failed turn with this id. Returns tickets to publish.
pub(crate) async fn redrive(ledger: &Ledger, turn: TurnId) -> Result<Option<Vec<Ticket>>, Error> {
    let Some(conversation) =
        sqlx::query_scalar!("SELECT conversation_id FROM turns WHERE id = $1 AND state = 'failed'", turn.0)
            .fetch_optional(&ledger.pool)
            .await?
    else {
        return Ok(None);
    };
    let mut tx = ledger.begin().await?;
    conversations::lock(&mut tx, &[conversation]).await?;
    sqlx::query!("UPDATE turns SET state = 'superseded' WHERE id = $1 AND state = 'failed'", turn.0)
        .execute(&mut *tx)
        .await?;
    // While a human has the conversation, they are the human's too.
    sqlx::query!(
        "UPDATE messages m SET turn_id = NULL,
             state = CASE c.handled_by WHEN 'bot' THEN 'waiting' ELSE 'operator' END
         FROM conversations c WHERE c.id = m.conversation_id AND m.turn_id = $1",
        turn.0
    )
    .execute(&mut *tx)
    .await?;
    let opened = go_on(&mut tx, &[conversation], &[conversation]).await?;
    tx.commit().await?;
    Ok(Some(opened.tickets))
}
