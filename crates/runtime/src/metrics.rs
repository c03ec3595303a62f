//! The process itself in numbers; prometheus-client has no collector for it.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
pub use prometheus_client::registry::Registry;

/// Registers the collector.
pub fn register_process(registry: &mut Registry) {
    registry.register_collector(Box::new(Process));
}

/// Memory this process cannot share or drop (`RssAnon`), in bytes; `None` where `/proc` does not tell.
pub fn rss_anon(pid: u32) -> Option<u64> {
    status_bytes(pid, "RssAnon:")
}

fn status_bytes(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// User and system time since the start, in seconds (fields 14 and 15 of `/proc/self/stat`, in ticks).
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    // Linux on every architecture we build for counts 100 ticks a second here (USER_HZ).
    Some((f64::from(user) + f64::from(system)) / 100.0)
}

/// When the process started, in seconds since the epoch: field 22 of `/proc/self/stat`, in ticks since the
/// machine started.
fn started() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let ticks: f64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    let machine = std::fs::read_to_string("/proc/stat").ok()?;
    let booted: f64 = machine.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(booted + ticks / 100.0)
}

#[derive(Debug)]
struct Process;

impl Collector for Process {
    #[expect(clippy::cast_possible_wrap, reason = "no process has 8 EiB of memory")]
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let own = std::process::id();
        let memory = [
            ("process_resident_memory_bytes", "Resident memory", status_bytes(own, "VmRSS:")),
            ("vectora_process_rss_anon_bytes", "Memory that cannot be shared or dropped", rss_anon(own)),
        ];
        for (name, help, bytes) in memory {
            if let Some(bytes) = bytes {
                let gauge = ConstGauge::new(bytes as i64);
                gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
            }
        }
        if let Some(seconds) = cpu_seconds() {
            let counter = ConstCounter::new(seconds);
            let descriptor = encoder.encode_descriptor(
                "process_cpu_seconds",
                "User and system time",
                None,
                counter.metric_type(),
            )?;
            counter.encode(descriptor)?;
        }
        if let Some(seconds) = started() {
            let gauge = ConstGauge::new(seconds);
            gauge.encode(encoder.encode_descriptor(
                "process_start_time_seconds",
                "Start, in seconds since the epoch",
                None,
                gauge.metric_type(),
            )?)?;
        }
        if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
            // Reading the directory holds one itself.
            let gauge = ConstGauge::new(files.count() as i64 - 1);
            gauge.encode(encoder.encode_descriptor(
                "process_open_fds",
                "Open file descriptors",
                None,
                gauge.metric_type(),
            )?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_tells_its_memory_and_time() {
        let mut registry = Registry::default();
        register_process(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for name in [
            "process_resident_memory_bytes ",
            "vectora_process_rss_anon_bytes ",
            "process_cpu_seconds_total ",
        ] {
            assert!(text.contains(name), "{text}");
        }
        assert!(rss_anon(std::process::id()).unwrap() > 100_000);
        assert!(text.contains("process_open_fds "), "{text}");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        let age = now - started().unwrap();
        assert!((-2.0..86_400.0).contains(&age), "started {age} seconds ago");
    }
}
