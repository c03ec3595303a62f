//! What was found for a turn, between `retrieve` and `answer`: JSON whose shape is theirs, as text.

use std::sync::Arc;

use contract::{Kind, Stage, TurnId};
use uuid::Uuid;

use crate::turns::{ANSWER, Turn};
use crate::work::{self, Claim, Outcome, Transition, Verdict};
use crate::{Error, Ledger, turns};

/// A claimed turn, and what was found for it, as it is kept.
pub type Settling = (Claim, Arc<Turn>, Verdict<Arc<str>>);

/// Settles turns whose search is done: what was found is kept, and `answer` comes next. A turn that is given up ends
/// as any other does.
///
/// # Errors
/// [`Error`]; at COMMIT the outcome is unknown: read again, do not compensate.
pub async fn settle(ledger: &Ledger, stage: &Stage, batch: &[Settling]) -> Result<Vec<Outcome>, Error> {
    if batch.iter().any(|(_, _, verdict)| matches!(verdict, Verdict::Failed { .. })) {
        return settle_apart(ledger, stage, batch).await;
    }
    let mut tx = ledger.begin().await?;
    let transitions: Vec<_> = batch
        .iter()
        .map(|(claim, _, verdict)| {
            verdict.stay(claim, stage, "active").unwrap_or_else(|| Transition {
                stage: ANSWER.to_owned(),
                attempts: 0,
                claims: 0,
                issue: true,
                ends: false,
                ..verdict.end(claim, stage, "active")
            })
        })
        .collect();
    let settled = work::settle(&mut tx, stage, &transitions).await?;
    let (mut ids, mut found) = (Vec::new(), Vec::new());
    let mut outcomes = Vec::with_capacity(batch.len());
    for (claim, turn, verdict) in batch {
        let row = settled.iter().find(|row| row.fence() == claim.fence());
        let mut outcome = Outcome { settled: row.is_some(), ..Outcome::default() };
        if let (Some(row), Verdict::Done(result)) = (row, verdict) {
            ids.push(turn.id.0);
            found.push(&**result);
            outcome.tickets.extend(
                row.issued_at
                    .map(|at| contract::Ticket::new(Kind::Turn, turn.id.0, ANSWER, at.timestamp_micros())),
            );
        }
        outcomes.push(outcome);
    }
    sqlx::query!(
        "INSERT INTO retrievals (turn_id, found) SELECT g.id, g.found FROM unnest($1::uuid[], $2::text[]) AS g(id, found)
         ON CONFLICT (turn_id) DO UPDATE SET found = EXCLUDED.found",
        &ids,
        &found as &[&str]
    )
    .execute(&mut *tx)
    .await?;
    work::uncommitted(stage).await;
    tx.commit().await?;
    Ok(outcomes)
}

/// A batch with failures: those end their turns, with everything that follows, in a transaction of their own.
async fn settle_apart(ledger: &Ledger, stage: &Stage, batch: &[Settling]) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = vec![Outcome::default(); batch.len()];
    for failed in [true, false] {
        let chosen: Vec<usize> =
            (0..batch.len()).filter(|n| matches!(batch[*n].2, Verdict::Failed { .. }) == failed).collect();
        let settled = if failed {
            let part: Vec<_> = chosen
                .iter()
                .map(|n| {
                    let (claim, turn, verdict) = batch[*n].clone();
                    (claim, turn, verdict.map(|_| unreachable!("chosen as failed")))
                })
                .collect();
            turns::settle(ledger, stage, &part).await?
        } else if chosen.is_empty() {
            Vec::new()
        } else {
            let part: Vec<_> = chosen.iter().map(|n| batch[*n].clone()).collect();
            Box::pin(settle(ledger, stage, &part)).await?
        };
        for (n, outcome) in chosen.into_iter().zip(settled) {
            outcomes[n] = outcome;
        }
    }
    Ok(outcomes)
}

/// What was found for these turns, in their order.
///
/// # Errors
/// [`Error`].
pub async fn load(ledger: &Ledger, turns: &[TurnId]) -> Result<Vec<Option<String>>, Error> {
    let ids: Vec<Uuid> = turns.iter().map(|turn| turn.0).collect();
    let mut rows: std::collections::HashMap<Uuid, String> =
        sqlx::query!("SELECT turn_id, found FROM retrievals WHERE turn_id = ANY($1)", &ids)
            .fetch_all(&ledger.pool)
            .await?
            .into_iter()
            .map(|row| (row.turn_id, row.found))
            .collect();
    Ok(ids.iter().map(|id| rows.remove(id)).collect())
}
