//! What searching counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    /// `unknown` (the embedder is not configured in this process), `failed`, `late`, `away` (it failed a moment
    /// ago, and was not asked).
    reason: &'static str,
}

/// Clones share the counters.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    lexical_only: Family<Why, Counter>,
    refused: Counter,
}

impl Metrics {
    /// Makes the metrics and registers them.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "Searches, and checks of what a model wrote, that had to do without dense vectors";
        registry.register("vectora_search_lexical_only", help, metrics.lexical_only.clone());
        let help = "Passages that the embedder refused; they are found by words alone";
        registry.register("vectora_embedder_refused_passages", help, metrics.refused.clone());
        metrics
    }

    pub(crate) fn refused(&self, passages: usize) {
        self.refused.inc_by(passages as u64);
    }

    pub(crate) fn without(&self, reason: &'static str) {
        self.lexical_only.get_or_create_owned(&Why { reason }).inc();
    }
}
