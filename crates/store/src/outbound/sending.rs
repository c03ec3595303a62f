//! One delivery: before the call, after the call, and when nobody knows.
//!
//! No channel has an idempotency key: a call that was cut may have arrived. What can be repeated is an
//! edit ("not modified" means it was applied, because nothing else edits that message). So a `final` is
//! always an edit: of the turn's placeholder, or, where that one never arrived for sure, of a stub it sends
//! itself first. What a repeat does, by kind:
//!
//! | outcome unknown of | what happens |
//! |---|---|
//! | an edit | it is repeated, with growing waits |
//! | a placeholder | never repeated; the final sends its own stub. One empty message may remain |
//! | a final's stub | sent again, with growing waits, until the age limit. Each may remain as an empty message |
//! | a part, notice or operator's message | repeated once after 30 s if still the newest, otherwise `held` |
//!
//! **What a late call does:** a paused worker's late placeholder or stub remains as an empty message; its late
//! edit writes the same text. A late plain send is the one thing that can be seen twice, and is counted.

mod parcel;
mod step;

use std::time::Duration;

use contract::{ConversationId, Stage};
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::parcel::{Call, Parcel, Rates, Topicless, load};
use self::step::Step;
use crate::accept::intake_key;
use crate::work::{self, Claim, Outcome, Verdict};
use crate::{Error, Ledger, conversations, limiter};

/// A channel that asks for a longer pause is asked again after this one: a broken header must not silence a
/// chat for ever.
const LONGEST_HOLD: Duration = Duration::from_hours(1);

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

/// How the call ended.
#[derive(Debug, Clone)]
pub enum Delivered {
    /// The channel has it; `target` is the message it became (unchanged for an edit).
    Sent { target: String },
    /// The bytes left and no answer came.
    Unknown,
    /// The channel said "not before".
    Limited { retry_after: Duration },
    /// The topic of the desk is made.
    Opened { topic: i64 },
    /// Nothing was made: the operators' group is another one now.
    Moved { address: String },
    /// Nothing was sent: the topic of the desk is gone.
    TopicGone,
    /// Nothing was edited: the message is gone.
    TargetGone,
    /// The person is gone for good.
    Gone { error: String },
    /// [`begin`] settled it already.
    Over(Outcome),
}

/// Before the call, in one transaction: the bot still has the conversation, a slot of the limiter is drawn
/// (once), and the row says `sending`, so that whoever finds it later knows that a call may be out.
///
/// # Errors
/// [`Error`]. A lost fence is [`Next::Over`] with `settled: false`.
pub async fn begin(
    ledger: &Ledger,
    stage: &Stage,
    claim: &Claim,
    parcel: &Parcel,
    rates: Rates,
) -> Result<Begin, Error> {
    let (chat, rate, bot) = parcel.buckets(&rates);
    // Once: who finds it drawn sends without drawing again.
    let drawn = if parcel.reserved {
        None
    } else {
        Some(limiter::draw(ledger, &[(chat.clone(), rate), (bot, rates.bot)]).await?)
    };
    let mut tx = ledger.begin().await?;
    let handled_by = sqlx::query_scalar!(
        "SELECT handled_by FROM conversations WHERE id = $1 FOR NO KEY UPDATE",
        parcel.conversation.0
    )
    .fetch_one(&mut *tx)
    .await?;
    let Some(row) = sqlx::query!(
        r#"SELECT state, author, o.unknowns > 0 AND (EXISTS (
               SELECT 1 FROM messages m
               WHERE m.conversation_id = o.conversation_id AND m.received_at > o.called_at
           ) OR EXISTS (
               SELECT 1 FROM inbox i
               WHERE i.key_id = $3 AND i.state = 'waiting' AND i.received_at > o.called_at
           ) OR EXISTS (
               SELECT 1 FROM outbound l
               WHERE l.conversation_id = o.conversation_id AND l.seq > o.seq AND l.state = 'sent'
                 AND l.kind <> 'repeat'
           )) AS "overtaken!"
           FROM outbound o
           WHERE id = $1 AND epoch = $2 AND owner IS NOT NULL AND state IN ('ready', 'sending')
           FOR NO KEY UPDATE"#,
        claim.id,
        claim.epoch,
        intake_key(parcel.channel, &parcel.address)
    )
    .fetch_optional(&mut *tx)
    .await?
    else {
        return Ok(Begin::over(Outcome::default(), false));
    };

    let interrupted = row.state == "sending";
    let plain =
        !parcel.is_repeatable() && !parcel.is_stub() && !parcel.opens_topic() && parcel.kind != "placeholder";
    let over = if row.author == "bot" && handled_by != "bot" {
        // A human has the conversation. A call that was under way may have arrived: nobody knows.
        let base = Step::of(claim);
        Some(if interrupted {
            Step { state: "unknown", unknowns: 1, ..base }
        } else {
            Step { state: "cancelled", ..base }
        })
    } else if interrupted && (plain || parcel.kind == "placeholder") {
        Some(parcel.after_unknown(claim, &rates))
    } else if parcel.edits_nothing() {
        let error = Some("what it edits was never sent".to_owned());
        Some(Step { state: "failed", error, ..Step::of(claim) })
    } else if plain && row.overtaken {
        Some(Step { state: "held", ..Step::of(claim) })
    } else {
        None
    };
    if let Some(step) = over {
        let outcome = step.close(&mut tx, stage, parcel).await?;
        tx.commit().await?;
        return Ok(Begin::over(outcome, step.unknowns > 0));
    }

    // A slot that was drawn before the channel asked for a pause is not one any more: after it another is drawn, or all
    // that waited would go at once.
    let wait = match drawn {
        Some(wait) => wait,
        None => limiter::held(&mut tx, &chat).await?,
    };
    if !wait.is_zero() {
        let reserved = drawn.is_some();
        let step = Step { delay: wait, reserved, claims: claim.claims - 1, ..Step::of(claim) };
        let outcome = step.close(&mut tx, stage, parcel).await?;
        tx.commit().await?;
        return Ok(Begin::over(outcome, false));
    }
    // A stub (or a topic) that was interrupted is made again: the first may remain, empty.
    let orphans = i32::from(interrupted && (parcel.is_stub() || parcel.opens_topic()));
    sqlx::query!(
        "UPDATE outbound SET state = 'sending', reserved = false, called_at = clock_timestamp(),
             unknowns = unknowns + $3
         WHERE id = $1 AND epoch = $2",
        claim.id,
        claim.epoch,
        orphans
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Begin { step: Next::Call(parcel.call()), unknown: orphans > 0 })
}

/// After the call. Terminal states let the next row of the conversation go.
///
/// # Errors
/// [`Error`]; at COMMIT the outcome is unknown.
pub async fn settle(
    ledger: &Ledger,
    stage: &Stage,
    rates: Rates,
    batch: &[(Claim, Parcel, Verdict<Delivered>)],
) -> Result<Vec<Outcome>, Error> {
    let mut tx = ledger.begin().await?;
    let homes: Vec<Uuid> = batch.iter().map(|(_, parcel, _)| parcel.conversation.0).collect();
    conversations::lock(&mut tx, &homes).await?;
    // Rows are locked in the order of their ids, as everywhere: a renewal locks many of them at once.
    let mut order: Vec<usize> = (0..batch.len()).collect();
    order.sort_unstable_by_key(|n| batch[*n].0.id);
    let mut outcomes = vec![Outcome::default(); batch.len()];
    let mut limited = Vec::new();
    for n in order {
        let (claim, parcel, verdict) = &batch[n];
        let base = Step::of(claim);
        let step = match verdict {
            Verdict::Done(Delivered::Over(outcome)) => {
                outcomes[n] = outcome.clone();
                continue;
            }
            Verdict::Done(Delivered::Sent { target }) if parcel.is_stub() => {
                // Half of the way: what counted before counts no more.
                Step { issue: true, target: Some(target.clone()), attempts: 0, claims: 0, ..base }
            }
            Verdict::Done(Delivered::Sent { target }) => Step {
                state: "sent",
                target: Some(target.clone()),
                repeat: (claim.lapsed && parcel.is_final()).then_some(rates.repeat_after),
                ..base
            },
            Verdict::Done(Delivered::Unknown) => parcel.after_unknown(claim, &rates),
            Verdict::Done(Delivered::Limited { retry_after }) => {
                // A wait is no claim that counts: a long storm must not look like an item that kills workers.
                let retry_after = (*retry_after).min(LONGEST_HOLD);
                limited.push((parcel, retry_after));
                Step { delay: retry_after, claims: claim.claims - 1, ..base }
            }
            Verdict::Done(Delivered::Opened { topic }) => {
                let home = parcel.topicless.as_ref().map(|topicless| topicless.home.as_str());
                let address = home.map(|home| format!("{home}:{topic}"));
                Step { issue: true, address, attempts: 0, claims: 0, ..base }
            }
            Verdict::Done(Delivered::Moved { address }) => {
                Step { address: Some(address.clone()), ..again(claim, &rates) }
            }
            Verdict::Done(Delivered::TopicGone) if !parcel.desk => {
                Step { state: "failed", error: Some("the topic is gone".to_owned()), ..base }
            }
            Verdict::Done(Delivered::TopicGone) => {
                let address = desk_address(parcel.conversation);
                Step { address: Some(address), ..again(claim, &rates) }
            }
            // Somebody deleted it: the answer comes as a new message.
            Verdict::Done(Delivered::TargetGone) if parcel.is_final() => {
                Step { target: Some(String::new()), ..again(claim, &rates) }
            }
            Verdict::Done(Delivered::TargetGone) => {
                Step { state: "failed", error: Some("the message to edit is gone".to_owned()), ..base }
            }
            Verdict::Done(Delivered::Gone { error }) => {
                Step { state: "failed", gone: true, error: Some(error.clone()), ..base }
            }
            Verdict::Failed { error, cut_off } => {
                // Cut off inside the call for the last time: it may have arrived all the same.
                let unknown = left_as(&mut tx, claim, *cut_off).await? == "sending";
                Step {
                    state: if unknown { "unknown" } else { "failed" },
                    unknowns: i32::from(unknown),
                    attempts: claim.attempts + 1,
                    error: Some(error.clone()),
                    ..base
                }
            }
            Verdict::Retry { delay, error, cut_off } => Step {
                state: left_as(&mut tx, claim, *cut_off).await?,
                delay: *delay,
                attempts: claim.attempts + 1,
                error: Some(error.clone()),
                ..base
            },
            Verdict::Release { delay, error, cut_off } => Step {
                state: left_as(&mut tx, claim, *cut_off).await?,
                delay: *delay,
                claims: claim.claims - 1,
                error: Some(error.clone()),
                ..base
            },
        };
        outcomes[n] = step.close(&mut tx, stage, parcel).await?;
    }
    limited.sort_by(|(one, _), (other, _)| one.address.cmp(&other.address));
    for (parcel, retry_after) in limited {
        let (chat, rate, _) = parcel.buckets(&rates);
        limiter::hold_off(&mut tx, &chat, rate, retry_after).await?;
    }
    work::uncommitted(stage).await;
    tx.commit().await?;
    Ok(outcomes)
}

/// At once, in another way, as long as there are attempts.
fn again(claim: &Claim, rates: &Rates) -> Step {
    let attempts = claim.attempts + 1;
    let state = if attempts < rates.attempts { "ready" } else { "failed" };
    Step { state, attempts, issue: state == "ready", ..Step::of(claim) }
}

/// The address of a desk without a topic.
pub(crate) fn desk_address(desk: ConversationId) -> String {
    format!("desk:{desk}")
}

/// The state of a row that is to be claimed again. A call that was cut off may have arrived, so its row
/// stays `sending`, and the next claim knows; otherwise nothing was sent.
async fn left_as(conn: &mut PgConnection, claim: &Claim, cut_off: bool) -> Result<&'static str, Error> {
    if !cut_off {
        return Ok("ready");
    }
    let state =
        sqlx::query_scalar!("SELECT state FROM outbound WHERE id = $1 AND epoch = $2", claim.id, claim.epoch)
            .fetch_optional(conn)
            .await?;
    Ok(if state.as_deref() == Some("sending") { "sending" } else { "ready" })
}
