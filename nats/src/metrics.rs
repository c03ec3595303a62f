//! What is counted here.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// Counters of one connection; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    pub(crate) published: Counter,
    pub(crate) publish_failures: Counter,
    pub(crate) reconnects: Counter,
    pub(crate) pulls_cut_short: Counter,
    pub(crate) set_aside: Counter,
}

impl Metrics {
    /// Registers `vectora_nats_published_total`, `vectora_nats_publish_failures_total`,
    /// `vectora_nats_reconnects_total`, `vectora_nats_pulls_cut_short_total` and
    /// `vectora_nats_set_aside_total` in a registry without a prefix: names are written out in full here.
    pub fn register(&self, registry: &mut Registry) {
        for (name, help, counter) in [
            ("published", "Tickets the server has confirmed, duplicates included", &self.published),
            ("publish_failures", "Tickets that were not confirmed in time", &self.publish_failures),
            ("reconnects", "Connections after the first", &self.reconnects),
            ("pulls_cut_short", "Pulls ended by an error, a reconnect or silence", &self.pulls_cut_short),
            ("set_aside", "Undecodable messages copied to their stream", &self.set_aside),
        ] {
            registry.register(format!("vectora_nats_{name}"), help, counter.clone());
        }
    }

    /// Tickets the server has confirmed, duplicates included.
    pub fn published(&self) -> u64 {
        self.published.get()
    }

    /// Tickets that were not confirmed in time.
    pub fn publish_failures(&self) -> u64 {
        self.publish_failures.get()
    }

    /// Connections after the first.
    pub fn reconnects(&self) -> u64 {
        self.reconnects.get()
    }
}
