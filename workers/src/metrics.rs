//! What the workers count.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfStage {
    pub stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Handled {
    pub stage: &'static str,
    /// `done`, `retry`, `released`, `failed`, `lost`, `dropped`.
    pub outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Idle {
    pub stage: &'static str,
    /// Why a ticket led to no claim: `taken`, `newer`, `undecodable`, `ledger`.
    pub reason: &'static str,
}

/// Clones share the counters.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub handled: Family<Handled, Counter>,
    pub unclaimed: Family<Idle, Counter>,
    pub panics: Family<OfStage, Counter>,
    pub in_flight: Family<OfStage, Gauge>,
    pub breaker_open: Family<OfStage, Gauge>,
    pub duration: Family<OfStage, Histogram>,
    pub pickup: Family<OfStage, Histogram>,
    /// Calls to a channel of which nobody knows whether they arrived.
    pub unknown_sends: Counter,
    /// Frames of a draft that were shown after their turn was over: a paused worker's.
    pub late_frames: Counter,
}

/// 1 ms to 60 s, doubling: a pickup of a few milliseconds and a model that takes a minute.
fn seconds() -> Histogram {
    Histogram::new(prometheus_client::metrics::histogram::exponential_buckets(0.001, 2.0, 17))
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            handled: Family::default(),
            unclaimed: Family::default(),
            panics: Family::default(),
            in_flight: Family::default(),
            breaker_open: Family::default(),
            duration: Family::new_with_constructor(seconds),
            pickup: Family::new_with_constructor(seconds),
            unknown_sends: Counter::default(),
            late_frames: Counter::default(),
        }
    }
}

impl Metrics {
    /// Makes the metrics and registers them.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let Self { handled, unclaimed, panics, in_flight, breaker_open, duration, pickup, .. } =
            metrics.clone();
        registry.register("vectora_stage_handled", "Items by how they were left", handled);
        registry.register("vectora_stage_unclaimed", "Tickets that led to no claim", unclaimed);
        registry.register("vectora_stage_panics", "Handlers that panicked", panics);
        registry.register("vectora_stage_in_flight", "Items being worked on", in_flight);
        registry.register("vectora_stage_breaker_open", "1 while a dependency is away", breaker_open);
        registry.register("vectora_stage_duration_seconds", "From claim to settled", duration);
        registry.register("vectora_stage_pickup_seconds", "From issued to claimed", pickup);
        let Self { unknown_sends, late_frames, .. } = metrics.clone();
        let unknown = "Calls to a channel of which nobody knows whether they arrived";
        registry.register("vectora_outbound_unknown", unknown, unknown_sends);
        let late = "Frames of a draft shown after their turn was over";
        registry.register("vectora_draft_late_frames", late, late_frames);
        metrics
    }
}
