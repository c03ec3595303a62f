//! The keeper of the index: what has to be done there beside embedding, in every process that embeds.
//!
//! It makes the first generation, deletes points whose chunks are gone (twice), drops collections nobody searches any
//! more, and fits the threshold when the knowledge has changed. All of it may be done by several processes at once:
//! each step is decided by the ledger and harmless when repeated.

use std::time::Duration;

use knowledge::{Index, IndexError};
use retrieval::{RetrievalError, Vectors, calibrate};
use runtime::health::Health;
use runtime::lifecycle::Lifecycle;
use store::{Ledger, generations, tombstones};

/// Between two rounds.
const PERIOD: Duration = Duration::from_secs(1);

/// Points deleted in one round at the most: a call stays small, and a large deletion takes its time.
const POINTS: i64 = 5000;

/// How long a retired collection stays: longer than anybody remembers a generation, and long enough to look at.
const REST: Duration = Duration::from_mins(10);

/// Between two looks whether the knowledge has changed enough to fit the threshold anew.
const FIT: Duration = Duration::from_secs(5);

/// What a keeper needs.
#[derive(Debug)]
pub struct Keeper {
    pub ledger: Ledger,
    pub index: Index,
    pub vectors: Vectors,
    /// Of collections.
    pub prefix: String,
    /// The longest an upsert of a worker that lost its claim can be late: hard limit and lease.
    pub late: Duration,
    pub health: Health,
}

impl Keeper {
    /// Runs until the soft shutdown.
    pub fn start(self, lifecycle: &Lifecycle) {
        let soft = lifecycle.soft.clone();
        lifecycle.spawn("keeper", async move {
            tokio::select! {
                () = self.run() => {}
                () = soft.cancelled() => {}
            }
        });
    }

    async fn run(self) {
        let health = self.health.dependency("index");
        let mut told = String::new();
        let mut fit_due = tokio::time::Instant::now();
        loop {
            let fits = tokio::time::Instant::now() >= fit_due;
            match self.round(fits).await {
                Ok(()) => {
                    health.up();
                    told.clear();
                }
                Err(error) => {
                    let text = crate::stage::chain(&error);
                    health.down("see the log");
                    // Once for each reason: an index that is away is no news every second.
                    if text != told {
                        tracing::warn!(error = text, "the index is not looked after");
                        told = text;
                    }
                }
            }
            if fits {
                fit_due = tokio::time::Instant::now() + FIT;
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    async fn round(&self, fits: bool) -> Result<(), RetrievalError> {
        // A live collection that is lost must not keep the others from being looked after.
        let live = retrieval::prepare(&self.ledger, &self.index, &self.vectors, &self.prefix).await;
        self.bury().await?;
        self.drop_retired().await?;
        let live = live?;
        if fits && calibrate::due(&self.ledger, &self.vectors, &live).await? {
            match calibrate::calibrate(&self.ledger, &self.index, &self.vectors).await {
                Ok(fitted) => tell(&fitted),
                // The index is well, and searched by words meanwhile. Tried again at the next look.
                Err(RetrievalError::Vectors(error)) => {
                    let error = crate::stage::chain(&error);
                    tracing::warn!(error, "not fitted: the embedder gives no vectors");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn bury(&self) -> Result<(), RetrievalError> {
        for due in tombstones::due(&self.ledger, POINTS).await? {
            match self.index.delete(&due.collection, &due.points).await {
                // In a collection that is gone they are gone too.
                Ok(()) | Err(IndexError::Missing(_)) => {}
                Err(error) => return Err(RetrievalError::Index(error)),
            }
            tombstones::deleted(&self.ledger, &due, self.late).await?;
        }
        Ok(())
    }

    async fn drop_retired(&self) -> Result<(), RetrievalError> {
        for retired in generations::to_drop(&self.ledger, REST).await? {
            self.index.drop_collection(&retired.collection).await.map_err(RetrievalError::Index)?;
            generations::dropped(&self.ledger, retired.id).await?;
        }
        Ok(())
    }
}

fn tell(fitted: &calibrate::Calibration) {
    tracing::info!(threshold = fitted.threshold, "the threshold was fitted to the knowledge base");
    for (language, fit) in fitted.fits.iter() {
        let (weight, lexical, fused) = (fit.fusion.weight, fit.lexical, fit.fused);
        tracing::info!(%language, weight, lexical, fused, "words and meaning were fitted to the knowledge base");
    }
}
