//! Work is a row: claim, renew, settle, issue, once for every table that has the work columns.
//!
//! `stage, state, epoch, claims, attempts, not_before, issued_at, claimed_at, owner, lease_until,
//! last_error, created_at, ended_at`. Leases and due times use the database's clock. Only a claim raises
//! the epoch, and every write of a worker names the epoch it holds: a worker that was paused and comes
//! back finds no row and changes nothing.
//!
//! Every function takes many rows and is one statement; each row is fenced on its own, and a row that lost
//! its fence is simply not returned.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::{Kind, Stage, Ticket};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Ledger};

/// What a claim gives: the right to settle this row, as long as nobody claims it after us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub id: Uuid,
    pub epoch: i64,
    /// Claims of this row at this stage, this one included.
    pub claims: i32,
    /// Failed attempts of this row at this stage.
    pub attempts: i32,
    /// The row was taken over from a lease that ran out: its last owner may have done part of the work.
    pub lapsed: bool,
    /// By the database's clock.
    pub claimed_at: DateTime<Utc>,
}

/// The proof of a claim that every write of a worker carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fence {
    pub id: Uuid,
    pub epoch: i64,
}

impl Claim {
    pub const fn fence(&self) -> Fence {
        Fence { id: self.id, epoch: self.epoch }
    }
}

/// What becomes of a claimed row: its next stage and state, and when it may be claimed again.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    pub fence: Fence,
    pub stage: String,
    pub state: &'static str,
    pub attempts: i32,
    pub claims: i32,
    /// From now until it may be claimed.
    pub delay: Duration,
    /// Set `issued_at`: the caller will publish the ticket.
    pub issue: bool,
    /// The state is terminal: set `ended_at`.
    pub ends: bool,
    pub error: Option<String>,
}

/// How a claimed row is left, whatever its table.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict<T> {
    /// The work is done; this is its result.
    Done(T),
    /// This item failed: again after a delay, one attempt used. `cut_off`: the handler did not come to its
    /// own end, and what it was doing outside may have been done.
    Retry { delay: Duration, error: String, cut_off: bool },
    /// A dependency is away, or the worker stops: the claim is taken back, nothing is counted. `cut_off` as
    /// above.
    Release { delay: Duration, error: String, cut_off: bool },
    /// Given up, with the follow-up of its table.
    Failed { error: String },
}

impl<T> Verdict<T> {
    /// The transition of a row that stays at its stage in `state`; `None` for the two endings, which
    /// depend on the table.
    pub(crate) fn stay(&self, claim: &Claim, stage: &Stage, state: &'static str) -> Option<Transition> {
        let (attempts, claims, delay, error) = match self {
            Self::Done(_) | Self::Failed { .. } => return None,
            Self::Retry { delay, error, .. } => (claim.attempts + 1, claim.claims, *delay, error),
            Self::Release { delay, error, .. } => (claim.attempts, claim.claims - 1, *delay, error),
        };
        Some(Transition {
            fence: claim.fence(),
            stage: stage.name.to_owned(),
            state,
            attempts,
            claims,
            delay,
            issue: false,
            ends: false,
            error: Some(error.clone()),
        })
    }

    /// The transition of a row whose work ends here.
    pub(crate) fn end(&self, claim: &Claim, stage: &Stage, state: &'static str) -> Transition {
        // What was given up had one more attempt: the last.
        let (error, attempts) = match self {
            Self::Failed { error } => (Some(error.clone()), claim.attempts + 1),
            _ => (None, claim.attempts),
        };
        Transition {
            fence: claim.fence(),
            stage: stage.name.to_owned(),
            state,
            attempts,
            claims: claim.claims,
            delay: Duration::ZERO,
            issue: false,
            ends: true,
            error,
        }
    }
}

/// A row that has an `issued_at` its caller shall publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    pub id: Uuid,
    pub stage: String,
    pub issued_at: DateTime<Utc>,
}

impl Issued {
    pub fn ticket(&self, kind: Kind) -> Ticket {
        Ticket::new(kind, self.id, &self.stage, self.issued_at.timestamp_micros())
    }
}

/// What the dispatcher sees at a glance, for one stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Glance {
    /// Rows that are due and have no ticket.
    pub unissued: bool,
    /// Rows whose ticket is older than the patience given.
    pub overdue: bool,
}

/// The longest wait between two attempts.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// Wait before the attempt after `attempts` failed ones: `first`, then four times as long each, at most a
/// minute. With 1 s: 1, 4, 16, 60, 60 s.
pub fn retry_delay(first: Duration, attempts: i32) -> Duration {
    let factor = 4_u32.saturating_pow(attempts.max(0).unsigned_abs());
    first.saturating_mul(factor).min(LONGEST_RETRY)
}

pub(crate) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn split(fences: &[Fence]) -> (Vec<Uuid>, Vec<i64>) {
    fences.iter().map(|fence| (fence.id, fence.epoch)).unzip()
}

/// The statements of one table of work. `$claimable` are the states a claim accepts.
macro_rules! work_table {
    ($module:ident, $table:literal, $claimable:literal) => {
        pub(crate) mod $module {
            use super::*;

            pub(crate) async fn claim(
                conn: &mut PgConnection,
                stage: &str,
                ids: &[Uuid],
                owner: &str,
                lease: Duration,
            ) -> Result<Vec<Claim>, sqlx::Error> {
                let rows = sqlx::query!(
                    "WITH due AS (
                         SELECT id, owner IS NOT NULL AS lapsed FROM "
                        + $table
                        + " WHERE id = ANY($1) AND stage = $2 AND state IN ("
                        + $claimable
                        + ") AND not_before <= clock_timestamp()
                             AND (lease_until IS NULL OR lease_until < clock_timestamp())
                         ORDER BY id FOR NO KEY UPDATE
                     )
                     UPDATE "
                        + $table
                        + " t SET epoch = t.epoch + 1, claims = t.claims + 1, owner = $3,
                            lease_until = clock_timestamp() + $4 * interval '1 second',
                            claimed_at = clock_timestamp(), issued_at = NULL, issues = 0
                     FROM due WHERE t.id = due.id
                     RETURNING t.id, t.epoch, t.claims, t.attempts, due.lapsed AS \"lapsed!\",
                         t.claimed_at AS \"claimed_at!\"",
                    ids,
                    stage,
                    owner,
                    seconds(lease)
                )
                .fetch_all(conn)
                .await?;
                Ok(rows
                    .into_iter()
                    .map(|row| Claim {
                        id: row.id,
                        epoch: row.epoch,
                        claims: row.claims,
                        attempts: row.attempts,
                        lapsed: row.lapsed,
                        claimed_at: row.claimed_at,
                    })
                    .collect())
            }

            /// Rows that moved on, have a ticket for a later stage, and wait for it.
            pub(crate) async fn moved_on(
                conn: &mut PgConnection,
                stage: &str,
                ids: &[Uuid],
            ) -> Result<Vec<Issued>, sqlx::Error> {
                sqlx::query_as!(
                    Issued,
                    "SELECT id, stage, issued_at AS \"issued_at!\" FROM "
                        + $table
                        + " WHERE id = ANY($1) AND stage <> $2 AND state IN ("
                        + $claimable
                        + ") AND not_before <= clock_timestamp() AND issued_at IS NOT NULL
                             AND (lease_until IS NULL OR lease_until < clock_timestamp())",
                    ids,
                    stage
                )
                .fetch_all(conn)
                .await
            }

            pub(crate) async fn renew(
                conn: &mut PgConnection,
                fences: &[Fence],
                lease: Duration,
            ) -> Result<Vec<Fence>, sqlx::Error> {
                let (ids, epochs) = split(fences);
                sqlx::query_as!(
                    Fence,
                    "WITH held AS (
                         SELECT t.id FROM "
                        + $table
                        + " t JOIN unnest($1::uuid[], $2::bigint[]) AS h(id, epoch)
                             ON h.id = t.id AND h.epoch = t.epoch
                         WHERE t.state IN ("
                        + $claimable
                        + ") AND t.owner IS NOT NULL ORDER BY t.id FOR NO KEY UPDATE OF t
                     )
                     UPDATE "
                        + $table
                        + " t SET lease_until = clock_timestamp() + $3 * interval '1 second'
                     FROM held WHERE t.id = held.id RETURNING t.id, t.epoch",
                    &ids,
                    &epochs,
                    seconds(lease)
                )
                .fetch_all(conn)
                .await
            }

            pub(crate) async fn lock(conn: &mut PgConnection, ids: &[Uuid]) -> Result<(), sqlx::Error> {
                sqlx::query!(
                    "SELECT id FROM " + $table + " WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
                    ids
                )
                .fetch_all(conn)
                .await?;
                Ok(())
            }

            /// See [`super::settle`].
            pub(crate) async fn settle(
                conn: &mut PgConnection,
                stage: &str,
                transitions: &[Transition],
            ) -> Result<Vec<Settled>, sqlx::Error> {
                let columns = Columns::of(transitions);
                sqlx::query_as!(
                    Settled,
                    "WITH s AS (
                         SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[],
                             $5::int[], $6::int[], $7::float8[], $8::bool[], $9::bool[], $10::text[])
                             AS s(id, epoch, stage, state, attempts, claims, delay, issue, ends, error)
                     ), held AS (
                         SELECT t.id FROM "
                        + $table
                        + " t JOIN s ON s.id = t.id AND s.epoch = t.epoch
                         WHERE t.stage = $11 AND t.owner IS NOT NULL AND t.state IN ("
                        + $claimable
                        + ") ORDER BY t.id FOR NO KEY UPDATE OF t
                     )
                     UPDATE "
                        + $table
                        + " t SET stage = s.stage, state = s.state, attempts = s.attempts,
                            claims = s.claims,
                            not_before = clock_timestamp() + s.delay * interval '1 second',
                            issued_at = CASE WHEN s.issue THEN clock_timestamp() END, issues = 0,
                            owner = NULL, lease_until = NULL,
                            last_error = coalesce(s.error, t.last_error),
                            ended_at = CASE WHEN s.ends THEN clock_timestamp() END
                     FROM s, held WHERE t.id = s.id AND t.epoch = s.epoch AND t.id = held.id
                     RETURNING t.id, t.epoch, t.stage, t.issued_at",
                    &columns.ids,
                    &columns.epochs,
                    &columns.stages,
                    &columns.states,
                    &columns.attempts,
                    &columns.claims,
                    &columns.delays,
                    &columns.issues,
                    &columns.ends,
                    &columns.errors as _,
                    stage
                )
                .fetch_all(conn)
                .await
            }

            /// See [`super::glance`].
            pub(crate) async fn glance(
                conn: &mut PgConnection,
                stage: &str,
                patience: Duration,
            ) -> Result<Glance, sqlx::Error> {
                sqlx::query_as!(
                    Glance,
                    "SELECT EXISTS (SELECT 1 FROM "
                        + $table
                        + " WHERE stage = $1 AND state IN ("
                        + $claimable
                        + ") AND issued_at IS NULL AND not_before <= clock_timestamp()
                             AND (lease_until IS NULL OR lease_until < clock_timestamp())) AS \"unissued!\",
                         EXISTS (SELECT 1 FROM "
                        + $table
                        + " WHERE stage = $1 AND state IN ("
                        + $claimable
                        + ") AND issued_at < clock_timestamp() - $2 * interval '1 second') AS \"overdue!\"",
                    stage,
                    seconds(patience)
                )
                .fetch_one(conn)
                .await
            }

            /// See [`super::issue`].
            pub(crate) async fn issue(
                conn: &mut PgConnection,
                stage: &str,
                patience: Duration,
                before: Option<DateTime<Utc>>,
                lost: bool,
                limit: i64,
            ) -> Result<Vec<Issued>, sqlx::Error> {
                sqlx::query_as!(
                    Issued,
                    "WITH due AS (
                         SELECT id FROM "
                        + $table
                        + " WHERE stage = $1 AND state IN ("
                        + $claimable
                        + ") AND not_before <= clock_timestamp()
                             AND (lease_until IS NULL OR lease_until < clock_timestamp())
                             AND (issued_at IS NULL OR ($4 AND issued_at < least(
                                 clock_timestamp() - least($2 * 2 ^ least(issues, 6), 30)
                                     * interval '1 second',
                                 $3::timestamptz)))
                         ORDER BY issued_at NULLS FIRST, id LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED
                     )
                     UPDATE "
                        + $table
                        + " t SET issued_at = clock_timestamp(), issues = t.issues + 1 FROM due WHERE t.id = due.id
                     RETURNING t.id, t.stage, t.issued_at AS \"issued_at!\"",
                    stage,
                    seconds(patience),
                    before,
                    lost,
                    limit
                )
                .fetch_all(conn)
                .await
            }
        }
    };
}

work_table!(intake_keys, "intake_keys", "'ready'");
work_table!(turns, "turns", "'active'");
work_table!(escalations, "escalations", "'open'");
work_table!(outbound, "outbound", "'ready', 'sending'");

/// Calls the same statement of the table a kind lives in.
macro_rules! of_kind {
    ($kind:expr, $function:ident($($argument:expr),*)) => {
        match $kind {
            Kind::IntakeKey => intake_keys::$function($($argument),*).await,
            Kind::Turn => turns::$function($($argument),*).await,
            Kind::Escalation => escalations::$function($($argument),*).await,
            Kind::Outbound => outbound::$function($($argument),*).await,
        }
    };
}

/// A row that was still ours when we settled it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settled {
    pub id: Uuid,
    pub epoch: i64,
    pub stage: String,
    pub issued_at: Option<DateTime<Utc>>,
}

impl Settled {
    pub(crate) const fn fence(&self) -> Fence {
        Fence { id: self.id, epoch: self.epoch }
    }
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
        Kind::Escalation => "open",
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

/// Gives a new `issued_at` to due, unleased rows that have none and, if `lost`, to those whose ticket is
/// older than `patience` and than `before` (`None`: no ticket of the stage is undelivered).
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

/// Transitions as columns: what `unnest` takes.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    epochs: Vec<i64>,
    stages: Vec<String>,
    states: Vec<String>,
    attempts: Vec<i32>,
    claims: Vec<i32>,
    delays: Vec<f64>,
    issues: Vec<bool>,
    ends: Vec<bool>,
    errors: Vec<Option<String>>,
}

impl Columns {
    fn of(transitions: &[Transition]) -> Self {
        let mut columns = Self::default();
        for transition in transitions {
            columns.ids.push(transition.fence.id);
            columns.epochs.push(transition.fence.epoch);
            columns.stages.push(transition.stage.clone());
            columns.states.push(transition.state.to_owned());
            columns.attempts.push(transition.attempts);
            columns.claims.push(transition.claims);
            columns.delays.push(seconds(transition.delay));
            columns.issues.push(transition.issue);
            columns.ends.push(transition.ends);
            columns.errors.push(transition.error.clone());
        }
        columns
    }
}
