//! What a row becomes after a call, or instead of one.

use std::collections::HashMap;
use std::time::Duration;

use contract::{Chat, Kind, OutboundId, Stage, Ticket};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Parcel;
use crate::outbound::{DELIVER, promote};
use crate::work::{self, Claim, Fence, Outcome, Transition, seconds};
use crate::{Error, conversations};

/// What a row becomes.
pub(super) struct Step {
    pub(super) fence: Fence,
    pub(super) state: &'static str,
    pub(super) delay: Duration,
    pub(super) attempts: i32,
    pub(super) claims: i32,
    pub(super) unknowns: i32,
    pub(super) reserved: bool,
    pub(super) issue: bool,
    /// The person is gone for good.
    pub(super) gone: bool,
    /// Write the row that repeats this edit, this much later.
    pub(super) repeat: Option<Duration>,
    /// The message it became; empty: the one it had is gone, and so is its placeholder.
    pub(super) target: Option<String>,
    /// The chat is elsewhere now, or its desk has a topic now, or none any more.
    pub(super) address: Option<String>,
    pub(super) error: Option<String>,
}

impl Step {
    /// Back to `ready`, nothing else changed. A wait is neither an attempt nor a claim that counts.
    pub(super) fn of(claim: &Claim) -> Self {
        Self {
            fence: claim.fence(),
            state: "ready",
            delay: Duration::ZERO,
            attempts: claim.attempts,
            claims: claim.claims,
            unknowns: 0,
            reserved: false,
            issue: false,
            gone: false,
            repeat: None,
            target: None,
            address: None,
            error: None,
        }
    }

    fn ends(&self) -> bool {
        !matches!(self.state, "ready" | "sending")
    }

    fn transition(&self, stage: &Stage) -> Transition {
        Transition {
            fence: self.fence,
            stage: stage.name.to_owned(),
            state: self.state,
            attempts: self.attempts,
            claims: self.claims,
            delay: self.delay,
            issue: self.issue,
            ends: self.ends(),
            error: self.error.clone(),
        }
    }
}

/// The fenced writes, and the successors' turns where a row is over. The caller holds the conversations' locks.
pub(super) async fn close(
    conn: &mut PgConnection,
    stage: &Stage,
    steps: &[(&Step, &Parcel)],
) -> Result<Vec<Outcome>, Error> {
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let transitions: Vec<Transition> = steps.iter().map(|(step, _)| step.transition(stage)).collect();
    let settled = work::settle(conn, stage, &transitions).await?;
    let mut issued: HashMap<Fence, _> = settled.iter().map(|row| (row.fence(), row.issued_at)).collect();
    let mut outcomes = vec![Outcome::default(); steps.len()];
    let (mut ours, mut ended) = (Vec::new(), Vec::new());
    for ((step, parcel), outcome) in steps.iter().zip(&mut outcomes) {
        let Some(issued_at) = issued.remove(&step.fence) else { continue };
        outcome.settled = true;
        if let Some(issued_at) = issued_at {
            let micros = issued_at.timestamp_micros();
            outcome.tickets.push(Ticket::new(Kind::Outbound, step.fence.id, stage.name, micros));
        }
        if step.ends() {
            ended.push(parcel.conversation.0);
        }
        ours.push((*step, *parcel));
    }
    note(conn, &ours).await?;
    for (step, parcel) in ours {
        if let Some(address) = &step.address {
            move_to(conn, parcel, address).await?;
        }
        if step.gone {
            mark_gone(conn, parcel).await?;
        }
        if let Some(after) = step.repeat {
            repeat_later(conn, step.fence.id, after).await?;
        }
    }
    if !ended.is_empty() {
        let tickets = promote(conn, &ended).await?;
        // Whose ticket is whose does not matter to a batch.
        if let Some(first) = outcomes.iter_mut().find(|outcome| outcome.settled) {
            first.tickets.extend(tickets);
        }
    }
    Ok(outcomes)
}

/// What a delivery knows beside its work.
async fn note(conn: &mut PgConnection, steps: &[(&Step, &Parcel)]) -> Result<(), Error> {
    let ids: Vec<Uuid> = steps.iter().map(|(step, _)| step.fence.id).collect();
    let targets: Vec<Option<String>> = steps.iter().map(|(step, _)| step.target.clone()).collect();
    let unknowns: Vec<i32> = steps.iter().map(|(step, _)| step.unknowns).collect();
    let reserved: Vec<bool> = steps.iter().map(|(step, _)| step.reserved).collect();
    sqlx::query!(
        "UPDATE outbound o SET target = coalesce(g.target, o.target), unknowns = o.unknowns + g.unknowns,
             reserved = g.reserved
         FROM unnest($1::uuid[], $2::text[], $3::int[], $4::bool[]) AS g(id, target, unknowns, reserved)
         WHERE o.id = g.id",
        &ids,
        &targets as _,
        &unknowns,
        &reserved
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the row that repeats a final edit once.
async fn repeat_later(conn: &mut PgConnection, id: Uuid, after: Duration) -> Result<(), Error> {
    sqlx::query!(
        "WITH numbered AS (
             UPDATE conversations c SET next_seq = c.next_seq + 1 FROM outbound o
             WHERE o.id = $1 AND c.id = o.conversation_id RETURNING c.next_seq - 1 AS seq
         )
         INSERT INTO outbound
             (id, conversation_id, turn_id, seq, kind, author, text, content, target, stage, state, not_before)
         SELECT $2, o.conversation_id, o.turn_id, numbered.seq, 'repeat', o.author, o.text, o.content, o.target, $3,
                'ready',
                clock_timestamp() + $4 * interval '1 second'
         FROM outbound o, numbered WHERE o.id = $1",
        id,
        OutboundId::new().0,
        DELIVER,
        seconds(after)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives the conversation another address, or its desk another group.
async fn move_to(conn: &mut PgConnection, parcel: &Parcel, address: &str) -> Result<(), Error> {
    // The group of a desk that has no topic yet: the topic is made there.
    let whole = address.parse::<Chat>().is_ok_and(|chat| chat.topic.is_none());
    if whole && parcel.topicless.is_some() {
        sqlx::query!("UPDATE desks SET home = $2 WHERE desk_id = $1", parcel.conversation.0, address)
            .execute(conn)
            .await?;
        return Ok(());
    }
    conversations::move_to(conn, parcel.conversation, address).await
}

async fn mark_gone(conn: &mut PgConnection, parcel: &Parcel) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE contacts p SET gone_at = coalesce(gone_at, clock_timestamp())
         FROM conversations c WHERE c.id = $1 AND p.id = c.contact_id",
        parcel.conversation.0
    )
    .execute(conn)
    .await?;
    Ok(())
}
