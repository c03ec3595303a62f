//! What the dispatcher asks of the ledger: rows that are ready and have no ticket, or a lost one.
//!
//! It never raises an epoch and never touches a live lease. Two dispatchers at once are harmless: a
//! transaction-scoped advisory lock lets one through and the other does nothing.

mod documents;

use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::{Language, Stage, Stream};
use sqlx::{Postgres, Transaction};

use crate::work::{self, Issued};
use crate::{Error, Ledger, conversations, desks, limiter, outbound, revisions, turns};

/// Tickets one round issues for one stage at the most: a burst after an outage goes out in portions, so
/// that a round stays short.
const PORTION: i64 = 1000;

/// `pg_try_advisory_xact_lock` key of the dispatcher: "vectora" in ASCII. One database, one installation.
const LOCK: i64 = 0x0076_6563_746f_7261;

/// What one round found for one stage.
#[derive(Debug)]
pub struct Found {
    pub stage: Stage,
    /// Publish these: they have a new `issued_at`.
    pub issued: Vec<Issued>,
    /// Some tickets are older than the patience: compare with what NATS still holds, then [`reissue`].
    pub overdue: bool,
}

/// Issues what has no ticket, and tells which stages have old ones. `None`: another dispatcher is at it. Of a stage
/// on [`Stream::Documents`] at most `window` tickets exist that nobody has claimed.
///
/// # Errors
/// [`Error`].
pub async fn round(
    ledger: &Ledger,
    stages: &[Stage],
    patience: Duration,
    window: i64,
) -> Result<Option<Vec<Found>>, Error> {
    // The glance needs no lock and no transaction: when nothing is to be done it is all there is.
    let mut conn = ledger.pool.acquire().await?;
    let mut glances = Vec::with_capacity(stages.len());
    for stage in stages {
        glances.push(work::glance(&mut conn, stage, patience).await?);
    }
    let mut found: Vec<Found> = stages
        .iter()
        .zip(&glances)
        .map(|(stage, glance)| Found { stage: *stage, issued: Vec::new(), overdue: glance.overdue })
        .collect();
    if glances.iter().any(|glance| glance.unissued) {
        drop(conn);
        let mut tx = ledger.begin().await?;
        if !try_lock(&mut tx).await? {
            return Ok(None);
        }
        for (found, glance) in found.iter_mut().zip(&glances) {
            if glance.unissued {
                found.issued = match found.stage.stream {
                    Stream::Turns => {
                        work::issue(&mut tx, &found.stage, patience, None, false, PORTION).await?
                    }
                    Stream::Documents => documents::issue(&mut tx, &found.stage, window).await?,
                };
            }
        }
        tx.commit().await?;
    }
    Ok(Some(found))
}

/// Gives a new `issued_at` to due, unleased rows whose ticket is older than `patience` and, if given, than
/// `before`: those cannot be among the undelivered.
///
/// # Errors
/// [`Error`].
pub async fn reissue(
    ledger: &Ledger,
    stage: &Stage,
    patience: Duration,
    before: Option<DateTime<Utc>>,
) -> Result<Vec<Issued>, Error> {
    let mut tx = ledger.begin().await?;
    if !try_lock(&mut tx).await? {
        return Ok(Vec::new());
    }
    let issued = work::issue(&mut tx, stage, patience, before, true, PORTION).await?;
    tx.commit().await?;
    Ok(issued)
}

/// How long work may take before it is given up.
#[derive(Debug, Clone, Copy)]
pub struct AgeLimits {
    pub turn: Duration,
    pub outbound: Duration,
    pub document: Duration,
    /// Raw updates of channels.
    pub update: Duration,
}

/// What [`tidy`] did.
#[derive(Debug, Default)]
pub struct Tidied {
    pub turns_given_up: usize,
    pub outbound_given_up: usize,
    pub revisions_given_up: usize,
    pub takeovers_returned: usize,
    /// Conversations that could not be handed over.
    pub desks_unreachable: usize,
    /// Tickets of what was opened by it.
    pub issued: Vec<contract::Ticket>,
}

/// Gives up unleased rows past their age limit, returns takeovers nobody looked after, opens turns of a bot that goes
/// on, tells operators what became of their messages, and forgets idempotency keys older than 24 hours and raw updates.
/// What is said to operators is said in their language.
///
/// # Errors
/// [`Error`].
pub async fn tidy(ledger: &Ledger, limits: AgeLimits, operators: Language) -> Result<Tidied, Error> {
    let mut done = Tidied::default();
    let (given_up, tickets) = turns::give_up_old(ledger, limits.turn).await?;
    done.turns_given_up = given_up;
    done.issued.extend(tickets);
    let (given_up, tickets) = outbound::give_up_old(ledger, limits.outbound).await?;
    done.outbound_given_up = given_up;
    done.issued.extend(tickets);
    done.revisions_given_up = revisions::give_up_old(ledger, limits.document).await?;
    for conversation in conversations::lapsed_takeovers(ledger).await? {
        done.issued.extend(desks::lapse(ledger, conversation, operators).await?);
        done.takeovers_returned += 1;
    }
    done.issued.extend(turns::wake(ledger).await?);
    done.issued.extend(desks::tell_fates(ledger, operators).await?);
    let (unreachable, tickets) = desks::give_up_unreachable(ledger).await?;
    done.desks_unreachable = unreachable;
    done.issued.extend(tickets);
    forget_updates(ledger, limits.update).await?;
    limiter::forget(ledger).await?;
    sqlx::query!("DELETE FROM idempotency_keys WHERE created_at < clock_timestamp() - interval '24 hours'")
        .execute(&ledger.pool)
        .await?;
    Ok(done)
}

/// Old raw updates are of no use any more: a repetition comes within a day, and one that could not be read was seen.
async fn forget_updates(ledger: &Ledger, limit: Duration) -> Result<(), Error> {
    sqlx::query!(
        "DELETE FROM inbox WHERE id IN (
             SELECT id FROM inbox
             WHERE external_id IS NOT NULL AND state IN ('done', 'passed', 'failed')
               AND received_at < clock_timestamp() - $1 * interval '1 second'
             LIMIT 1000)",
        work::seconds(limit)
    )
    .execute(&ledger.pool)
    .await?;
    Ok(())
}

async fn try_lock(tx: &mut Transaction<'static, Postgres>) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!("SELECT pg_try_advisory_xact_lock($1) AS \"locked!\"", LOCK)
        .fetch_one(&mut **tx)
        .await?)
}
