//! Turns: the answering of messages, one at a time in a conversation.

mod stranded;
mod written;

use std::borrow::Borrow;
use std::collections::HashMap;

use contract::{
    Action, Channel, Chat, Content, ConversationId, Kind, Language, MessageId, Phrase, Stage, Ticket, TurnId,
};
use serde::Deserialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

pub(crate) use self::stranded::{give_up_old, redrive, wake};
pub use self::written::{Answered, Step, Written};
use crate::outbound::{self, Draft};
use crate::work::{self, Claim, Fence, Outcome, Settled, Transition, Verdict};
use crate::{Error, Ledger, conversations, retrievals};

/// The stage a turn opens at.
pub const OPENING_STAGE: &str = RETRIEVE;

/// Searches the knowledge base.
pub const RETRIEVE: &str = "retrieve";

/// Decides what is said.
pub const ANSWER: &str = "answer";

/// Exchanges a turn remembers: more cost tokens, and a person who goes back further says what they mean.
const REMEMBERED: i64 = 4;

/// Messages of a chat that one turn answers together at the most.
const JOINED_MESSAGES: i64 = 10;
/// Characters of those messages together; the first is taken whatever its length.
const JOINED_CHARACTERS: i64 = 12_000;

/// The input of the stages that work on a turn.
#[derive(Debug, Clone)]
pub struct Turn {
    pub id: TurnId,
    pub conversation: ConversationId,
    pub channel: Channel,
    /// The chat; empty for REST.
    pub address: String,
    /// Of what was asked, or else the person's.
    pub language: Language,
    /// The message on the channel it answers first.
    pub reply_to: Option<String>,
    /// What it answers, in order.
    pub messages: Vec<MessageId>,
    /// Their texts, joined by blank lines.
    pub text: String,
    /// Tags of the documents its asker may see, as far as the owner of the conversation may too; `None` sees all.
    pub audience: Option<Vec<String>>,
    /// What was asked and answered in the conversation before, since it was cleared: the last few, oldest first.
    pub history: Vec<Exchange>,
}

/// A question that was answered, and the answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Exchange {
    pub question: String,
    pub answer: String,
}

/// The language of a text or, where it has no letters, the one the person chose or their channel tells.
pub(crate) fn language(text: &str, chosen: Option<&str>, hint: Option<&str>) -> Language {
    Language::script_of(text)
        .or_else(|| chosen?.parse().ok())
        .unwrap_or_else(|| hint.map_or(Language::English, Language::of_tag))
}

/// Loads claimed turns, in the order of the claims.
///
/// # Errors
/// [`Error`].
pub async fn load(ledger: &Ledger, claims: &[Claim]) -> Result<Vec<Option<Turn>>, Error> {
    let ids: Vec<Uuid> = claims.iter().map(|claim| claim.id).collect();
    let rows = sqlx::query!(
        r#"SELECT t.id, t.conversation_id, c.channel, c.address, p.language, p.language_hint, said.reply_to,
                  said.messages AS "messages!", said.text AS "text!", before.history AS "history: Json<Vec<Exchange>>",
                  CASE WHEN c.channel = 'telegram' AND b.id IS NULL THEN '{}'
                       WHEN c.channel = 'telegram' THEN b.audience
                       WHEN ka.audience IS NULL THEN ko.audience WHEN ko.audience IS NULL THEN ka.audience
                       ELSE ARRAY(SELECT unnest(ko.audience) INTERSECT SELECT unnest(ka.audience))
                  END AS audience
           FROM turns t JOIN conversations c ON c.id = t.conversation_id
           -- Lateral, so that each turn's rows are found by their index, however few rows the planner expects.
           CROSS JOIN LATERAL (
               SELECT (array_agg(m.external_id ORDER BY m.position))[1] AS reply_to,
                      (array_agg(i.asked_by ORDER BY m.position))[1] AS asked_by,
                      array_agg(m.id ORDER BY m.position) AS messages,
                      string_agg(m.text, E'\n\n' ORDER BY m.position) AS text
               FROM messages m LEFT JOIN inbox i ON i.message_id = m.id WHERE m.turn_id = t.id
           ) AS said
           LEFT JOIN LATERAL (
               SELECT json_agg(json_build_object('question', e.question, 'answer', e.answer) ORDER BY e.created_at) AS history
               FROM (SELECT d.created_at, a.text AS answer, q.question
                     FROM turns d JOIN answers a ON a.turn_id = d.id AND a.kind = 'answered'
                     CROSS JOIN LATERAL (
                         SELECT string_agg(m.text, E'\n\n' ORDER BY m.position) AS question
                         FROM messages m WHERE m.turn_id = d.id
                     ) AS q
                     WHERE d.conversation_id = t.conversation_id AND d.state = 'done' AND q.question IS NOT NULL
                       AND d.created_at > coalesce(c.cleared_at, '-infinity')
                     ORDER BY d.created_at DESC LIMIT $2) AS e
           ) AS before ON true
           LEFT JOIN api_keys ko ON ko.id = c.owner_key
           LEFT JOIN api_keys ka ON ka.id = said.asked_by
           LEFT JOIN contacts p ON p.id = c.contact_id
           LEFT JOIN bots b ON b.id::text = split_part(c.address, ':', 1)
           WHERE t.id = ANY($1) AND said.messages IS NOT NULL"#,
        &ids,
        REMEMBERED
    )
    .fetch_all(&ledger.pool)
    .await?;
    let mut turns = HashMap::with_capacity(rows.len());
    for row in rows {
        let turn = Turn {
            id: TurnId(row.id),
            conversation: ConversationId(row.conversation_id),
            channel: conversations::channel("conversations", row.conversation_id, &row.channel)?,
            address: row.address.unwrap_or_default(),
            language: language(&row.text, row.language.as_deref(), row.language_hint.as_deref()),
            reply_to: row.reply_to,
            messages: row.messages.into_iter().map(MessageId).collect(),
            text: row.text,
            audience: row.audience,
            history: row.history.map(|history| history.0).unwrap_or_default(),
        };
        turns.insert(row.id, turn);
    }
    Ok(ids.iter().map(|id| turns.remove(id)).collect())
}

/// What [`open_next`] opened.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// Of the turns, and of placeholders that can go at once.
    pub tickets: Vec<Ticket>,
    /// The messages that are being worked on now.
    pub changed: Vec<MessageId>,
}

/// Opens the next turn of each conversation that has none active, is the bot's, and has messages waiting.
/// The only opener of turns in conversations that others can know of.
///
/// **The caller holds the conversations' locks, taken by an earlier statement**: a single statement that
/// locked and looked would look with a snapshot older than the lock, and miss a message committed in
/// between (a lost wake-up). A question over REST is never joined with another; messages of a chat that
/// wait are.
pub(crate) async fn open_next(conn: &mut PgConnection, conversations: &[Uuid]) -> Result<Opened, Error> {
    let mut wanted = conversations.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let turns: Vec<Uuid> = wanted.iter().map(|_| TurnId::new().0).collect();
    let rows = sqlx::query!(
        r#"WITH wanted AS (
               SELECT w.conversation_id, w.turn_id, c.channel, c.address
               FROM unnest($1::uuid[], $2::uuid[]) AS w(conversation_id, turn_id)
               JOIN conversations c ON c.id = w.conversation_id
               -- OFFSET 0 and LATERAL keep each a look-up by its key.
               WHERE c.handled_by = 'bot' AND NOT EXISTS (
                   SELECT 1 FROM bots b WHERE c.channel = 'telegram' AND b.paused_at IS NOT NULL
                     AND b.id::text = split_part(c.address, ':', 1) OFFSET 0)
           ), queued AS (
               SELECT w.turn_id, w.conversation_id, w.channel, w.address, m.id, m.position, m.external_id,
                      row_number() OVER line AS n, sum(length(m.text)) OVER line AS characters
               FROM wanted w CROSS JOIN LATERAL (
                   SELECT * FROM messages WHERE conversation_id = w.conversation_id AND state = 'waiting'
                   ORDER BY position LIMIT $3
               ) AS m
               WINDOW line AS (PARTITION BY m.conversation_id ORDER BY m.position)
           ), picked AS (
               SELECT * FROM queued
               WHERE n = 1 OR (channel <> 'rest' AND characters <= $4)
           ), opened AS (
               INSERT INTO turns (id, conversation_id, stage, state, issued_at)
               SELECT turn_id, conversation_id, $5, 'active', clock_timestamp() FROM picked WHERE n = 1
               -- One that is active is seen here. Asked for before, it was looked for among all that are active anywhere.
               ON CONFLICT (conversation_id) WHERE state = 'active' DO NOTHING
               RETURNING id, issued_at
           ), taken AS (
               UPDATE messages m SET state = 'taken', turn_id = p.turn_id
               FROM picked p JOIN opened o ON o.id = p.turn_id WHERE m.id = p.id
           )
           SELECT p.id AS "message_id!", p.turn_id AS "turn_id!", p.conversation_id AS "conversation_id!",
                  p.channel AS "channel!", p.address AS "address?", p.external_id AS "external_id?", p.n AS "n!",
                  o.issued_at AS "issued_at!"
           FROM picked p JOIN opened o ON o.id = p.turn_id ORDER BY p.conversation_id, p.position"#,
        &wanted,
        &turns,
        JOINED_MESSAGES,
        JOINED_CHARACTERS,
        OPENING_STAGE
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut opened = Opened::default();
    let mut placeholders = Vec::new();
    for row in rows {
        opened.changed.push(MessageId(row.message_id));
        if row.n == 1 {
            let micros = row.issued_at.timestamp_micros();
            opened.tickets.push(Ticket::new(Kind::Turn, row.turn_id, OPENING_STAGE, micros));
            let channel = conversations::channel("conversations", row.conversation_id, &row.channel)?;
            if channel.delivers() && !shows_drafts(channel, row.address.as_deref()) {
                let home = ConversationId(row.conversation_id);
                placeholders.push(Draft::placeholder(home, TurnId(row.turn_id), row.external_id));
            }
        }
    }
    outbound::insert(conn, &placeholders).await?;
    Ok(opened)
}

/// Whether an answer grows in a draft before it is there: then a placeholder would only be in its way, and the answer
/// sends the message that it edits itself.
fn shows_drafts(channel: Channel, address: Option<&str>) -> bool {
    channel == Channel::Telegram
        && address.and_then(|address| address.parse::<Chat>().ok()).is_some_and(|chat| !chat.is_group())
}

/// Whether a turn is still to be answered.
///
/// # Errors
/// [`Error`].
pub async fn is_active(ledger: &Ledger, turn: TurnId) -> Result<bool, Error> {
    let state = sqlx::query_scalar!("SELECT state FROM turns WHERE id = $1", turn.0)
        .fetch_optional(&ledger.pool)
        .await?;
    Ok(state.as_deref() == Some("active"))
}

/// Ends the active turn of a conversation without an answer. The caller holds the conversation's lock. Returns it.
pub(crate) async fn supersede(
    conn: &mut PgConnection,
    conversation: ConversationId,
) -> Result<Option<TurnId>, Error> {
    let ended = sqlx::query_scalar!(
        "UPDATE turns SET state = 'superseded', issued_at = NULL, owner = NULL, lease_until = NULL,
             ended_at = clock_timestamp()
         WHERE conversation_id = $1 AND state = 'active' RETURNING id",
        conversation.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(ended.map(TurnId))
}

/// Settles many turns of one stage in one transaction: what was found, answers, what is to be delivered, and the next
/// turn of each conversation.
///
/// # Errors
/// [`Error`]; at COMMIT the outcome is unknown: read again, do not compensate.
pub async fn settle(
    ledger: &Ledger,
    stage: &Stage,
    batch: &[(Claim, impl Borrow<Turn>, Verdict<Step>)],
) -> Result<Vec<Outcome>, Error> {
    let mut tx = ledger.begin().await?;
    let ending: Vec<Uuid> = batch
        .iter()
        .filter(|(_, _, verdict)| {
            matches!(verdict, Verdict::Done(Step::Answered(_)) | Verdict::Failed { .. })
        })
        .map(|(_, turn, _)| turn.borrow().conversation.0)
        .collect();
    if !ending.is_empty() {
        conversations::lock(&mut tx, &ending).await?;
    }
    let transitions: Vec<_> = batch
        .iter()
        .map(|(claim, _, verdict)| match verdict {
            Verdict::Done(Step::Found(_)) => Transition {
                stage: ANSWER.to_owned(),
                attempts: 0,
                claims: 0,
                issue: true,
                ends: false,
                ..verdict.end(claim, stage, "active")
            },
            Verdict::Done(Step::Answered(_)) => verdict.end(claim, stage, "done"),
            _ => verdict.stay(claim, stage, "active").unwrap_or_else(|| verdict.end(claim, stage, "failed")),
        })
        .collect();
    let settled = work::settle(&mut tx, stage, &transitions).await?;
    let settled: HashMap<Fence, Settled> = settled.into_iter().map(|row| (row.fence(), row)).collect();

    let mut outcomes = vec![Outcome::default(); batch.len()];
    let (mut answers, mut found, mut drafts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut freed, mut delivering) = (Vec::new(), Vec::new());
    for ((claim, turn, verdict), outcome) in batch.iter().zip(&mut outcomes) {
        let turn = turn.borrow();
        let Some(row) = settled.get(&claim.fence()) else { continue };
        outcome.settled = true;
        match verdict {
            Verdict::Done(Step::Found(new)) => {
                found.push((turn.id, &**new));
                outcome.tickets.extend(row.issued().map(|issued| issued.ticket(Kind::Turn)));
                continue;
            }
            Verdict::Done(Step::Answered(answered)) => {
                let Answered { answer, contents, written, found: new } = &**answered;
                answers.push((turn.id, answer, written.as_ref()));
                found.extend(new.as_deref().map(|new| (turn.id, new)));
                if turn.channel.delivers() {
                    let mut contents = contents.iter().cloned();
                    let first = contents.next().unwrap_or_else(|| Content::plain(answer.text.clone()));
                    drafts.push(Draft::answer(turn.conversation, turn.id, first));
                    drafts.extend(contents.map(|part| Draft::part(turn.conversation, turn.id, part)));
                }
            }
            Verdict::Failed { .. } => {
                if turn.channel.delivers() {
                    drafts.push(Draft::answer(turn.conversation, turn.id, apology(turn.language)));
                }
            }
            Verdict::Retry { .. } | Verdict::Release { .. } => continue,
        }
        freed.push(turn.conversation.0);
        if turn.channel.delivers() {
            delivering.push(turn.conversation.0);
        }
        outcome.changed.extend(&turn.messages);
    }
    retrievals::keep(&mut tx, &found).await?;
    written::insert(&mut tx, &answers).await?;
    outbound::insert(&mut tx, &drafts).await?;
    let follow_up = go_on(&mut tx, &freed, &delivering).await?;
    work::uncommitted(stage).await;
    tx.commit().await?;

    if let Some(first) = outcomes.iter_mut().find(|outcome| outcome.settled) {
        first.tickets.extend(follow_up.tickets);
        first.changed.extend(follow_up.changed);
    }
    Ok(outcomes)
}

/// What follows the end of a turn: the next one is opened, and what waits to be sent becomes ready. The
/// caller holds the conversations' locks; `delivering` are those with something to send.
pub(crate) async fn go_on(
    conn: &mut PgConnection,
    conversations: &[Uuid],
    delivering: &[Uuid],
) -> Result<Opened, Error> {
    if conversations.is_empty() {
        return Ok(Opened::default());
    }
    let mut opened = open_next(conn, conversations).await?;
    if !delivering.is_empty() {
        opened.tickets.extend(outbound::promote(conn, delivering).await?);
    }
    Ok(opened)
}

/// What is said when a turn was given up.
fn apology(language: Language) -> Content {
    let buttons = vec![vec![Action::Human.button(language)]];
    Content { buttons, ..Content::plain(Phrase::Apology.text(language)) }
}
