//! What is counted about answers that are made before anybody asks.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::odata::name::SiteId;

/// Counts of answers.
#[derive(Debug)]
pub(super) struct Metrics(Family<Labels, Counter>);

/// Bounded by the configuration, which names the sites; the other two are words of closed sets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    site: String,
    why: &'static str,
    result: &'static str,
}

/// Why a new answer is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It is in the schedule.
    Schedule,
    /// Clients ask for it again and again, and it will be stale soon.
    Ahead,
}

impl Why {
    /// A word for logs and metric labels.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Ahead => "ahead",
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is stored.
    Ok,
    /// It was made, and is not stored.
    NotKept,
    /// There is none.
    Failed,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotKept => "not_kept",
            Self::Failed => "failed",
        }
    }
}

impl Metrics {
    /// Registers the metrics under `warm_`, with zeros for all `sites`.
    pub(super) fn new(registry: &mut Registry, sites: &[SiteId]) -> Self {
        let metrics = Self(Family::default());
        for site in sites {
            for why in [Why::Schedule, Why::Ahead] {
                for result in [Outcome::Ok, Outcome::NotKept, Outcome::Failed] {
                    drop(metrics.0.get_or_create(&Labels::new(site, why, result)));
                }
            }
        }
        let registry = registry.sub_registry_with_prefix("warm");
        let help = "Answers that were made before anybody asked";
        registry.register("refreshes", help, metrics.0.clone());
        metrics
    }

    /// Counts one.
    pub(super) fn count(&self, site: &SiteId, why: Why, result: Outcome) {
        let labels = Labels::new(site, why, result);
        self.0.get_or_create(&labels).inc();
    }
}

impl Labels {
    fn new(site: &SiteId, why: Why, result: Outcome) -> Self {
        Self {
            site: site.to_string(),
            why: why.name(),
            result: result.name(),
        }
    }
}
