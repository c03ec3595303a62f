//! What is counted of every request.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Seconds. An accepted question takes a commit (1–20 ms), a read less; the long end is the request's limit.
const BUCKETS: [f64; 11] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: Arc<str>,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Timed {
    route: Arc<str>,
}

/// Counters of requests; clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: Family<Answered, Counter>,
    duration: Family<Timed, Histogram, fn() -> Histogram>,
}

impl Metrics {
    /// Registers `vectora_http_requests_total{route,method,status}` and
    /// `vectora_http_request_duration_seconds{route}` (to the answer's head) in a registry whose prefix
    /// the caller has set to `vectora`, or which has none: names are written out in full here.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        };
        registry.register("vectora_http_requests", "HTTP requests answered", metrics.requests.clone());
        registry.register(
            "vectora_http_request_duration_seconds",
            "From a request's head to its answer's head",
            metrics.duration.clone(),
        );
        metrics
    }

    pub(crate) fn observe(&self, route: &Arc<str>, method: &'static str, status: u16, took: Duration) {
        // `get_or_create_owned`: two guards in one statement deadlock.
        self.requests.get_or_create_owned(&Answered { route: route.clone(), method, status }).inc();
        self.duration.get_or_create_owned(&Timed { route: route.clone() }).observe(took.as_secs_f64());
    }
}
