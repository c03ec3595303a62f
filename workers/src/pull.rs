//! Where tickets come from: a permit first, then the pull, and every ticket into a task of its own.

use std::sync::Arc;
use std::time::Duration;

use nats::Puller;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::breaker::Passage;
use crate::runner::Runner;
use crate::stage::Stage;

/// Between two pulls after one that failed (no consumer yet, NATS away).
const AFTER_FAILURE: Duration = Duration::from_millis(250);

/// Pulls until the process is asked to stop. The number of permits is the number of items worked on at
/// once: nothing is pulled that cannot be started.
pub(crate) async fn run<S: Stage>(runner: Arc<Runner<S>>, mut puller: Puller, concurrency: usize) {
    let permits = Arc::new(Semaphore::new(concurrency));
    // One probe at a time, whatever else still runs: a slow item begun before the fault must not keep the stage
    // from finding out that the dependency is back.
    let probes = Arc::new(Semaphore::new(1));
    let soft = runner.lifecycle().soft.clone();
    loop {
        let (most, probe) = match runner.passage() {
            Passage::Free => (concurrency, None),
            Passage::Probe => {
                let probe = tokio::select! {
                    probe = probes.clone().acquire_owned() => probe.ok(),
                    () = soft.cancelled() => return,
                };
                // The probe before this one may have closed the breaker.
                match runner.passage() {
                    Passage::Probe => (1, probe),
                    Passage::Free | Passage::Wait { .. } => continue,
                }
            }
            Passage::Wait { until, .. } => {
                tokio::select! {
                    () = tokio::time::sleep_until(until) => continue,
                    () = soft.cancelled() => return,
                }
            }
        };
        let mut held = tokio::select! {
            held = acquire(&permits, most) => held,
            () = soft.cancelled() => return,
        };
        let pulled = tokio::select! {
            pulled = puller.pull(held.len()) => pulled,
            () = soft.cancelled() => return,
        };
        let mut pull = match pulled {
            Ok(pull) => {
                runner.pulled(true);
                pull
            }
            Err(error) => {
                tracing::debug!(stage = S::STAGE.name, error = %crate::stage::chain(&error), "no pull");
                runner.pulled(false);
                tokio::select! {
                    () = tokio::time::sleep(AFTER_FAILURE) => continue,
                    () = soft.cancelled() => return,
                }
            }
        };
        let mut probe = probe;
        while let Some(permit) = held.pop() {
            let probe = probe.take();
            let delivery = tokio::select! {
                delivery = pull.next() => delivery,
                () = soft.cancelled() => {
                    // What has arrived and is not begun goes back at once, for somebody else.
                    pull.release().await;
                    return;
                }
            };
            let Some(delivery) = delivery else { break };
            let runner = runner.clone();
            runner.lifecycle().clone().spawn("ticket", async move {
                runner.work(delivery).await;
                drop((permit, probe));
            });
        }
        if pull.failed() {
            tokio::select! {
                () = tokio::time::sleep(AFTER_FAILURE) => {}
                () = soft.cancelled() => return,
            }
        }
    }
}

/// At least one permit, and as many more as are free, up to `most`.
async fn acquire(permits: &Arc<Semaphore>, most: usize) -> Vec<OwnedSemaphorePermit> {
    let mut held = Vec::with_capacity(most);
    if let Ok(first) = permits.clone().acquire_owned().await {
        held.push(first);
    }
    while held.len() < most {
        let Ok(next) = permits.clone().try_acquire_owned() else { break };
        held.push(next);
    }
    held
}
