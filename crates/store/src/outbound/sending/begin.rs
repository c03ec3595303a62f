//! Before the call: may it be made now?

use std::collections::HashMap;
use std::time::Duration;

use contract::Stage;
use sqlx::PgConnection;
use uuid::Uuid;

use super::parcel::{Call, Parcel, Rates};
use super::step::{self, Step};
use crate::accept::intake_key;
use crate::limiter::{self, Draw};
use crate::work::{Claim, Outcome};
use crate::{Error, Ledger};

/// What [`begin`] decided.
#[derive(Debug)]
pub struct Begin {
    pub step: Next,
    /// A call of an earlier claim was interrupted, and nobody knows what became of it.
    pub unknown: bool,
}

/// What is to be done.
#[derive(Debug)]
pub enum Next {
    /// The row is `sending`: make the call.
    Call(Call),
    /// No call: the row has been settled (it waits for its slot, is cancelled, held or unknown).
    Over(Outcome),
}

impl Begin {
    const fn over(outcome: Outcome, unknown: bool) -> Self {
        Self { step: Next::Over(outcome), unknown }
    }
}

/// A claimed row as it is now, its conversation locked.
struct Row {
    handled_by: String,
    state: String,
    author: String,
    overtaken: bool,
}

/// What becomes of one parcel.
enum Decision<'a> {
    /// Somebody else has it.
    Lost,
    Close(&'a Parcel, Step),
    /// `orphans`: what an interrupted call may have left.
    Call(&'a Claim, &'a Parcel, i32),
}

/// Before the calls, in one transaction: the bot still has the conversation, a slot of the limiter is drawn
/// (once), and the row says `sending`, so that whoever finds it later knows that a call may be out.
///
/// # Errors
/// [`Error`]. A lost fence is [`Next::Over`] with `settled: false`.
pub async fn begin(
    ledger: &Ledger,
    stage: &Stage,
    rates: Rates,
    batch: &[(Claim, Parcel)],
) -> Result<Vec<Begin>, Error> {
    let mut drawn = draw(ledger, &rates, batch).await?;
    let mut tx = ledger.begin().await?;
    let mut rows = lock(&mut tx, batch).await?;
    let held = held(&mut tx, &rates, batch).await?;

    let decisions: Vec<Decision<'_>> = batch
        .iter()
        .enumerate()
        .map(|(n, (claim, parcel))| {
            let Some(row) = rows.remove(&n) else { return Decision::Lost };
            if let Some(step) = over(claim, parcel, &rates, &row) {
                return Decision::Close(parcel, step);
            }
            // A slot that was drawn before the channel asked for a pause is not one any more: after it another is
            // drawn, or all that waited would go at once.
            let drawn = drawn.remove(&n);
            let reserved = drawn.is_some();
            let wait = drawn.unwrap_or_else(|| {
                let (chat, ..) = parcel.buckets(&rates);
                held.get(&chat).copied().unwrap_or_default()
            });
            if !wait.is_zero() {
                let step = Step { delay: wait, reserved, claims: claim.claims - 1, ..Step::of(claim) };
                return Decision::Close(parcel, step);
            }
            // A stub (or a topic) that was interrupted is made again: the first may remain, empty.
            let interrupted = row.state == "sending";
            Decision::Call(
                claim,
                parcel,
                i32::from(interrupted && (parcel.is_stub() || parcel.opens_topic())),
            )
        })
        .collect();
    mark(&mut tx, &decisions).await?;
    let closing: Vec<(&Step, &Parcel)> = decisions
        .iter()
        .filter_map(|decision| match decision {
            Decision::Close(parcel, step) => Some((step, *parcel)),
            Decision::Lost | Decision::Call(..) => None,
        })
        .collect();
    let mut closed = step::close(&mut tx, stage, &closing).await?.into_iter();
    tx.commit().await?;

    Ok(decisions
        .iter()
        .map(|decision| match decision {
            Decision::Lost => Begin::over(Outcome::default(), false),
            Decision::Close(_, step) => Begin::over(closed.next().unwrap_or_default(), step.unknowns > 0),
            Decision::Call(_, parcel, orphans) => {
                Begin { step: Next::Call(parcel.call()), unknown: *orphans > 0 }
            }
        })
        .collect())
}

/// Slots for those that have none, by their place in the batch. Once: who finds it drawn sends without drawing again.
async fn draw(
    ledger: &Ledger,
    rates: &Rates,
    batch: &[(Claim, Parcel)],
) -> Result<HashMap<usize, Duration>, Error> {
    let wanted: Vec<(usize, Draw)> = batch
        .iter()
        .enumerate()
        .filter(|(_, (_, parcel))| !parcel.reserved)
        .map(|(n, (_, parcel))| {
            let (chat, rate, bot) = parcel.buckets(rates);
            (n, Draw { first: (chat, rate), then: (bot, rates.bot) })
        })
        .collect();
    let draws: Vec<&Draw> = wanted.iter().map(|(_, draw)| draw).collect();
    let waits = limiter::draw(ledger, &draws).await?;
    Ok(wanted.iter().map(|(n, _)| *n).zip(waits).collect())
}

/// Locks the conversations, then the rows that are still ours, which are returned by their place in the batch.
async fn lock(conn: &mut PgConnection, batch: &[(Claim, Parcel)]) -> Result<HashMap<usize, Row>, Error> {
    let homes: Vec<Uuid> = batch.iter().map(|(_, parcel)| parcel.conversation.0).collect();
    let handled_by: HashMap<Uuid, String> = sqlx::query!(
        "SELECT id, handled_by FROM conversations WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
        &homes
    )
    .fetch_all(&mut *conn)
    .await?
    .into_iter()
    .map(|row| (row.id, row.handled_by))
    .collect();
    let ids: Vec<Uuid> = batch.iter().map(|(claim, _)| claim.id).collect();
    let epochs: Vec<i64> = batch.iter().map(|(claim, _)| claim.epoch).collect();
    let keys: Vec<Uuid> =
        batch.iter().map(|(_, parcel)| intake_key(parcel.channel, &parcel.address)).collect();
    let states = ["ready", "sending"];
    let rows = sqlx::query!(
        r#"SELECT g.n AS "n!", o.state, o.author, CASE WHEN o.unknowns > 0 THEN EXISTS (
               SELECT 1 FROM messages m
               WHERE m.conversation_id = o.conversation_id AND m.received_at > o.called_at
           ) OR EXISTS (
               SELECT 1 FROM inbox i
               WHERE i.key_id = g.key AND i.state = 'waiting' AND i.received_at > o.called_at
           ) OR EXISTS (
               SELECT 1 FROM outbound l
               WHERE l.conversation_id = o.conversation_id AND l.seq > o.seq AND l.state = 'sent'
                 AND l.kind <> 'repeat'
           ) ELSE false END AS "overtaken!"
           FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) WITH ORDINALITY AS g(id, epoch, key, n)
           JOIN outbound o ON o.id = g.id AND o.epoch = g.epoch
           -- A parameter, not a literal: see `work::table`.
           WHERE o.owner IS NOT NULL AND o.state = ANY($4)
           ORDER BY o.id FOR NO KEY UPDATE OF o"#,
        &ids,
        &epochs,
        &keys,
        &states as &[&str]
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let n = usize::try_from(row.n - 1).ok()?;
            let handled_by = handled_by.get(&batch.get(n)?.1.conversation.0)?.clone();
            Some((n, Row { handled_by, state: row.state, author: row.author, overtaken: row.overtaken }))
        })
        .collect())
}

/// The pauses that channels asked for, of the chats whose slots were drawn before.
async fn held(
    conn: &mut PgConnection,
    rates: &Rates,
    batch: &[(Claim, Parcel)],
) -> Result<HashMap<String, Duration>, Error> {
    let reserved = batch.iter().filter(|(_, parcel)| parcel.reserved);
    let chats: Vec<String> = reserved.map(|(_, parcel)| parcel.buckets(rates).0).collect();
    limiter::held(conn, &chats).await
}

/// What becomes of a row that is not to be sent.
fn over(claim: &Claim, parcel: &Parcel, rates: &Rates, row: &Row) -> Option<Step> {
    let interrupted = row.state == "sending";
    let plain =
        !parcel.is_repeatable() && !parcel.is_stub() && !parcel.opens_topic() && parcel.kind != "placeholder";
    let base = Step::of(claim);
    if row.author == "bot" && row.handled_by != "bot" {
        // A human has the conversation. A call that was under way may have arrived: nobody knows.
        Some(if interrupted {
            Step { state: "unknown", unknowns: 1, ..base }
        } else {
            Step { state: "cancelled", ..base }
        })
    } else if interrupted && (plain || parcel.kind == "placeholder") {
        Some(parcel.after_unknown(claim, rates))
    } else if parcel.edits_nothing() {
        let error = Some("what it edits was never sent".to_owned());
        Some(Step { state: "failed", error, ..base })
    } else if plain && row.overtaken {
        Some(Step { state: "held", ..base })
    } else {
        None
    }
}

/// Those that are called say so.
async fn mark(conn: &mut PgConnection, decisions: &[Decision<'_>]) -> Result<(), Error> {
    let (mut ids, mut epochs, mut orphans) = (Vec::new(), Vec::new(), Vec::new());
    for decision in decisions {
        if let Decision::Call(claim, _, left) = decision {
            ids.push(claim.id);
            epochs.push(claim.epoch);
            orphans.push(*left);
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE outbound o SET state = 'sending', reserved = false, called_at = clock_timestamp(),
             unknowns = o.unknowns + g.orphans
         FROM unnest($1::uuid[], $2::bigint[], $3::int[]) AS g(id, epoch, orphans)
         WHERE o.id = g.id AND o.epoch = g.epoch",
        &ids,
        &epochs,
        &orphans
    )
    .execute(conn)
    .await?;
    Ok(())
}
