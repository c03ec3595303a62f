//! The queue of one chat or conversation: its waiting inbox rows, read in order.
//!
//! Most of what comes in are questions to the bot, and those are written for many chats at once ([`plain`]). Whatever
//! depends on what was before it (commands, edits, buttons, a human at the desk, a limit) goes one by one, in order
//! ([`apply`]).

mod apply;
mod plain;
mod reading;
mod scene;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use contract::{Channel, Chat, Kind, MessageId, Stage, Ticket};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::reading::{Command, DeskAct, DeskWord, Kept, Reading, Said};
use self::scene::{Scene, State};
use crate::contacts;
use crate::desks::{self, Operators};
use crate::limiter::Rate;
use crate::work::{self, Claim, Fence, Outcome, Settled, Verdict};
use crate::{Error, Ledger, conversations, turns};

/// Inbox rows read in one go. A key that was tried before is read row by row, so that one poison update is
/// found out and the others of its chat go on.
const PAGE: i64 = 50;

/// The input of the `intake` stage.
#[derive(Debug, Clone)]
pub struct Queue {
    pub key_id: Uuid,
    pub channel: Channel,
    /// The conversation's id for REST, the chat elsewhere.
    pub address: String,
    /// In the order of arrival.
    pub updates: Vec<Waiting>,
}

impl Queue {
    /// The address of the contact its conversation belongs to: all topics of a chat share one.
    fn contact(&self) -> String {
        match (self.channel, self.address.parse::<Chat>()) {
            (Channel::Telegram, Ok(chat)) => chat.whole().to_string(),
            _ => self.address.clone(),
        }
    }
}

/// How we talk, beside what is in the ledger.
#[derive(Debug, Clone)]
pub struct Manners {
    pub operators: Operators,
    /// Questions one person may ask.
    pub contact_rate: Rate,
}

/// One inbox row.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Position: order within the conversation.
    pub id: i64,
    pub message: MessageId,
    pub payload: Value,
    pub received_at: DateTime<Utc>,
}

/// What `intake` made of a queue: one reading for each update it was given, in order.
#[derive(Debug, Clone)]
pub struct Read {
    pub queue: Queue,
    pub readings: Vec<Reading>,
}

/// The waiting rows of claimed keys: up to fifty each, one after a failed attempt.
///
/// # Errors
/// [`Error`].
pub async fn load(ledger: &Ledger, claims: &[Claim]) -> Result<Vec<Option<Queue>>, Error> {
    let ids: Vec<Uuid> = claims.iter().map(|claim| claim.id).collect();
    let pages: Vec<i64> =
        claims.iter().map(|claim| if claim.attempts > 0 || claim.claims > 2 { 1 } else { PAGE }).collect();
    let rows = sqlx::query!(
        r#"SELECT k.id AS "key_id!", k.channel, k.address, i.id AS "id?", i.message_id AS "message_id?",
                  i.payload AS "payload?", i.received_at AS "received_at?"
           FROM unnest($1::uuid[], $2::bigint[]) AS g(id, page)
           JOIN intake_keys k ON k.id = g.id
           LEFT JOIN LATERAL (
               SELECT * FROM inbox WHERE key_id = k.id AND state = 'waiting' ORDER BY id LIMIT g.page
           ) AS i ON true
           ORDER BY i.id"#,
        &ids,
        &pages
    )
    .fetch_all(&ledger.pool)
    .await?;
    let mut queues: HashMap<Uuid, Queue> = HashMap::new();
    for row in rows {
        let channel = conversations::channel("intake_keys", row.key_id, &row.channel)?;
        let queue = queues.entry(row.key_id).or_insert_with(|| Queue {
            key_id: row.key_id,
            channel,
            address: row.address,
            updates: Vec::new(),
        });
        if let (Some(id), Some(message), Some(payload), Some(received_at)) =
            (row.id, row.message_id, row.payload, row.received_at)
        {
            queue.updates.push(Waiting { id, message: MessageId(message), payload, received_at });
        }
    }
    Ok(ids.iter().map(|id| queues.remove(id)).collect())
}

/// Settles many keys in one transaction.
///
/// `Failed` gives up the *first* inbox row of the queue, not the key: one poison update never silences a
/// chat. Lock order: intake keys, then conversations.
///
/// # Errors
/// [`Error`]; at COMMIT the outcome is unknown.
pub async fn settle(
    ledger: &Ledger,
    stage: &Stage,
    manners: &Manners,
    batch: &[(Claim, Queue, Verdict<Read>)],
) -> Result<Vec<Outcome>, Error> {
    let mut tx = ledger.begin().await?;
    let mut outcomes = vec![Outcome::default(); batch.len()];

    let stays: Vec<_> =
        batch.iter().filter_map(|(claim, _, verdict)| verdict.stay(claim, stage, "ready")).collect();
    let keys: Vec<Uuid> = batch.iter().map(|(claim, ..)| claim.id).collect();
    work::lock(&mut tx, Kind::IntakeKey, &keys).await?;
    let mut settled: HashSet<Fence> = HashSet::new();
    if !stays.is_empty() {
        settled.extend(work::settle(&mut tx, stage, &stays).await?.iter().map(Settled::fence));
    }
    let consumed = consume(&mut tx, stage, batch).await?;
    settled.extend(consumed.keys());

    let mut opening = Vec::new();
    for ((claim, queue, verdict), outcome) in batch.iter().zip(&mut outcomes) {
        outcome.settled = settled.contains(&claim.fence());
        if !outcome.settled {
            continue;
        }
        if let Some(Some(issued_at)) = consumed.get(&claim.fence()) {
            outcome.tickets.push(Ticket::new(
                Kind::IntakeKey,
                claim.id,
                stage.name,
                issued_at.timestamp_micros(),
            ));
        }
        match verdict {
            Verdict::Done(read) => opening.push(read),
            Verdict::Failed { error, .. } => {
                if let Some(poison) = queue.updates.first() {
                    fail_row(&mut tx, poison.id, error).await?;
                    outcome.changed.push(poison.message);
                }
            }
            Verdict::Retry { .. } | Verdict::Release { .. } => {}
        }
    }
    let opened = write(&mut tx, manners, &opening).await?;
    work::uncommitted(stage).await;
    tx.commit().await?;

    // Whose ticket is whose does not matter to a batch: the first settled row carries those of all.
    if let Some(first) = outcomes.iter_mut().find(|outcome| outcome.settled) {
        first.tickets.extend(opened.tickets);
        first.changed.extend(opened.changed);
    }
    Ok(outcomes)
}

/// The fenced write for keys whose rows were read: `pending` goes down by what was read, and the key stays
/// ready, with a ticket, when more came in the meantime.
async fn consume(
    conn: &mut PgConnection,
    stage: &Stage,
    batch: &[(Claim, Queue, Verdict<Read>)],
) -> Result<HashMap<Fence, Option<DateTime<Utc>>>, Error> {
    let mut ids = Vec::new();
    let mut epochs = Vec::new();
    let mut counts = Vec::new();
    let mut errors = Vec::new();
    for (claim, queue, verdict) in batch {
        let (count, error) = match verdict {
            Verdict::Done(read) => (read.queue.updates.len(), None),
            Verdict::Failed { error, .. } => (queue.updates.len().min(1), Some(error.clone())),
            Verdict::Retry { .. } | Verdict::Release { .. } => continue,
        };
        ids.push(claim.id);
        epochs.push(claim.epoch);
        counts.push(i32::try_from(count).unwrap_or(i32::MAX));
        errors.push(error);
    }
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"WITH s AS (
               SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::text[]) AS s(id, epoch, n, error)
           ), held AS (
               SELECT k.id FROM intake_keys k JOIN s ON s.id = k.id AND s.epoch = k.epoch
               -- A parameter, not a literal: see `work::table`.
               WHERE k.stage = $5 AND k.state = $6 AND k.owner IS NOT NULL
               ORDER BY k.id FOR NO KEY UPDATE OF k
           )
           UPDATE intake_keys k
           SET pending = greatest(k.pending - s.n, 0), attempts = 0, claims = 0, issues = 0,
               state = CASE WHEN k.pending > s.n THEN 'ready' ELSE 'idle' END,
               issued_at = CASE WHEN k.pending > s.n THEN clock_timestamp() END,
               not_before = clock_timestamp(), owner = NULL, lease_until = NULL,
               last_error = coalesce(s.error, k.last_error)
           FROM s, held WHERE k.id = s.id AND k.epoch = s.epoch AND k.id = held.id
           RETURNING k.id, k.epoch, k.issued_at"#,
        &ids,
        &epochs,
        &counts,
        &errors as _,
        stage.name,
        "ready"
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (Fence { id: row.id, epoch: row.epoch }, row.issued_at)).collect())
}

/// Writes what was read of the keys that were still ours, and opens what can be opened.
async fn write(conn: &mut PgConnection, manners: &Manners, reads: &[&Read]) -> Result<turns::Opened, Error> {
    let (passed, scrubbed) = plain::passed(reads);
    plain::close(conn, &passed, &scrubbed).await?;
    // What nobody said to us opens no conversation.
    let reads: Vec<&Read> = reads.iter().copied().filter(|read| read.has_words()).collect();
    if reads.is_empty() {
        return Ok(turns::Opened::default());
    }
    let senders = scene::senders(&reads);
    let people = contacts::meet(conn, &senders).await?;
    let homes = scene::homes(conn, &reads, &people).await?;
    let mut conversations: Vec<Uuid> = homes.iter().map(|id| id.0).collect();
    if reads.iter().any(|read| read.queue.channel == Channel::Telegram) {
        let partners = desks::partners(conn, &conversations).await?;
        conversations.extend(partners);
        conversations.sort_unstable();
        conversations.dedup();
    }
    conversations::lock(conn, &conversations).await?;
    if reads.iter().any(|read| read.queue.channel == Channel::Telegram) {
        contacts::refresh(conn, &senders).await?;
    }

    let states = scene::states(conn, &homes).await?;
    let refused = plain::refused(conn, manners.contact_rate, &reads, &people).await?;
    let mut scenes = Vec::with_capacity(reads.len());
    for (read, home) in reads.iter().zip(&homes) {
        let state = states.get(&home.0).cloned().unwrap_or_default();
        scenes.push(Scene { read, home: *home, state, people: &people });
    }
    let (simple, other): (Vec<&Scene<'_>>, Vec<&Scene<'_>>) =
        scenes.iter().partition(|scene| scene.is_simple(&refused));
    plain::write(conn, &simple).await?;
    for scene in other {
        conversations.extend(apply::all(conn, manners, scene, &refused).await?);
    }
    conversations.sort_unstable();
    conversations.dedup();
    let delivering: Vec<Uuid> = if reads.iter().any(|read| read.queue.channel.delivers()) {
        conversations.clone()
    } else {
        Vec::new()
    };
    turns::go_on(conn, &conversations, &delivering).await
}

async fn fail_row(conn: &mut PgConnection, id: i64, error: &str) -> Result<(), Error> {
    sqlx::query!("UPDATE inbox SET state = 'failed', last_error = $2 WHERE id = $1", id, error)
        .execute(conn)
        .await?;
    Ok(())
}
