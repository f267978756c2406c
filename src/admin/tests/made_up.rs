//! A gateway that is made up.

use std::future::ready;
use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::admin::watched::Watched;
use crate::gateway::{
    Ask, AuthState, ByClass, CacheCounts, Class, Directives, GatewayStatus, LaneCounts, LaneStatus,
    Made, Pace, Party, Place, Refreshed, ScanStatus, SharedError, SiteStatus, States, StoredAnswer,
    StoredAnswers, StoredSet, StoredState, Told, UpstreamCounts, Waiting, Way, Which,
};
use crate::odata::name::SiteId;
use crate::odata::question::Question;
use crate::odata::representation::Representation;

/// A gateway whose site `lab` has this token.
pub(super) struct MadeUp(pub(super) AuthState);

/// How things are with it.
pub(in crate::admin) fn status() -> GatewayStatus {
    MadeUp(AuthState::None).status()
}

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

    fn stored(&self, which: Which<'_>, told: Told) -> StoredAnswers {
        let mut latest = stored();
        let sets = sets(&latest, told);
        latest.retain(|answer| which.site.is_none_or(|site| answer.site == *site));
        latest.retain(|answer| {
            which
                .set
                .is_none_or(|set| answer.set.as_deref() == Some(set))
        });
        latest.truncate(told.answers);
        let total = if which.site.is_some() {
            latest.len()
        } else {
            12
        };
        StoredAnswers {
            latest,
            total,
            sets,
            sets_total: 7,
        }
    }

    fn most_used(&self, which: Which<'_>, max: usize) -> Vec<(SiteId, Ask)> {
        let site = which.site.cloned().or_else(|| self.default_site()).unwrap();
        let asks = ["Users", "Users?$top=1", "Machines"].map(|question| {
            let (path, query) = question.split_once('?').unwrap_or((question, ""));
            let ask = Ask {
                question: Question::parse(path, Some(query)).unwrap().into(),
                representation: Representation::default(),
                page_size: None,
                directives: Directives::default(),
                party: Party::default(),
            };
            (site.clone(), ask)
        });
        asks.into_iter().take(max).collect()
    }

    fn refresh<'a>(
        &'a self,
        _site: &'a SiteId,
        _ask: Ask,
    ) -> BoxFuture<'a, Result<Refreshed, SharedError>> {
        async {
            tokio::time::sleep(Duration::from_mins(1)).await;
            Ok(Refreshed::Made(Made {
                rows: 3,
                kept: true,
            }))
        }
        .boxed()
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

/// One set with two answers, one whose name is markup, and one that is none.
fn sets(stored: &[StoredAnswer], told: Told) -> Vec<StoredSet> {
    let one = |site: &str, set: Option<&str>, states, latest: &[StoredAnswer]| StoredSet {
        site: SiteId::new(site).unwrap(),
        set: set.map(ToOwned::to_owned),
        states,
        rows: 412_000,
        bytes: 40 << 20,
        hits: 2468,
        age: Duration::from_secs(10),
        upstream_time: Duration::from_micros(62_345_678),
        idle: Duration::from_secs(5),
        latest: latest.iter().take(told.of_each_set).cloned().collect(),
    };
    let failed = States {
        failed: 1,
        ..States::default()
    };
    let both = States {
        fresh: 1,
        refreshing: 1,
        ..States::default()
    };
    let many = States {
        stale: 12,
        expired: 1,
        ..States::default()
    };
    vec![
        one("lab", Some("<i>&\"'"), many, stored.get(2..3).unwrap()),
        one("main", None, States::default(), &[]),
        one("main", Some("Catalogs"), failed, stored.get(3..4).unwrap()),
        one("main", Some("Sessions"), both, stored.get(..2).unwrap()),
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
            busy: Duration::from_millis(1_800_250),
        },
    }
}
