//! What the operator may want to see of the sites and the cache.

use std::time::Duration;

use jiff::Timestamp;

use super::pace::Pace;
use crate::auth::AuthState;
use crate::cache::{CacheCounts, Running};
use crate::odata::name::SiteId;
use crate::odata::question::Resource;
use crate::odata::shape::shape;
use crate::upstream::{LaneStatus, UpstreamCounts};

/// The state of everything behind the gateway.
#[derive(Debug, Clone)]
pub struct GatewayStatus {
    /// One a site.
    pub sites: Vec<SiteStatus>,
    /// Stored answers.
    pub cache_entries: u64,
    /// Their bytes.
    pub cache_bytes: u64,
    /// What was done in the cache since the start.
    pub cache_counts: CacheCounts,
    /// Answers on disk, those that are in memory, too, included, and the bytes of their files; zeros without a disk.
    pub disk: (u64, u64),
    /// Answers being made now.
    pub fills: u64,
    /// Those of them that are collections; the longest first.
    pub scans: Vec<ScanStatus>,
}

/// A collection that is being read.
#[derive(Debug, Clone)]
pub struct ScanStatus {
    /// The site that it is read from.
    pub site: SiteId,
    /// The entity set.
    pub set: String,
    /// The question without its values.
    pub shape: String,
    /// How far it is, and how fast.
    pub pace: Pace,
    /// Clients that wait for it.
    pub clients: usize,
    /// Time since it was asked for, the wait for the first page included.
    pub elapsed: Duration,
}

impl ScanStatus {
    /// What is known of an answer that is being made; `None` when it is not a collection.
    pub(super) fn of(running: &Running) -> Option<Self> {
        let question = running.key.question();
        let Resource::Collection(set) = question.resource() else {
            return None;
        };
        Some(Self {
            site: running.key.site().clone(),
            set: set.to_string(),
            shape: shape(question),
            pace: Pace::of(&running.progress),
            clients: running.readers,
            elapsed: running.progress.elapsed(),
        })
    }
}

/// How one site is doing.
#[derive(Debug, Clone)]
pub struct SiteStatus {
    /// Its name.
    pub site: SiteId,
    /// Where its data comes from: scheme, host, path.
    pub endpoint: String,
    /// Whether there is a usable token.
    pub token: AuthState,
    /// Token requests since the start.
    pub token_requests: u64,
    /// Data requests since the start, and what became of them.
    pub upstream: UpstreamCounts,
    /// Its customer's lane, which it may share with other sites.
    pub lane: LaneStatus,
    /// The last failure of an answer, if any: when, and what happened.
    pub last_error: Option<(Timestamp, String)>,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cache::{CacheKey, Progress, Way};
    use crate::odata::question::Question;
    use crate::odata::representation::Representation;

    fn scan(question: &str) -> Option<ScanStatus> {
        let (path, query) = question.split_once('?').unwrap_or((question, ""));
        let question = Question::parse(path, Some(query)).unwrap();
        let site = SiteId::new("main").unwrap();
        let progress = Progress::new();
        progress.add_page(Duration::from_secs(1));
        progress.add_rows(1000);
        progress.expect_rows(5000);
        progress.set_way(Way::Range);
        ScanStatus::of(&Running {
            key: CacheKey::new(site, question, Representation::default(), None),
            progress: Arc::new(progress),
            readers: 2,
        })
    }

    #[test]
    fn a_scan_is_shown_without_the_values_in_its_question() {
        let scan = scan("Sessions?$filter=UserName eq 'Smith'&$skiptoken=secret").unwrap();
        assert_eq!(scan.shape, "Sessions?$filter=UserName eq ?&$skiptoken=?");
        let found = format!("{scan:?}");
        assert!(
            !found.contains("Smith") && !found.contains("secret"),
            "{found}"
        );
        assert_eq!((scan.set.as_str(), scan.clients), ("Sessions", 2));
        let expected = "1,000 of about 5,000 rows, by range";
        assert_eq!(scan.pace.to_string(), expected);
    }

    #[test]
    fn only_collections_are_scans() {
        for question in [
            "",
            "$metadata",
            "Users/$count",
            "Users(5)",
            "Users(5)/Sessions",
        ] {
            assert!(scan(question).is_none(), "{question}");
        }
        assert!(scan("Users").is_some());
    }
}
