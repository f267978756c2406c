//! The `[[cache.rules]]` that apply when the operator writes none: for what kinds of entity sets the general clocks
//! are wrong.
//!
//! The general clocks are made for what changes while one looks at it: sessions, connections, log-ons, failures, and
//! the machines, whose rows hold their state of the moment. These have no rule, so that `cache.ttl` decides about
//! them. A rule says only what is otherwise, and rests on how the service keeps its data:
//!
//! - Summaries have rows for complete intervals only, of an hour or a day most of them, and are never computed again.
//! - Raw samples and application errors are groomed after a day, some after three: a stale answer soon holds rows that
//!   upstream has no more.
//! - Names of hotfixes, failure categories and probe stages come with the product's releases.
//! - Inventory and what administrators configure changes by hand. Deleted rows stay for a week at least, marked as
//!   such, so that an answer of last week still names what other tables refer to.

/// A rule that applies when the operator writes none. Clocks that it leaves out are the general ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct DefaultRule {
    pub(super) sets: &'static [&'static str],
    pub(super) ttl: Option<&'static str>,
    pub(super) stale_while_revalidate: Option<&'static str>,
    pub(super) stale_if_error: Option<&'static str>,
}

impl DefaultRule {
    /// The clocks that it sets, by their names.
    pub(super) fn clocks(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let clocks = [
            ("ttl", self.ttl),
            ("stale_while_revalidate", self.stale_while_revalidate),
            ("stale_if_error", self.stale_if_error),
        ];
        clocks
            .into_iter()
            .filter_map(|(name, clock)| Some((name, clock?)))
    }
}

/// For `sets`, the general clocks.
const fn rule(sets: &'static [&'static str]) -> DefaultRule {
    DefaultRule {
        sets,
        ttl: None,
        stale_while_revalidate: None,
        stale_if_error: None,
    }
}

/// The first that matches counts.
pub(super) const RULES: &[DefaultRule] = &[
    DefaultRule {
        ttl: Some("30m"),
        ..rule(&["*Summaries", "*Summary"])
    },
    // What is kept for a day.
    DefaultRule {
        stale_if_error: Some("6h"),
        ..rule(&[
            "ResourceUtilization",
            "ProcessUtilization",
            "ComponentResourceUtilizations",
            "MachineMetric",
            "SessionMetrics",
            "ApplicationErrors",
            "ApplicationFaults",
        ])
    },
    // What comes with the product.
    DefaultRule {
        ttl: Some("1h"),
        stale_while_revalidate: Some("24h"),
        stale_if_error: Some("7days"),
        ..rule(&["ConnectionFailureCategories", "Hotfixes", "ProbeStages"])
    },
    // What administrators change.
    DefaultRule {
        ttl: Some("15m"),
        stale_if_error: Some("7days"),
        ..rule(&[
            "Applications",
            "Catalogs",
            "DesktopGroups",
            "Hypervisors",
            "MachineCosts",
            "NotificationRule*",
            "NotificationTargets",
            "ProbeDesktop",
            "ProbeEndpoints",
            "ProbeRule*",
            "PublishedDesktopNames",
            "Users",
        ])
    },
];
