//! The dispatcher: issues tickets for work that is ready and has none.
//!
//! It heals lost publishes, deleted streams and a wiped NATS volume, and starts what had to wait. Every
//! round: rows that are due and have no ticket get one at once; rows whose ticket is older than the patience
//! get another only if theirs is **not among the undelivered**: a sweeper that re-issues by age alone makes
//! every ticket of a long queue stale, and nothing ever finishes.
//!
//! It never raises an epoch and never touches a live lease. Several may run: an advisory lock lets one
//! through.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::{Language, Stage, Stream, Ticket};
use nats::topology::{self, Topology};
use nats::{Backlog, Nats};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use runtime::lifecycle::Lifecycle;
use serde::Deserialize;
use store::Ledger;
use store::dispatch::{self, AgeLimits};
use tokio::time::Instant;

/// Until the next round while documents go out: a window of them is done in a few hundredths of a second.
const SOON: Duration = Duration::from_millis(25);

/// The `[dispatcher]` section.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Between two rounds.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
    /// How old a ticket must be before it can be taken for lost: a publish takes a few milliseconds.
    #[serde(with = "humantime_serde")]
    pub patience: Duration,
    /// How much older than the oldest undelivered ticket a lost one must be: tickets of several processes
    /// reach the stream a little out of order.
    #[serde(with = "humantime_serde")]
    pub slack: Duration,
    /// Between two looks for missing streams and consumers.
    #[serde(with = "humantime_serde")]
    pub topology: Duration,
    /// Between two rounds of giving up, returning takeovers and forgetting.
    #[serde(with = "humantime_serde")]
    pub tidy: Duration,
    /// Age at which a turn is given up.
    #[serde(with = "humantime_serde")]
    pub turn_age: Duration,
    /// Age at which something to be sent is given up.
    #[serde(with = "humantime_serde")]
    pub outbound_age: Duration,
    /// Age at which a revision that is not live yet is given up.
    #[serde(with = "humantime_serde")]
    pub document_age: Duration,
    /// Age at which the raw update of a channel is forgotten. Channels repeat one within a day.
    #[serde(with = "humantime_serde")]
    pub update_age: Duration,
    /// Tickets of one stage of documents that exist and nobody has claimed, at the most. It does not depend on how
    /// many workers there are: none at all must find work when they come.
    pub documents_window: u32,
}

/// A value that cannot work. Shown as `dispatcher.<key>: <problem>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("dispatcher.{key}: use at least {least}ms")]
pub struct SettingsError {
    pub key: &'static str,
    /// Milliseconds.
    pub least: u64,
}

impl Settings {
    /// # Errors
    /// The first key whose value cannot work.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let least = [
            ("period", self.period, 10),
            ("patience", self.patience, 10),
            ("topology", self.topology, 10),
            ("tidy", self.tidy, 10),
            ("turn_age", self.turn_age, 1),
            ("outbound_age", self.outbound_age, 1),
            ("document_age", self.document_age, 1),
            ("update_age", self.update_age, 1),
        ];
        match least.into_iter().find(|(_, value, least)| *value < Duration::from_millis(*least)) {
            Some((key, _, least)) => Err(SettingsError { key, least }),
            None => Ok(()),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            period: Duration::from_millis(250),
            patience: Duration::from_millis(500),
            slack: Duration::from_secs(2),
            topology: Duration::from_secs(2),
            tidy: Duration::from_secs(5),
            turn_age: Duration::from_mins(15),
            outbound_age: Duration::from_hours(24),
            document_age: Duration::from_hours(24 * 7),
            update_age: Duration::from_hours(24 * 30),
            documents_window: 256,
        }
    }
}

/// What the dispatcher counts.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// Tickets for rows that had none.
    issued: Counter,
    /// Tickets for rows whose ticket was lost.
    reissued: Counter,
    /// Streams and consumers that were missing.
    recreated: Counter,
    /// Turns and sends past their age limit.
    given_up: Counter,
}

impl Metrics {
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let Self { issued, reissued, recreated, given_up } = metrics.clone();
        registry.register("vectora_dispatcher_issued", "Tickets for rows that had none", issued);
        registry.register("vectora_dispatcher_reissued", "Tickets for rows whose ticket was lost", reissued);
        registry.register(
            "vectora_dispatcher_recreated",
            "Streams and consumers that were missing",
            recreated,
        );
        registry.register("vectora_dispatcher_given_up", "Turns and sends past their age limit", given_up);
        metrics
    }
}

/// Everything a dispatcher needs.
#[derive(Debug)]
pub struct Dispatcher {
    pub ledger: Ledger,
    pub nats: Nats,
    pub stages: Vec<Stage>,
    pub topology: Topology,
    pub settings: Settings,
    /// What is said to operators is in this language.
    pub operators: Language,
    pub metrics: Metrics,
}

impl Dispatcher {
    /// Runs until the soft shutdown.
    pub fn start(self, lifecycle: &Lifecycle) {
        let soft = lifecycle.soft.clone();
        lifecycle.spawn("dispatcher", async move {
            tokio::select! {
                () = self.run() => {}
                () = soft.cancelled() => {}
            }
        });
    }

    async fn run(self) {
        let mut connected = self.nats.connected();
        let mut ticks = tokio::time::interval(self.settings.period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut topology_due = Instant::now();
        let mut tidy_due = Instant::now();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                // After a reconnect everything may be gone: look at once.
                changed = connected.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    topology_due = Instant::now();
                }
            }
            // Issuing while nothing can be published would only make the tickets old.
            if self.nats.is_connected() {
                if Instant::now() >= topology_due {
                    self.mend_topology().await;
                    topology_due = Instant::now() + self.settings.topology;
                }
                match self.round().await {
                    Ok(true) => ticks.reset_after(self.settings.period.min(SOON)),
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "no round");
                    }
                }
            }
            if Instant::now() >= tidy_due {
                self.tidy().await;
                tidy_due = Instant::now() + self.settings.tidy;
            }
        }
    }

    /// Creates what is missing, changes nothing that exists.
    async fn mend_topology(&self) {
        match topology::ensure(&self.nats, &self.topology).await {
            Ok(created) if created.is_empty() => {}
            Ok(created) => {
                self.metrics.recreated.inc_by(created.len() as u64);
                tracing::warn!(?created, "created what was missing in NATS");
            }
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "NATS not looked after"),
        }
    }

    /// Whether documents were issued: then the next round comes soon, because the window was the limit.
    async fn round(&self) -> Result<bool, store::Error> {
        let window = i64::from(self.settings.documents_window.max(1));
        let round = dispatch::round(&self.ledger, &self.stages, self.settings.patience, window);
        let Some(found) = self.ledger.within(round).await? else {
            return Ok(false);
        };
        let mut documents = false;
        for found in found {
            let issued = found.issued.len();
            documents |= issued > 0 && found.stage.stream == Stream::Documents;
            self.metrics.issued.inc_by(issued as u64);
            let tickets = found.issued.iter().map(|issued| issued.ticket(found.stage.kind)).collect();
            self.publish(found.stage, tickets).await;
            if found.overdue {
                self.reissue(found.stage).await?;
            }
        }
        Ok(documents)
    }

    /// Rows with an old ticket: only those whose ticket cannot be among the undelivered get another.
    async fn reissue(&self, stage: Stage) -> Result<(), store::Error> {
        let backlog = match self.nats.backlog(&stage).await {
            Ok(backlog) => backlog,
            // No consumer: it is being created, and everything it would have delivered is lost.
            Err(error) if error.is_missing() => return Ok(()),
            Err(error) => {
                tracing::warn!(stage = stage.name, error = &error as &dyn std::error::Error, "no backlog");
                return Ok(());
            }
        };
        let Some(before) = lost_before(backlog, self.settings.slack) else { return Ok(()) };
        let reissue = dispatch::reissue(&self.ledger, &stage, self.settings.patience, before.0);
        let issued = self.ledger.within(reissue).await?;
        if !issued.is_empty() {
            self.metrics.reissued.inc_by(issued.len() as u64);
            tracing::info!(
                stage = stage.name,
                tickets = issued.len(),
                "issued again: their tickets were lost"
            );
            let tickets = issued.iter().map(|issued| issued.ticket(stage.kind)).collect();
            self.publish(stage, tickets).await;
        }
        Ok(())
    }

    async fn tidy(&self) {
        let limits = AgeLimits {
            turn: self.settings.turn_age,
            outbound: self.settings.outbound_age,
            document: self.settings.document_age,
            update: self.settings.update_age,
        };
        match self.ledger.within(dispatch::tidy(&self.ledger, limits, self.operators)).await {
            Ok(done) => {
                let given_up = done.turns_given_up + done.outbound_given_up + done.revisions_given_up;
                if given_up + done.takeovers_returned > 0 {
                    self.metrics.given_up.inc_by(given_up as u64);
                    tracing::warn!(?done, "gave up what was too old");
                }
                if done.desks_unreachable > 0 {
                    tracing::error!(
                        conversations = done.desks_unreachable,
                        "not handed over: make the bot an administrator of the operators' group that may manage topics"
                    );
                }
                let of =
                    |ticket: &Ticket| self.stages.iter().find(|stage| stage.name == ticket.stage).copied();
                let tickets: Vec<_> = done
                    .issued
                    .into_iter()
                    .filter_map(|ticket| of(&ticket).map(|stage| (stage, ticket)))
                    .collect();
                self.nats.publish_many(&tickets).await;
            }
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "nothing tidied"),
        }
    }

    /// What is not published now has an `issued_at` without a ticket: a later round finds it.
    async fn publish(&self, stage: Stage, tickets: Vec<Ticket>) {
        if !tickets.is_empty() {
            let tickets: Vec<_> = tickets.into_iter().map(|ticket| (stage, ticket)).collect();
            self.nats.publish_many(&tickets).await;
        }
    }
}

/// The bound below which a ticket is lost: `Some(None)` when nothing is undelivered (every old ticket is),
/// `None` when nothing may be concluded this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Before(Option<DateTime<Utc>>);

fn lost_before(backlog: Backlog, slack: Duration) -> Option<Before> {
    if backlog.num_pending == 0 {
        return Some(Before(None));
    }
    let head = DateTime::from_timestamp_micros(backlog.head_issued_at?)?;
    Some(Before(Some(head - slack)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_lost_only_when_it_cannot_be_among_the_undelivered() {
        let slack = Duration::from_secs(2);
        let empty = Backlog { num_pending: 0, head_issued_at: None };
        assert_eq!(lost_before(empty, slack), Some(Before(None)));
        let unknown = Backlog { num_pending: 7, head_issued_at: None };
        assert_eq!(lost_before(unknown, slack), None);
        let waiting = Backlog { num_pending: 7, head_issued_at: Some(10_000_000) };
        assert_eq!(lost_before(waiting, slack), Some(Before(DateTime::from_timestamp_micros(8_000_000))));
    }
}
