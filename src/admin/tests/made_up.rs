//! A gateway that is made up.

use std::future::ready;
use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::admin::watched::Watched;
use crate::gateway::{
    AuthState, ByClass, CacheCounts, Class, GatewayStatus, LaneCounts, LaneStatus, Pace, Place,
    ScanStatus, SiteStatus, StoredAnswer, StoredAnswers, StoredState, UpstreamCounts, Waiting, Way,
    Which,
};
use crate::odata::name::SiteId;
use crate::odata::representation::Representation;

/// A gateway whose site `lab` has this token.
pub(super) struct MadeUp(pub(super) AuthState);

impl Watched for MadeUp {
    fn status(&self) -> GatewayStatus {
        let site = |name: &str, token: &AuthState| SiteStatus {
            site: SiteId::new(name).unwrap(),
            endpoint: "https://api.cloud.com/monitorodata".to_owned(),
            token: token.clone(),
            token_requests: 2,
            upstream: UpstreamCounts {
                status: [0, 70, 0, 6, 1],
                unanswered: 5,
                retries: 9,
                throttled: 4,
            },
            lane: lane(),
            last_error: Some((
                Timestamp::UNIX_EPOCH,
                "no <row> of `Users` & more".to_owned(),
            )),
        };
        let valid = AuthState::Valid {
            remaining: Duration::from_mins(50),
        };
        let scan = |set: &str, expected_rows, way| ScanStatus {
            site: SiteId::new("main").unwrap(),
            set: set.to_owned(),
            shape: format!("{set}?$filter=Id lt ?&$select=Id"),
            pace: Pace {
                rows: 412_000,
                pages: 413,
                rows_per_second: Some(6200),
                expected_rows,
                way,
            },
            clients: if way.is_some() { 2 } else { 1 },
            elapsed: Duration::from_secs(66),
        };
        GatewayStatus {
            sites: vec![site("lab", &self.0), site("main", &valid)],
            cache_entries: 12,
            cache_bytes: 3_000_000,
            cache_counts: CacheCounts {
                evictions: 7,
                refreshes: 40,
                refreshes_failed: 3,
                recalls: 5,
                disk_failures: 6,
            },
            disk: (45_000, 4_000_000_000),
            fills: 2,
            scans: vec![
                scan("Sessions", Some(2_000_000), Some(Way::Range)),
                scan("Users", None, None),
            ],
        }
    }

    fn stored(&self, which: Which<'_>, max: usize) -> StoredAnswers {
        let mut latest = stored();
        latest.retain(|answer| which.site.is_none_or(|site| answer.site == *site));
        latest.retain(|answer| {
            which
                .set
                .is_none_or(|set| answer.set.as_deref() == Some(set))
        });
        latest.truncate(max);
        let total = if which.site.is_some() {
            latest.len()
        } else {
            12
        };
        StoredAnswers { latest, total }
    }

    fn sites(&self) -> Vec<SiteId> {
        self.status().sites.into_iter().map(|s| s.site).collect()
    }

    fn default_site(&self) -> Option<SiteId> {
        SiteId::new("main")
    }

    fn purge<'a>(&'a self, which: Which<'a>) -> BoxFuture<'a, usize> {
        let purged = if which.site.is_some() && which.set.is_some() {
            3
        } else {
            12
        };
        ready(purged).boxed()
    }
}

/// One in each state.
fn stored() -> Vec<StoredAnswer> {
    let fresh = StoredAnswer {
        site: SiteId::new("main").unwrap(),
        set: Some("Sessions".to_owned()),
        shape: "Sessions?$filter=Id lt ?".to_owned(),
        representation: None,
        page_size: None,
        rows: 412_000,
        pages: 413,
        bytes: 20 << 20,
        text_bytes: 200 << 20,
        fetched_at: Timestamp::UNIX_EPOCH,
        age: Duration::from_millis(10_900),
        fresh_for: SignedDuration::from_millis(289_100),
        state: StoredState::Fresh,
        failure: None,
        hits: 1234,
        upstream_time: Duration::from_micros(62_345_678),
        place: Place::Memory,
    };
    let over = |set: &str, state, failure: Option<&str>| StoredAnswer {
        set: Some(set.to_owned()),
        shape: set.to_owned(),
        age: Duration::from_mins(7),
        fresh_for: SignedDuration::from_secs(-120),
        state,
        failure: failure.map(ToOwned::to_owned),
        ..fresh.clone()
    };
    let pages = StoredAnswer {
        site: SiteId::new("lab").unwrap(),
        representation: Some(Representation::negotiate(
            Some("application/json;odata.metadata=full"),
            None,
        )),
        page_size: NonZeroU32::new(100),
        ..over("Users", StoredState::Stale, None)
    };
    let root = StoredAnswer {
        set: None,
        shape: String::new(),
        ..over("", StoredState::Expired, None)
    };
    vec![
        fresh.clone(),
        over("Machines", StoredState::Refreshing, None),
        pages,
        over("Catalogs", StoredState::Failed, Some("no <row> & more")),
        root,
    ]
}

pub(super) fn lane() -> LaneStatus {
    let waiting = |position, class, what: &str, seconds| Waiting {
        position,
        class,
        what: what.into(),
        waited: Duration::from_secs(seconds),
    };
    LaneStatus {
        level: 1,
        maximum: 3,
        in_flight: 1,
        paused_for: Some(Duration::from_secs(30)),
        waiting: vec![
            waiting(1, Class::Metadata, "$metadata", 1),
            waiting(2, Class::Interactive, "Users(…)", 2),
            waiting(3, Class::Scan, "Sessions", 40),
            waiting(4, Class::Background, "<b>", 3),
        ],
        counts: LaneCounts {
            grants: ByClass::from_fn(|class| class.name().len() as u64),
            paused: Duration::from_millis(75_500),
        },
    }
}
