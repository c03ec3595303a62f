//! The leases this process holds, renewed together: one statement a table.
//!
//! What does not come back from a renewal is no longer ours (claimed by another after a pause, superseded
//! by a takeover): its handler is cancelled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract::Kind;
use runtime::lifecycle::Lifecycle;
use store::Ledger;
use store::work::{self, Fence};
use tokio_util::sync::CancellationToken;

type Held = HashMap<(Kind, Fence), CancellationToken>;

/// Clones share the leases.
#[derive(Debug, Clone, Default)]
pub struct Leases {
    held: Arc<Mutex<Held>>,
}

/// A lease that is renewed as long as this lives.
#[derive(Debug)]
pub struct Lease {
    leases: Leases,
    key: (Kind, Fence),
    /// Cancelled when the claim was lost.
    pub lost: CancellationToken,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.leases.lock().remove(&self.key);
    }
}

impl Leases {
    pub fn hold(&self, kind: Kind, fence: Fence) -> Lease {
        let lost = CancellationToken::new();
        self.lock().insert((kind, fence), lost.clone());
        Lease { leases: self.clone(), key: (kind, fence), lost }
    }

    /// Renews until the process has drained. It goes on after SIGTERM: what still runs keeps its claim.
    pub fn keep(&self, ledger: Ledger, every: Duration, lease: Duration, lifecycle: &Lifecycle) {
        let leases = self.clone();
        let lifecycle = lifecycle.clone();
        lifecycle.clone().spawn("leases", async move {
            let mut tick = tokio::time::interval(every);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = tick.tick() => {}
                    () = lifecycle.hard.cancelled() => return,
                    // Nothing is pulled any more: once nothing is held, nothing will be.
                    () = leases.idle_after(&lifecycle.soft) => return,
                }
                leases.renew(&ledger, lease).await;
            }
        });
    }

    async fn renew(&self, ledger: &Ledger, lease: Duration) {
        for kind in Kind::ALL {
            let fences: Vec<Fence> =
                self.lock().keys().filter(|(of, _)| *of == kind).map(|(_, fence)| *fence).collect();
            if fences.is_empty() {
                continue;
            }
            match ledger.within(work::renew(ledger, kind, &fences, lease)).await {
                Ok(renewed) => {
                    let held = self.lock();
                    for fence in fences.iter().filter(|fence| !renewed.contains(fence)) {
                        // Settled in the meantime: gone from the map. Lost: told.
                        if let Some(lost) = held.get(&(kind, *fence)) {
                            tracing::info!(%kind, id = %fence.id, epoch = fence.epoch, "a claim was lost");
                            lost.cancel();
                        }
                    }
                }
                // The leases run on until they end; the fence decides then.
                Err(error) => {
                    tracing::warn!(%kind, error = %crate::stage::chain(&error), "leases not renewed");
                }
            }
        }
    }

    async fn idle_after(&self, soft: &CancellationToken) {
        soft.cancelled().await;
        while !self.lock().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
