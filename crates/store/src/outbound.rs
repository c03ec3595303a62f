//! The outbox: what is to be sent to a person, in order within its conversation.
//!
//! `waiting → ready → sending → sent | unknown | failed | cancelled | held`. A row becomes ready when
//! everything before it is over. The states a delivery goes through are in [`sending`].

pub mod sending;

use std::time::Duration;

use contract::{Content, ConversationId, Kind, Language, OutboundId, Phrase, Ticket, TurnId};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::work::seconds;
use crate::{Error, Ledger, conversations};

/// The stage outbound rows are at, for ever.
pub const DELIVER: &str = "deliver";

/// A row to be written.
#[derive(Debug, Clone)]
pub struct Draft {
    pub conversation: ConversationId,
    pub turn: Option<TurnId>,
    pub kind: &'static str,
    pub author: &'static str,
    pub content: Content,
    /// The message on the other side that this one repeats.
    pub origin: Option<String>,
}

impl Draft {
    fn new(conversation: ConversationId, kind: &'static str, author: &'static str, content: Content) -> Self {
        Self { conversation, turn: None, kind, author, content, origin: None }
    }

    /// Stands where the answer will be: the answer is delivered by editing it, which can be repeated.
    pub fn placeholder(conversation: ConversationId, turn: TurnId, reply_to: Option<String>) -> Self {
        let text = Phrase::Placeholder.text(Language::English);
        let content = Content { reply_to, ..Content::plain(text) };
        Self { turn: Some(turn), ..Self::new(conversation, "placeholder", "bot", content) }
    }

    /// The answer of a turn, or what is said in its place.
    pub fn answer(conversation: ConversationId, turn: TurnId, content: Content) -> Self {
        Self { turn: Some(turn), ..Self::new(conversation, "final", "bot", content) }
    }

    /// What did not fit into the answer's first message.
    pub fn part(conversation: ConversationId, turn: TurnId, content: Content) -> Self {
        Self { turn: Some(turn), ..Self::new(conversation, "part", "bot", content) }
    }

    /// Something the product says; a takeover cancels it.
    pub fn notice(conversation: ConversationId, content: Content) -> Self {
        Self::new(conversation, "notice", "bot", content)
    }

    /// Something the product says on the operators' behalf: a takeover does not cancel it.
    pub fn desk_notice(conversation: ConversationId, content: Content) -> Self {
        Self::new(conversation, "notice", "operator", content)
    }

    /// What an operator writes.
    pub fn operator(conversation: ConversationId, text: &str) -> Self {
        Self::new(conversation, "operator", "operator", Content::plain(text))
    }

    /// A message of one side, shown to the other.
    pub fn relay(conversation: ConversationId, kind: &'static str, content: Content, origin: String) -> Self {
        Self { origin: Some(origin), ..Self::new(conversation, kind, "operator", content) }
    }

    /// Another text for the message that repeats `origin`; which one that is turns out when it is sent, because it may
    /// still be on its way now.
    pub fn edit(conversation: ConversationId, origin: String, content: Content) -> Self {
        Self { origin: Some(origin), ..Self::new(conversation, "edit", "operator", content) }
    }

    /// Opens or closes the topic of a desk.
    pub fn topic(conversation: ConversationId, closed: bool) -> Self {
        let kind = if closed { "close" } else { "reopen" };
        Self::new(conversation, kind, "operator", Content::default())
    }
}

/// Writes rows as `waiting`, at the end of their conversations. The caller holds the conversations' locks
/// and calls [`promote`] afterwards.
pub(crate) async fn insert(conn: &mut PgConnection, drafts: &[Draft]) -> Result<(), Error> {
    if drafts.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = drafts.iter().map(|_| OutboundId::new().0).collect();
    let homes: Vec<Uuid> = drafts.iter().map(|draft| draft.conversation.0).collect();
    let turns: Vec<Option<Uuid>> = drafts.iter().map(|draft| draft.turn.map(|turn| turn.0)).collect();
    let kinds: Vec<String> = drafts.iter().map(|draft| draft.kind.to_owned()).collect();
    let authors: Vec<String> = drafts.iter().map(|draft| draft.author.to_owned()).collect();
    // PostgreSQL stores no NUL, and no channel shows one.
    let texts: Vec<String> = drafts.iter().map(|draft| draft.content.text.replace('\0', "")).collect();
    let contents: Vec<Value> = drafts.iter().map(|draft| rest(&draft.content)).collect();
    let origins: Vec<Option<String>> = drafts.iter().map(|draft| draft.origin.clone()).collect();
    sqlx::query!(
        "WITH d AS (
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[],
                                  $7::jsonb[], $8::text[])
                 WITH ORDINALITY AS d(id, conversation_id, turn_id, kind, author, text, content, origin, n)
         ), numbered AS (
             UPDATE conversations c SET next_seq = c.next_seq + g.n
             FROM (SELECT conversation_id, count(*)::int AS n FROM d GROUP BY conversation_id) AS g
             WHERE c.id = g.conversation_id RETURNING c.id, c.next_seq - g.n AS first
         )
         INSERT INTO outbound
             (id, conversation_id, turn_id, seq, kind, author, text, content, origin, stage, state)
         SELECT d.id, d.conversation_id, d.turn_id,
                numbered.first + row_number() OVER (PARTITION BY d.conversation_id ORDER BY d.n)::int - 1,
                d.kind, d.author, d.text, d.content, d.origin, $9, 'waiting'
         FROM d JOIN numbered ON numbered.id = d.conversation_id",
        &ids,
        &homes,
        &turns as _,
        &kinds,
        &authors,
        &texts,
        &contents,
        &origins as _,
        DELIVER
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Of a turn that is not answered any more: a placeholder that was not sent yet is not sent, and one that was says
/// `text`, whoever has the conversation now. The caller holds its lock. `false`: nothing stands there.
pub(crate) async fn withdraw(
    conn: &mut PgConnection,
    conversation: ConversationId,
    turn: TurnId,
    text: String,
) -> Result<bool, Error> {
    let stands = sqlx::query_scalar!(
        r#"WITH dropped AS (
               UPDATE outbound SET state = 'cancelled', issued_at = NULL, owner = NULL, lease_until = NULL,
                   ended_at = clock_timestamp()
               WHERE turn_id = $1 AND kind = 'placeholder' AND state IN ('waiting', 'ready')
           )
           SELECT EXISTS (
               SELECT 1 FROM outbound WHERE turn_id = $1 AND kind = 'placeholder' AND state IN ('sending', 'sent')
           ) AS "stands!""#,
        turn.0
    )
    .fetch_one(&mut *conn)
    .await?;
    if stands {
        let content = Content::plain(text);
        let draft = Draft { turn: Some(turn), ..Draft::new(conversation, "final", "operator", content) };
        insert(conn, &[draft]).await?;
    }
    Ok(stands)
}

/// Everything of a content but its text, which has a column of its own.
fn rest(content: &Content) -> Value {
    let rest = Content { text: String::new(), ..content.clone() };
    serde_json::to_value(rest).expect("a content is plain data")
}

/// Makes the first unfinished row of each conversation ready, if it waits. The caller holds the
/// conversations' locks, taken by an earlier statement. A repeated edit stands in nobody's way.
pub(crate) async fn promote(conn: &mut PgConnection, conversations: &[Uuid]) -> Result<Vec<Ticket>, Error> {
    let ready = sqlx::query!(
        r#"UPDATE outbound o
           SET state = 'ready', not_before = clock_timestamp(), issued_at = clock_timestamp()
           -- Lateral: each conversation's rows by their index, however little is unfinished anywhere.
           FROM unnest($1::uuid[]) AS home(id) CROSS JOIN LATERAL (
               SELECT id, state FROM outbound
               WHERE conversation_id = home.id AND state IN ('waiting', 'ready', 'sending') AND kind <> 'repeat'
               ORDER BY seq LIMIT 1
           ) AS first
           WHERE o.id = first.id AND first.state = 'waiting'
           RETURNING o.id, o.issued_at AS "issued_at!""#,
        conversations
    )
    .fetch_all(conn)
    .await?;
    Ok(ready
        .into_iter()
        .map(|row| Ticket::new(Kind::Outbound, row.id, DELIVER, row.issued_at.timestamp_micros()))
        .collect())
}

/// Queues what an operator says to a person. Returns tickets to publish.
///
/// # Errors
/// [`Error`].
pub async fn say(ledger: &Ledger, draft: Draft) -> Result<Vec<Ticket>, Error> {
    let mut tx = ledger.begin().await?;
    let home = [draft.conversation.0];
    conversations::lock(&mut tx, &home).await?;
    insert(&mut tx, &[draft]).await?;
    let tickets = promote(&mut tx, &home).await?;
    tx.commit().await?;
    Ok(tickets)
}

/// Gives up unleased rows older than `limit`, and lets what waits behind them go on.
pub(crate) async fn give_up_old(ledger: &Ledger, limit: Duration) -> Result<(usize, Vec<Ticket>), Error> {
    let homes = sqlx::query_scalar!(
        "SELECT DISTINCT conversation_id FROM outbound
         WHERE state IN ('waiting', 'ready', 'sending')
           AND created_at < clock_timestamp() - $1 * interval '1 second'
           AND (lease_until IS NULL OR lease_until < clock_timestamp()) LIMIT 100",
        seconds(limit)
    )
    .fetch_all(&ledger.pool)
    .await?;
    if homes.is_empty() {
        return Ok((0, Vec::new()));
    }
    let mut tx = ledger.begin().await?;
    conversations::lock(&mut tx, &homes).await?;
    let done = sqlx::query!(
        "UPDATE outbound SET state = CASE state WHEN 'sending' THEN 'unknown' ELSE 'failed' END,
             issued_at = NULL, owner = NULL, lease_until = NULL, ended_at = clock_timestamp(),
             last_error = 'not delivered in time' || coalesce(': ' || last_error, '')
         WHERE conversation_id = ANY($2) AND state IN ('waiting', 'ready', 'sending')
           AND created_at < clock_timestamp() - $1 * interval '1 second'
           AND (lease_until IS NULL OR lease_until < clock_timestamp())",
        seconds(limit),
        &homes
    )
    .execute(&mut *tx)
    .await?;
    let tickets = promote(&mut tx, &homes).await?;
    tx.commit().await?;
    Ok((usize::try_from(done.rows_affected()).unwrap_or(usize::MAX), tickets))
}
