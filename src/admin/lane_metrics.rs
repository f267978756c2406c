//! The lanes in the exposition for Prometheus: how they are now, and what happened in them.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use super::metrics::{SiteLabel, Sites};
use super::status::seconds;
use crate::gateway::{Class, GatewayStatus};

/// Bounded by the configuration, which names the sites, and by [`Class`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabels {
    site: String,
    class: &'static str,
}

impl ClassLabels {
    fn new(site: &SiteLabel, class: Class) -> Self {
        Self {
            site: site.site.clone(),
            class: class.name(),
        }
    }
}

/// Times since the start.
type Seconds = Family<SiteLabel, Counter<f64, AtomicU64>>;

/// How the lanes are at the moment of asking. Sites of one customer share theirs, and each shows it.
pub(super) fn levels(registry: &mut Registry, status: &GatewayStatus) {
    let (in_flight, level, oldest) = <(Sites, Sites, Sites)>::default();
    let queued = Family::<ClassLabels, super::metrics::Level>::default();
    for site in &status.sites {
        let label = SiteLabel::of(site);
        let lane = &site.lane;
        in_flight.get_or_create(&label).set(lane.in_flight as u64);
        level.get_or_create(&label).set(lane.level as u64);
        oldest.get_or_create(&label).set(seconds(lane.oldest()));
        let waiting = lane.queued_by_class();
        for class in Class::ALL {
            let labels = ClassLabels::new(&label, class);
            let waiting = *waiting.of(class) as u64;
            queued.get_or_create(&labels).set(waiting);
        }
    }
    let upstream = registry.sub_registry_with_prefix("upstream");
    upstream.register("in_flight", "Queries that upstream works on", in_flight);
    upstream.register("level", "Queries that may be in flight now", level);
    upstream.register("queued", "Requests that wait for their turn", queued);
    let help = "How long the request has waited that came first";
    upstream.register_with_unit("queue_oldest", help, Unit::Seconds, oldest);
}

/// What happened in the lanes since the start.
pub(super) fn counts(registry: &mut Registry, status: &GatewayStatus) {
    let grants = Family::<ClassLabels, Counter>::default();
    let (paused, busy) = <(Seconds, Seconds)>::default();
    for site in &status.sites {
        let label = SiteLabel::of(site);
        let counts = &site.lane.counts;
        for class in Class::ALL {
            let labels = ClassLabels::new(&label, class);
            grants
                .get_or_create(&labels)
                .inc_by(*counts.grants.of(class));
        }
        for (metric, time) in [(&paused, counts.paused), (&busy, counts.busy)] {
            metric.get_or_create(&label).inc_by(time.as_secs_f64());
        }
    }
    let upstream = registry.sub_registry_with_prefix("upstream");
    upstream.register("grants", "Turns that were given out", grants);
    let help = "Time in which no query was sent because upstream wanted a pause";
    upstream.register_with_unit("paused", help, Unit::Seconds, paused);
    let help = "Time in which upstream worked on at least one query";
    upstream.register_with_unit("busy", help, Unit::Seconds, busy);
}
