//! The cache in the exposition for Prometheus: what is in it now, and what happened in it.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::metrics::Level;
use crate::gateway::GatewayStatus;

/// `ok` or `failed`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

/// How the cache is at the moment of asking.
pub(super) fn levels(registry: &mut Registry, status: &GatewayStatus) {
    let mut level = |name: &str, help: &str, value: u64| {
        let gauge = Level::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    level("cache_entries", "Stored answers", status.cache_entries);
    level(
        "cache_size_bytes",
        "Bytes of stored answers",
        status.cache_bytes,
    );
    level("cache_fills", "Answers being made", status.fills);
    let (entries, bytes) = status.disk;
    level("cache_disk_entries", "Stored answers on disk", entries);
    level("cache_disk_size_bytes", "Bytes of their files", bytes);
}

/// What happened in the cache since the start.
pub(super) fn counts(registry: &mut Registry, status: &GatewayStatus) {
    let counts = &status.cache_counts;
    let (evictions, refreshes) = <(Counter, Family<ResultLabel, Counter>)>::default();
    evictions.inc_by(counts.evictions);
    let recalls = Counter::<u64>::default();
    recalls.inc_by(counts.recalls);
    let failed = counts.refreshes_failed;
    for (result, count) in [
        ("ok", counts.refreshes.saturating_sub(failed)),
        ("failed", failed),
    ] {
        let labels = ResultLabel { result };
        refreshes.get_or_create(&labels).inc_by(count);
    }
    let cache = registry.sub_registry_with_prefix("cache");
    let help = "Stored answers that made room for others";
    cache.register("evictions", help, evictions);
    let help = "Stored answers that came back from disk";
    cache.register("recalls", help, recalls);
    let failures = Counter::<u64>::default();
    failures.inc_by(counts.disk_failures);
    let help = "Times that the disk for stored answers failed";
    cache.register("disk_failures", help, failures);
    let help = "Answers that were made in the background";
    cache.register("refreshes", help, refreshes);
}
