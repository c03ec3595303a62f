//! What the models count.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use crate::Usage;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfProvider {
    /// As the configuration names it.
    pub(crate) provider: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Requested {
    pub(crate) provider: String,
    /// `answered`, an [`outcome`](crate::ModelError::outcome), `cancelled`, or `skipped` without a call.
    pub(crate) outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Told {
    /// Provider and model.
    pub(crate) model: String,
    /// `prompt` or `completion`.
    pub(crate) direction: &'static str,
}

/// Clones share the counters.
#[derive(Debug, Clone)]
pub struct Metrics {
    breaker_open: Family<OfProvider, Gauge>,
    tokens: Family<Told, Counter>,
    requests: Family<Requested, Counter>,
    in_flight: Family<OfProvider, Gauge>,
    first_token: Family<OfProvider, Histogram>,
    duration: Family<OfProvider, Histogram>,
}

/// 10 ms to 80 s, doubling: a vector takes tens of milliseconds, a long answer a minute.
fn seconds() -> Histogram {
    Histogram::new(prometheus_client::metrics::histogram::exponential_buckets(0.01, 2.0, 14))
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            breaker_open: Family::default(),
            tokens: Family::default(),
            requests: Family::default(),
            in_flight: Family::default(),
            first_token: Family::new_with_constructor(seconds),
            duration: Family::new_with_constructor(seconds),
        }
    }
}

impl Metrics {
    /// Makes the metrics and registers them.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let Self { breaker_open, tokens, requests, in_flight, first_token, duration } = metrics.clone();
        registry.register("vectora_model_breaker_open", "1 while a provider is out of use", breaker_open);
        registry.register("vectora_model_tokens", "Tokens, by direction", tokens);
        registry.register("vectora_model_requests", "Calls by how they ended", requests);
        registry.register("vectora_model_in_flight", "Calls under way", in_flight);
        registry.register(
            "vectora_model_first_token_seconds",
            "From the call to its first token",
            first_token,
        );
        registry.register("vectora_model_duration_seconds", "Of a whole call", duration);
        metrics
    }

    pub(crate) fn breaker(&self, provider: &str) -> Gauge {
        self.breaker_open.get_or_create_owned(&OfProvider { provider: provider.to_owned() })
    }

    /// A provider was asked nothing: its breaker is open, or its budget used up.
    pub(crate) fn skipped(&self, provider: &str) {
        self.count(provider, "skipped");
    }

    pub(crate) fn spent(&self, model: &str, usage: Usage) {
        for (direction, tokens) in [("prompt", usage.prompt), ("completion", usage.completion)] {
            let told = Told { model: model.to_owned(), direction };
            self.tokens.get_or_create_owned(&told).inc_by(u64::from(tokens));
        }
    }

    /// Tokens of the texts that a model embeds.
    pub(crate) fn embedded(&self, model: &str) -> Counter {
        self.tokens.get_or_create_owned(&Told { model: model.to_owned(), direction: "prompt" })
    }

    pub(crate) fn first_token(&self, provider: &str, since: Instant) {
        let of = OfProvider { provider: provider.to_owned() };
        self.first_token.get_or_create_owned(&of).observe(since.elapsed().as_secs_f64());
    }

    fn count(&self, provider: &str, outcome: &'static str) {
        self.requests.get_or_create_owned(&Requested { provider: provider.to_owned(), outcome }).inc();
    }

    /// A call begins.
    pub(crate) fn flight<'a>(&'a self, provider: &'a str) -> Flight<'a> {
        let in_flight = self.in_flight.get_or_create_owned(&OfProvider { provider: provider.to_owned() });
        in_flight.inc();
        Flight {
            metrics: self,
            provider,
            started: Instant::now(),
            under_way: in_flight,
            outcome: "cancelled",
        }
    }
}

/// A call under way. Dropped without an outcome it was cancelled.
#[derive(Debug)]
pub(crate) struct Flight<'a> {
    metrics: &'a Metrics,
    provider: &'a str,
    started: Instant,
    under_way: Gauge,
    outcome: &'static str,
}

impl Flight<'_> {
    pub(crate) fn end(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.under_way.dec();
        self.metrics.count(self.provider, self.outcome);
        let of = OfProvider { provider: self.provider.to_owned() };
        self.metrics.duration.get_or_create_owned(&of).observe(self.started.elapsed().as_secs_f64());
    }
}
