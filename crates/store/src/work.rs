//! Work is a row: claim, renew, settle, issue, once for every table that has the work columns.
//!
//! `stage, state, epoch, claims, attempts, not_before, issued_at, claimed_at, owner, lease_until,
//! last_error, created_at, ended_at`. Leases and due times use the database's clock. Only a claim raises
//! the epoch, and every write of a worker names the epoch it holds: a worker that was paused and comes
//! back finds no row and changes nothing.
//!
//! Every function takes many rows and is one statement; each row is fenced on its own, and a row that lost
//! its fence is simply not returned.

mod row;
mod table;

use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::{Kind, Stage};
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::row::{Claim, Fence, Issued, LONGEST_RETRY, Outcome, Transition, Verdict, retry_delay};
pub(crate) use self::row::{Glance, Settled, seconds};
use self::table::{embed_batches, escalations, intake_keys, outbound, revisions, turns};
use crate::{Error, Ledger};

/// Calls the same statement of the table a kind lives in.
macro_rules! of_kind {
    ($kind:expr, $function:ident($($argument:expr),*)) => {
        match $kind {
            Kind::IntakeKey => intake_keys::$function($($argument),*).await,
            Kind::Turn => turns::$function($($argument),*).await,
            Kind::Escalation => escalations::$function($($argument),*).await,
            Kind::Outbound => outbound::$function($($argument),*).await,
            Kind::Revision => revisions::$function($($argument),*).await,
            Kind::EmbedBatch => embed_batches::$function($($argument),*).await,
        }
    };
}

/// Claims, and what became of the rows that could not be claimed.
#[derive(Debug, Clone, Default)]
pub struct Claimed {
    pub claims: Vec<Claim>,
    /// Rows at a later stage whose ticket may have been lost between commit and publish: publish it again
    /// under the same id.
    pub moved_on: Vec<Issued>,
}

/// Claims those of `ids` that are due and unleased, for `lease`.
///
/// # Errors
/// [`Error`]; an unknown outcome leaves a lease that runs out by itself.
pub async fn claim(
    ledger: &Ledger,
    stage: &Stage,
    ids: &[Uuid],
    owner: &str,
    lease: Duration,
) -> Result<Claimed, Error> {
    let mut conn = ledger.pool.acquire().await?;
    let claims = of_kind!(stage.kind, claim(&mut conn, stage.name, ids, owner, lease))?;
    let missed: Vec<Uuid> =
        ids.iter().filter(|id| claims.iter().all(|claim| claim.id != **id)).copied().collect();
    let moved_on = if missed.is_empty() {
        Vec::new()
    } else {
        of_kind!(stage.kind, moved_on(&mut conn, stage.name, &missed))?
    };
    Ok(Claimed { claims, moved_on })
}

/// Renews leases. What does not come back is no longer ours.
///
/// # Errors
/// [`Error`].
pub async fn renew(
    ledger: &Ledger,
    kind: Kind,
    fences: &[Fence],
    lease: Duration,
) -> Result<Vec<Fence>, Error> {
    let mut conn = ledger.pool.acquire().await?;
    Ok(of_kind!(kind, renew(&mut conn, fences, lease))?)
}

/// The fenced write every settle begins with. Returns the rows that were still ours.
pub(crate) async fn settle(
    conn: &mut PgConnection,
    stage: &Stage,
    transitions: &[Transition],
) -> Result<Vec<Settled>, Error> {
    Ok(of_kind!(stage.kind, settle(conn, stage.name, transitions))?)
}

/// Locks rows in the order of their ids, for a settle that writes them one after the other: a renewal locks
/// many at once, in that order.
pub(crate) async fn lock(conn: &mut PgConnection, kind: Kind, ids: &[Uuid]) -> Result<(), Error> {
    Ok(of_kind!(kind, lock(conn, ids))?)
}

/// Gives a claimed row back that cannot be worked on here: it waits, and the claim counts.
///
/// # Errors
/// [`Error`].
pub async fn give_back(
    ledger: &Ledger,
    stage: &Stage,
    claim: &Claim,
    delay: Duration,
    error: &str,
) -> Result<(), Error> {
    let state = match stage.kind {
        Kind::IntakeKey | Kind::Outbound => "ready",
        Kind::Turn => "active",
        Kind::Escalation | Kind::EmbedBatch => "open",
        Kind::Revision => "building",
    };
    let transition = Transition {
        fence: claim.fence(),
        stage: stage.name.to_owned(),
        state,
        attempts: claim.attempts,
        claims: claim.claims,
        delay,
        issue: false,
        ends: false,
        error: Some(error.to_owned()),
    };
    let mut conn = ledger.pool.acquire().await?;
    settle(&mut conn, stage, &[transition]).await?;
    Ok(())
}

/// The kill point inside a settle: everything is written, nothing is committed.
pub(crate) async fn uncommitted(stage: &Stage) {
    if runtime::fault::armed() {
        runtime::fault::point(&format!("{}.uncommitted", stage.name)).await;
    }
}

/// Whether the dispatcher has anything to do for a stage.
pub(crate) async fn glance(
    conn: &mut PgConnection,
    stage: &Stage,
    patience: Duration,
) -> Result<Glance, Error> {
    Ok(of_kind!(stage.kind, glance(conn, stage.name, patience))?)
}

/// Gives a new `issued_at` to due, unleased rows that have none or, if `lost`, to those instead whose ticket is
/// older than `patience` and than `before` (`None`: no ticket of the stage is undelivered). Rows without one are
/// never among the lost: of documents only a window of tickets may exist.
///
/// Each issue without a claim doubles the patience, up to 30 s: a ticket that nobody here can read (a
/// newer release's) does not come round in a tight loop.
pub(crate) async fn issue(
    conn: &mut PgConnection,
    stage: &Stage,
    patience: Duration,
    before: Option<DateTime<Utc>>,
    lost: bool,
    limit: i64,
) -> Result<Vec<Issued>, Error> {
    Ok(of_kind!(stage.kind, issue(conn, stage.name, patience, before, lost, limit))?)
}
