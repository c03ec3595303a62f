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

mod begin;
mod parcel;
mod step;

use std::time::Duration;

use contract::{ConversationId, Stage};
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::begin::{Begin, Next, begin};
pub use self::parcel::{Call, Parcel, Rates, Topicless, load};
use self::step::Step;
use crate::work::{self, Claim, Outcome, Verdict};
use crate::{Error, Ledger, conversations, limiter};

/// A channel that asks for a longer pause is asked again after this one: a broken header must not silence a
/// chat for ever.
const LONGEST_HOLD: Duration = Duration::from_hours(1);

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
    let mut outcomes = vec![Outcome::default(); batch.len()];
    let (mut steps, mut limited) = (Vec::with_capacity(batch.len()), Vec::new());
    for (n, (claim, parcel, verdict)) in batch.iter().enumerate() {
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
        steps.push((n, step));
    }
    let closed: Vec<(&Step, &Parcel)> = steps.iter().map(|(n, step)| (step, &batch[*n].1)).collect();
    let closed = step::close(&mut tx, stage, &closed).await?;
    for ((n, _), outcome) in steps.iter().zip(closed) {
        outcomes[*n] = outcome;
    }
    let mut held: Vec<_> = limited.iter().map(|(parcel, wait)| (parcel.buckets(&rates), *wait)).collect();
    held.sort_by(|((one, ..), _), ((other, ..), _)| one.cmp(other));
    for ((chat, rate, _), retry_after) in held {
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
