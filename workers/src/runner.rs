//! What happens to one ticket: claim, work, settle, publish, acknowledge.
//!
//! A ticket is a hint, so every way out is safe: a ticket that led to no claim is acknowledged, and the
//! dispatcher issues another for any row that still needs one. Claims and settles go through batchers: when
//! many are under way they share a statement, when one is alone it goes at once.
//!
//! Kill points, in this order: `<stage>.received`, `.claimed`, `.worked`, `.settled`, `.published`, `.acked`;
//! inside the settle's transaction, before its commit: `<stage>.uncommitted`.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use contract::{QuestionEvent, Ticket, TicketError};
use futures_util::FutureExt;
use nats::{Delivery, Nats, Puller};
use runtime::batch::Batcher;
use runtime::health::{Dependency, Health};
use runtime::lifecycle::Lifecycle;
use store::Ledger;
use store::work::{self, Claim, Outcome, Verdict};
use tokio::time::Instant;
use uuid::Uuid;

use crate::batches::{self, Answer, Settles};
use crate::breaker::{Breaker, Passage};
use crate::leases::Leases;
use crate::metrics::{Handled, Idle, OfStage};
use crate::stage::{Stage, StageError, chain};
use crate::stages::Tools;
use crate::{Metrics, Settings, pull};

/// The dependency every stage has.
pub(crate) const LEDGER: &str = "ledger";

/// What all runners of a process share.
pub struct Workshop {
    ledger: Ledger,
    nats: Nats,
    settings: Arc<Settings>,
    lifecycle: Lifecycle,
    health: Health,
    leases: Leases,
    metrics: Metrics,
    /// Written into `owner`, for people who look.
    owner: Arc<str>,
}

impl fmt::Debug for Workshop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workshop").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl Workshop {
    pub fn new(tools: &Tools, nats: Nats, health: Health) -> Self {
        let (lifecycle, metrics) = (tools.lifecycle.clone(), tools.metrics.clone());
        let settings = tools.settings.clone();
        let leases = Leases::default();
        leases.keep(tools.ledger.clone(), settings.renew, settings.lease, &lifecycle);
        let owner = format!("{}-{}", std::process::id(), &Uuid::now_v7().simple().to_string()[20..]);
        Self {
            ledger: tools.ledger.clone(),
            nats,
            settings,
            lifecycle,
            health,
            leases,
            metrics,
            owner: owner.into(),
        }
    }

    /// Starts pulling for a stage.
    pub(crate) fn run<S: Stage>(&self, stage: S) {
        let stage = Arc::new(stage);
        let (claims, claiming) = batches::claims(&stage, &self.ledger, &self.owner, self.settings.lease);
        let (settles, settling) = batches::settles(&stage, &self.ledger);
        self.lifecycle.spawn("claims", claiming);
        self.lifecycle.spawn("settles", settling);
        let runner = Arc::new(Runner {
            stage,
            ledger: self.ledger.clone(),
            nats: self.nats.clone(),
            settings: self.settings.clone(),
            lifecycle: self.lifecycle.clone(),
            leases: self.leases.clone(),
            metrics: self.metrics.clone(),
            breaker: Breaker::new(self.settings.breaker, self.settings.breaker_max),
            pulling: self.health.dependency(&format!("stage {}", S::STAGE.name)),
            claims,
            settles,
        });
        let concurrency = self.settings.concurrency_of(S::STAGE.name);
        let puller = Puller::new(&self.nats, S::STAGE);
        self.lifecycle.spawn("pull", pull::run(runner, puller, concurrency));
    }
}

/// One stage at work.
pub(crate) struct Runner<S: Stage> {
    stage: Arc<S>,
    ledger: Ledger,
    nats: Nats,
    settings: Arc<Settings>,
    lifecycle: Lifecycle,
    leases: Leases,
    metrics: Metrics,
    breaker: Breaker,
    pulling: Dependency,
    claims: Batcher<Uuid, Answer<S::Input>>,
    settles: Settles<S>,
}

impl<S: Stage> Runner<S> {
    pub(crate) const fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    pub(crate) fn passage(&self) -> Passage {
        let passage = self.breaker.passage();
        let open = self.metrics.breaker_open.get_or_create_owned(&OfStage { stage: S::STAGE.name });
        open.set(i64::from(self.breaker.open_for().is_some()));
        passage
    }

    pub(crate) fn pulled(&self, well: bool) {
        if well {
            self.pulling.up();
        } else {
            self.pulling.down("no consumer to pull from");
        }
    }

    /// One ticket, from its delivery to its acknowledgement.
    pub(crate) async fn work(&self, delivery: Delivery) {
        self.point("received").await;
        let ticket = match &delivery.ticket {
            Ok(ticket) => ticket.clone(),
            Err(TicketError::Newer(_)) => {
                // Not ours to read. The dispatcher issues it again, for a process that can.
                self.unclaimed("newer");
                delivery.ack().await;
                return;
            }
            Err(TicketError::Undecodable) => {
                self.unclaimed("undecodable");
                if let Err(error) = delivery.set_aside().await {
                    tracing::warn!(
                        stage = S::STAGE.name,
                        error = chain(&error),
                        "undecodable bytes not set aside yet"
                    );
                }
                return;
            }
        };
        let answer = self.claims.call(ticket.id).await;
        if !matches!(answer, Ok(Answer::Away) | Err(_)) && self.breaker.open_for() == Some(LEDGER) {
            self.breaker.close();
        }
        let (claim, input) = match answer {
            Ok(Answer::Ours(ours)) => *ours,
            Ok(Answer::NotOurs(later)) => {
                self.unclaimed("taken");
                if let Some(later) = later {
                    self.publish(vec![later.ticket(S::STAGE.kind)]).await;
                }
                delivery.ack().await;
                return;
            }
            // Not acknowledged: the row keeps its issued_at, and the dispatcher issues it again.
            Ok(Answer::Away) | Err(_) => {
                self.unclaimed("ledger");
                self.breaker.trip(LEDGER);
                return;
            }
        };
        self.seen(&ticket, &claim);
        let started = Instant::now();
        let in_flight = self.metrics.in_flight.get_or_create_owned(&OfStage { stage: S::STAGE.name });
        in_flight.inc();
        self.work_claimed(delivery, claim, input).await;
        in_flight.dec();
        let duration = self.metrics.duration.get_or_create_owned(&OfStage { stage: S::STAGE.name });
        duration.observe(started.elapsed().as_secs_f64());
    }

    async fn work_claimed(&self, delivery: Delivery, claim: Claim, input: Option<S::Input>) {
        let lease = self.leases.hold(S::STAGE.kind, claim.fence());
        self.point("claimed").await;
        let Some(input) = input else {
            return self.set_aside(delivery, &claim).await;
        };
        for question in S::questions(&input) {
            let begun = QuestionEvent::begun(claim.epoch, S::STAGE.name);
            self.nats.notify(*question, &begun).await;
        }
        let verdict = tokio::select! {
            verdict = self.handle(&claim, &input) => verdict,
            () = lease.lost.cancelled() => {
                self.handled("lost");
                delivery.ack().await;
                return;
            }
            () = self.lifecycle.hard.cancelled() => {
                let error = "the worker is shutting down".to_owned();
                Verdict::Release { delay: Duration::ZERO, error, cut_off: true }
            }
            () = progress(&delivery, self.settings.progress) => unreachable!("progress never ends"),
        };
        self.point("worked").await;
        let shutting_down = self.lifecycle.hard.is_cancelled();
        let word = word(&verdict);
        let Some(outcome) = self.settle(&claim, input, verdict).await else {
            self.handled("dropped");
            return;
        };
        // The claim was lost while we worked, or an earlier try of ours got through unseen: in both cases
        // the row's state is in the ledger, and the dispatcher publishes what it needs.
        self.handled(if outcome.settled { word } else { "lost" });
        drop(lease);
        self.point("settled").await;
        self.publish(outcome.tickets).await;
        for question in outcome.changed {
            self.nats.notify(question, &QuestionEvent::changed(claim.epoch)).await;
        }
        self.point("published").await;
        if shutting_down && word == "released" {
            delivery.nak().await;
        } else {
            delivery.ack().await;
        }
        self.point("acked").await;
    }

    /// A row this process cannot read goes back for a while: another release may be able to, and a human sees
    /// why in `last_error`. The age limit of its table ends it.
    async fn set_aside(&self, delivery: Delivery, claim: &Claim) {
        const WHY: &str = "this process cannot read what the row needs";
        tracing::error!(stage = S::STAGE.name, id = %claim.id, WHY);
        self.handled("unreadable");
        let delay = self.settings.retry_delay(claim.claims);
        let back = work::give_back(&self.ledger, &S::STAGE, claim, delay, WHY);
        if let Err(error) = self.ledger.within(back).await {
            tracing::warn!(
                stage = S::STAGE.name,
                error = chain(&error),
                "not given back: its lease runs out"
            );
        }
        delivery.ack().await;
    }

    /// Runs the handler under its hard limit; a panic is an attempt that failed.
    async fn handle(&self, claim: &Claim, input: &S::Input) -> Verdict<S::Output> {
        if claim.claims > self.settings.claims {
            return Verdict::Failed {
                error: format!("given up after {} claims: it kills its workers", claim.claims - 1),
                // The claim before this one was killed at its work, perhaps inside a call.
                cut_off: true,
            };
        }
        let limit = self.settings.hard_limit_of(S::STAGE.name);
        let handler = AssertUnwindSafe(self.stage.handle(claim, input)).catch_unwind();
        let (error, cut_off) = match tokio::time::timeout(limit, handler).await {
            Ok(Ok(Ok(output))) => {
                if S::proves_dependencies(&output) {
                    self.breaker.close();
                }
                return Verdict::Done(output);
            }
            Ok(Ok(Err(error))) => (error, false),
            Ok(Err(_panic)) => {
                self.metrics.panics.get_or_create_owned(&OfStage { stage: S::STAGE.name }).inc();
                (StageError::Retry { source: "the handler panicked".into() }, true)
            }
            Err(_elapsed) => {
                let source = format!("the handler did not end within {} s", limit.as_secs_f64()).into();
                (StageError::Retry { source }, true)
            }
        };
        let text = chain(&error);
        match error {
            StageError::Unavailable { dependency, .. } => {
                let delay = self.breaker.trip(dependency);
                tracing::warn!(stage = S::STAGE.name, dependency, error = text, "a dependency is away");
                Verdict::Release { delay, error: text, cut_off }
            }
            StageError::Waits { .. } => {
                tracing::info!(stage = S::STAGE.name, id = %claim.id, error = text, "waits");
                Verdict::Release { delay: self.settings.breaker_max, error: text, cut_off }
            }
            StageError::Retry { .. } if claim.attempts + 1 < self.settings.attempts => {
                self.breaker.close();
                tracing::info!(stage = S::STAGE.name, id = %claim.id, attempt = claim.attempts + 1, error = text, "retry");
                Verdict::Retry { delay: self.settings.retry_delay(claim.attempts), error: text, cut_off }
            }
            StageError::Retry { .. } | StageError::Reject { .. } => {
                self.breaker.close();
                tracing::warn!(stage = S::STAGE.name, id = %claim.id, attempt = claim.attempts + 1, error = text, "given up");
                Verdict::Failed { error: text, cut_off }
            }
        }
    }

    /// Settles, again and again while the ledger is away, until the lease has run out. `None`: dropped, and
    /// not to be acknowledged.
    async fn settle(&self, claim: &Claim, input: S::Input, verdict: Verdict<S::Output>) -> Option<Outcome> {
        // The lease is renewed as long as the ledger is there; once it is not, this is how long is left.
        let mut verdict = verdict;
        let mut deadline = Instant::now() + self.settings.lease;
        let mut wait = Duration::from_millis(50);
        loop {
            match self.settles.call((claim.clone(), input.clone(), verdict.clone())).await {
                Ok(Ok(outcome)) => return Some(outcome),
                Ok(Err(error)) if error.is_unavailable() => {
                    tracing::warn!(stage = S::STAGE.name, id = %claim.id, error = chain(&*error), "not settled yet");
                }
                Ok(Err(error)) => {
                    tracing::error!(stage = S::STAGE.name, id = %claim.id, error = chain(&*error), "cannot settle");
                    // What cannot be written now cannot be written later: asking the model again would only be
                    // paid again. If even the failure is refused, the lease ends and counts a claim.
                    if matches!(verdict, Verdict::Failed { .. }) {
                        return None;
                    }
                    let error = "the ledger refused the result".to_owned();
                    verdict = Verdict::Failed { error, cut_off: false };
                    continue;
                }
                Err(_dropped) => return None,
            }
            if self.lifecycle.hard.is_cancelled() {
                deadline = deadline.min(Instant::now() + Duration::from_secs(1));
            }
            if Instant::now() + wait >= deadline {
                return None;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(1));
        }
    }

    /// At most a second, failure ignored: the dispatcher heals.
    async fn publish(&self, tickets: Vec<Ticket>) {
        if !tickets.is_empty() {
            self.nats.publish_many(&crate::stages::addressed(tickets)).await;
        }
    }

    fn seen(&self, ticket: &Ticket, claim: &Claim) {
        let waited = (claim.claimed_at.timestamp_micros() - ticket.issued_at).max(0);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a wait: far below 2^52")]
        let seconds = waited as f64 / 1e6;
        self.metrics.pickup.get_or_create_owned(&OfStage { stage: S::STAGE.name }).observe(seconds);
    }

    fn handled(&self, outcome: &'static str) {
        self.metrics.handled.get_or_create_owned(&Handled { stage: S::STAGE.name, outcome }).inc();
    }

    fn unclaimed(&self, reason: &'static str) {
        self.metrics.unclaimed.get_or_create_owned(&Idle { stage: S::STAGE.name, reason }).inc();
    }

    async fn point(&self, step: &str) {
        if runtime::fault::armed() {
            runtime::fault::point(&format!("{}.{step}", S::STAGE.name)).await;
        }
    }
}

/// The metric's word for a verdict.
const fn word<T>(verdict: &Verdict<T>) -> &'static str {
    match verdict {
        Verdict::Done(_) => "done",
        Verdict::Retry { .. } => "retry",
        Verdict::Release { .. } => "released",
        Verdict::Failed { .. } => "failed",
    }
}

/// Tells NATS that the ticket is being worked on, for as long as it is.
async fn progress(delivery: &Delivery, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        delivery.progress().await;
    }
}
