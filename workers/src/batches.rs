//! Claims, settles and the beginnings of deliveries in batches: when many are under way they share a statement, when one is alone
//! it goes at once.
//!
//! **Invariant:** one row never harms its neighbours in a batch. A row that lost its fence is not returned, a row
//! that cannot be loaded or settled is taken out and done alone.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use runtime::batch::Batcher;
use store::outbound::sending::{self, Begin, Parcel, Rates};
use store::work::{self, Claim, Issued, Outcome};
use store::{Error, Ledger};
use tokio::time::Instant;
use uuid::Uuid;

use crate::stage::{Settling, Stage, chain};

/// Rows claimed or settled in one statement at the most.
const LARGEST: usize = 64;
/// Statements of each sort in the air at once, the second only beside one that is late.
const FLIGHTS: usize = 2;

/// The answer of a claim batch to one ticket.
pub(crate) enum Answer<I> {
    Ours(Box<(Claim, Option<I>)>),
    /// Somebody else's, done, or not due; perhaps its later ticket was lost.
    NotOurs(Option<Issued>),
    Away,
}

pub(crate) type Item<S> = Settling<<S as Stage>::Input, <S as Stage>::Output>;
pub(crate) type Begins = Batcher<(Claim, Parcel), Result<Begin, Arc<Error>>>;
pub(crate) type Settles<S> = Batcher<Item<S>, Result<Outcome, Arc<Error>>>;

/// Claims in batches, and loads the inputs of what was claimed in one go.
pub(crate) fn claims<S: Stage>(
    stage: &Arc<S>,
    ledger: &Ledger,
    owner: &Arc<str>,
    lease: Duration,
) -> (Batcher<Uuid, Answer<S::Input>>, impl Future<Output = ()> + Send + 'static) {
    let (stage, ledger, owner) = (stage.clone(), ledger.clone(), owner.clone());
    Batcher::new(LARGEST, FLIGHTS, move |ids: Vec<Uuid>| {
        let (stage, ledger, owner) = (stage.clone(), ledger.clone(), owner.clone());
        async move {
            let claiming = work::claim(&ledger, &S::STAGE, &ids, &owner, lease);
            let claimed = match ledger.within(claiming).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    tracing::warn!(stage = S::STAGE.name, error = chain(&error), "nothing claimed");
                    return ids.iter().map(|_| Answer::Away).collect();
                }
            };
            let inputs = load(&*stage, &ledger, &claimed.claims, lease).await;
            let mut ours: HashMap<Uuid, (Claim, Option<S::Input>)> = claimed
                .claims
                .into_iter()
                .zip(inputs)
                .map(|(claim, input)| (claim.id, (claim, input)))
                .collect();
            let mut later: HashMap<Uuid, Issued> =
                claimed.moved_on.into_iter().map(|issued| (issued.id, issued)).collect();
            // Ten copies of one ticket in one batch: the first gets the claim.
            ids.iter()
                .map(|id| match ours.remove(id) {
                    Some(pair) => Answer::Ours(Box::new(pair)),
                    None => Answer::NotOurs(later.remove(id)),
                })
                .collect()
        }
    })
}

/// The inputs of claimed rows. They are ours now: a ledger that goes away between the claim and the load is
/// waited for while the leases last.
///
/// A row that cannot be read does not take the others of its batch with it: they are loaded one by one then.
async fn load<S: Stage>(
    stage: &S,
    ledger: &Ledger,
    claims: &[Claim],
    lease: Duration,
) -> Vec<Option<S::Input>> {
    let deadline = Instant::now() + lease / 2;
    let mut wait = Duration::from_millis(20);
    loop {
        if claims.is_empty() {
            return Vec::new();
        }
        match ledger.within(stage.load(claims)).await {
            Ok(inputs) => return inputs,
            Err(error) => {
                tracing::warn!(stage = S::STAGE.name, error = chain(&error), "claimed rows not loaded");
                if !error.is_unavailable() && claims.len() > 1 {
                    let mut inputs = Vec::with_capacity(claims.len());
                    for one in claims {
                        inputs.extend(Box::pin(load(stage, ledger, std::slice::from_ref(one), lease)).await);
                    }
                    return inputs;
                }
                if !error.is_unavailable() || Instant::now() >= deadline {
                    return claims.iter().map(|_| None).collect();
                }
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_millis(500));
    }
}

/// Settles in batches.
pub(crate) fn settles<S: Stage>(
    stage: &Arc<S>,
    ledger: &Ledger,
) -> (Settles<S>, impl Future<Output = ()> + Send + 'static) {
    let (stage, ledger) = (stage.clone(), ledger.clone());
    Batcher::new(LARGEST, FLIGHTS, move |batch: Vec<Item<S>>| {
        let (stage, ledger) = (stage.clone(), ledger.clone());
        async move { together(&ledger, &batch, |part| stage.settle(part).boxed()).await }
    })
}

/// Begins deliveries in batches.
pub(crate) fn begins(
    ledger: &Ledger,
    stage: contract::Stage,
    rates: Rates,
) -> (Begins, impl Future<Output = ()> + Send + 'static) {
    let ledger = ledger.clone();
    Batcher::new(LARGEST, FLIGHTS, move |batch: Vec<(Claim, Parcel)>| {
        let ledger = ledger.clone();
        async move { together(&ledger, &batch, |part| sending::begin(&ledger, &stage, rates, part).boxed()).await }
    })
}

/// All in one statement. A row the ledger refuses must not take the others with it: they go again one by one.
async fn together<'a, T: Sync, R: Send>(
    ledger: &Ledger,
    batch: &'a [T],
    run: impl Fn(&'a [T]) -> BoxFuture<'a, Result<Vec<R>, Error>> + Send + Sync,
) -> Vec<Result<R, Arc<Error>>> {
    match ledger.within(run(batch)).await {
        Ok(results) => results.into_iter().map(Ok).collect(),
        Err(error) if error.is_unavailable() || batch.len() == 1 => {
            let error = Arc::new(error);
            batch.iter().map(|_| Err(error.clone())).collect()
        }
        Err(_) => {
            let mut results = Vec::with_capacity(batch.len());
            for one in batch {
                match ledger.within(run(std::slice::from_ref(one))).await {
                    Ok(alone) => results.extend(alone.into_iter().map(Ok)),
                    Err(error) => results.push(Err(Arc::new(error))),
                }
            }
            results
        }
    }
}
