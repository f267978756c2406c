//! How things are: one model behind both the JSON and the page.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::Desk;
use super::history::Minute;
use super::json::json;
use super::recent::Recent;
use super::scan::Scan;
use super::sets::StoredSet;
use super::stored::Stored;
use super::wanted::NoSuchSite;
use super::warm::Warm;
use crate::gateway::{AuthState, GatewayStatus, LaneStatus, SiteStatus, StoredAnswers, Told};
use crate::odata::name::SiteId;

/// `GET /api/status[?site=&set=]`; the query chooses among the stored answers.
pub(super) async fn status(State(desk): State<Desk>, uri: Uri) -> Result<Response, NoSuchSite> {
    let wanted = desk.wanted(uri.query())?;
    let status = desk.status(wanted.which(), FOR_PROGRAMS);
    Ok(json(StatusCode::OK, &status))
}

/// How things are.
#[derive(Debug, Serialize)]
pub struct Status {
    /// The program's.
    pub version: &'static str,
    /// When that was so.
    #[serde(serialize_with = "rfc3339")]
    pub now: Timestamp,
    /// When the program began.
    #[serde(serialize_with = "rfc3339")]
    pub started: Timestamp,
    /// Since then.
    pub uptime_seconds: u64,
    /// What is stored.
    pub cache: CacheNumbers,
    /// In order of their names.
    pub sites: Vec<Site>,
    /// Those that run, the longest first.
    pub scans: Vec<Scan>,
    /// In the order of the settings.
    pub warm: Vec<Warm>,
    /// The newest first.
    pub recent: Vec<Recent>,
    /// The oldest first.
    pub history: Vec<Minute>,
}

/// What is stored.
#[derive(Debug, Serialize)]
pub struct CacheNumbers {
    /// Answers in memory.
    pub entries: u64,
    /// Their bytes there.
    pub bytes: u64,
    /// Answers being made.
    pub fills: u64,
    /// Answers on disk, most of them in memory, too.
    pub disk_entries: u64,
    /// The bytes of their files.
    pub disk_bytes: u64,
    /// How many stored answers were asked about.
    pub stored_total: usize,
    /// The latest of these.
    pub stored: Vec<Stored>,
    /// How many sets these are about.
    pub sets_total: usize,
    /// The sets that were used last, in order of their names.
    pub sets: Vec<StoredSet>,
}

/// How one site is doing.
#[derive(Debug, Serialize)]
pub struct Site {
    /// Its name.
    #[serde(rename = "site")]
    pub name: String,
    /// Whether `/monitorodata` without a name is this one.
    pub default: bool,
    /// Where its data comes from.
    pub endpoint: String,
    /// How its token is.
    pub token: Token,
    /// How its customer's lane is.
    pub lane: Lane,
    /// What went wrong last, since the start.
    pub last_error: Option<LastError>,
}

/// How its customer's lane is.
#[derive(Debug, Serialize)]
pub struct Lane {
    /// Queries that may be in flight now.
    pub level: usize,
    /// The most that the settings allow.
    pub maximum: usize,
    /// Queries that upstream works on.
    pub in_flight: usize,
    /// How much longer the pause under way takes.
    pub paused_seconds: Option<u64>,
    /// In the present order.
    pub waiting: Vec<Waiting>,
}

/// A request that waits.
#[derive(Debug, Serialize)]
pub struct Waiting {
    /// From 1 on.
    pub position: usize,
    /// A word of the metrics' label `class`.
    pub class: &'static str,
    /// An entity set, or the like.
    pub what: String,
    /// Since when it waits.
    pub seconds: u64,
}

/// How its token is.
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Token {
    /// None was needed yet.
    None,
    /// There is one.
    Valid {
        /// Until it expires.
        remaining_seconds: u64,
    },
    /// There is none.
    Failed {
        /// Why, and what to do.
        explanation: String,
    },
}

/// What went wrong last.
#[derive(Debug, Serialize)]
pub struct LastError {
    /// When.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// Causes included.
    pub message: String,
}

impl Status {
    /// Whether something is under way, so that it is worth looking again soon.
    pub fn is_busy(&self) -> bool {
        let at_work = |lane: &Lane| lane.in_flight > 0 || !lane.waiting.is_empty();
        self.cache.fills > 0 || self.sites.iter().any(|site| at_work(&site.lane))
    }

    /// The state of the gateway at `now`.
    pub(super) fn new(
        gateway: &GatewayStatus,
        stored: &StoredAnswers,
        default: Option<&SiteId>,
        started: Timestamp,
        now: Timestamp,
    ) -> Self {
        let uptime = now.duration_since(started).as_secs();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            now,
            started,
            uptime_seconds: uptime.try_into().unwrap_or(0),
            cache: CacheNumbers {
                entries: gateway.cache_entries,
                bytes: gateway.cache_bytes,
                fills: gateway.fills,
                disk_entries: gateway.disk.0,
                disk_bytes: gateway.disk.1,
                stored_total: stored.total,
                stored: stored.latest.iter().map(Stored::new).collect(),
                sets_total: stored.sets_total,
                sets: stored.sets.iter().map(StoredSet::new).collect(),
            },
            sites: gateway
                .sites
                .iter()
                .map(|site| Site::new(site, default == Some(&site.site)))
                .collect(),
            scans: gateway.scans.iter().map(Scan::new).collect(),
            warm: Vec::new(),
            recent: Vec::new(),
            history: Vec::new(),
        }
    }
}

impl Site {
    fn new(status: &SiteStatus, default: bool) -> Self {
        let last_error = status.last_error.as_ref();
        Self {
            name: status.site.to_string(),
            default,
            endpoint: status.endpoint.clone(),
            token: match &status.token {
                AuthState::None => Token::None,
                AuthState::Valid { remaining } => Token::Valid {
                    remaining_seconds: seconds(*remaining),
                },
                AuthState::Failed { explanation } => Token::Failed {
                    explanation: explanation.clone(),
                },
            },
            lane: Lane::new(&status.lane),
            last_error: last_error.map(|(at, message)| LastError {
                at: *at,
                message: message.clone(),
            }),
        }
    }
}

impl Lane {
    fn new(status: &LaneStatus) -> Self {
        let waiting = status.waiting.iter().map(|waiting| Waiting {
            position: waiting.position,
            class: waiting.class.name(),
            what: waiting.what.to_string(),
            seconds: seconds(waiting.waited),
        });
        Self {
            level: status.level,
            maximum: status.maximum,
            in_flight: status.in_flight,
            paused_seconds: status.paused_for.map(seconds),
            waiting: waiting.collect(),
        }
    }
}

/// Whole seconds.
pub(super) fn seconds(duration: Duration) -> u64 {
    duration.as_secs()
}

/// A time of day in RFC 3339, to the second.
pub(super) fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.0}"))
}

/// The same where there may be none.
#[expect(clippy::ref_option, reason = "serde calls it")]
pub(super) fn rfc3339_or_null<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => rfc3339(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// Seconds to the millisecond: more digits say nothing.
pub(super) fn to_the_millisecond<S: Serializer>(
    time: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let time = Duration::new(time.as_secs(), time.subsec_millis() * 1_000_000);
    serializer.serialize_f64(time.as_secs_f64())
}

/// Of tens of thousands perhaps.
const FOR_PROGRAMS: Told = Told {
    answers: 200,
    sets: 60,
    of_each_set: 0,
};
