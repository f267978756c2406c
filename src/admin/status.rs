//! How things are: one model behind both the JSON and the page.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use jiff::Timestamp;
use serde::Serialize;

use super::Operator;
use super::json::json;
use super::scan::Scan;
use super::stored::Stored;
use super::wanted::NoSuchSite;
use super::warm::Warm;
use crate::gateway::{AuthState, GatewayStatus, LaneStatus, SiteStatus, StoredAnswers};
use crate::odata::name::SiteId;

/// `GET /api/status[?site=&set=]`; the query chooses among the stored answers.
pub(super) async fn status(
    State(operator): State<Arc<Operator>>,
    uri: Uri,
) -> Result<Response, NoSuchSite> {
    let wanted = operator.wanted(uri.query())?;
    let status = operator.status(wanted.which(), STORED_MAX);
    Ok(json(StatusCode::OK, &status))
}

/// How things are.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    pub version: &'static str,
    pub started: String,
    pub uptime_seconds: u64,
    pub cache: CacheNumbers,
    pub sites: Vec<Site>,
    pub scans: Vec<Scan>,
    pub warm: Vec<Warm>,
}

/// What is stored.
#[derive(Debug, Serialize)]
pub(super) struct CacheNumbers {
    pub entries: u64,
    pub bytes: u64,
    /// Answers being made.
    pub fills: u64,
    /// Answers on disk, most of them in memory, too.
    pub disk_entries: u64,
    pub disk_bytes: u64,
    /// How many stored answers were asked about.
    pub stored_total: usize,
    /// The latest of these.
    pub stored: Vec<Stored>,
}

/// How one site is doing.
#[derive(Debug, Serialize)]
pub(super) struct Site {
    #[serde(rename = "site")]
    pub name: String,
    /// Whether `/monitorodata` without a name is this one.
    pub default: bool,
    pub endpoint: String,
    pub token: Token,
    pub lane: Lane,
    pub last_error: Option<LastError>,
}

/// How its customer's lane is.
#[derive(Debug, Serialize)]
pub(super) struct Lane {
    /// Queries that may be in flight now.
    pub level: usize,
    /// The most that the settings allow.
    pub maximum: usize,
    pub in_flight: usize,
    /// How much longer the pause under way takes.
    pub paused_seconds: Option<u64>,
    /// In the present order.
    pub waiting: Vec<Waiting>,
}

/// A request that waits.
#[derive(Debug, Serialize)]
pub(super) struct Waiting {
    /// From 1 on.
    pub position: usize,
    pub class: &'static str,
    /// An entity set, or the like.
    pub what: String,
    /// Since when it waits.
    pub seconds: u64,
}

/// How its token is.
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Token {
    None,
    Valid { remaining_seconds: u64 },
    Failed { explanation: String },
}

/// What went wrong last.
#[derive(Debug, Serialize)]
pub(super) struct LastError {
    pub at: String,
    pub message: String,
}

impl Status {
    /// Whether something is under way, so that it is worth looking again soon.
    pub(super) fn is_busy(&self) -> bool {
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
            started: whole_seconds(started),
            uptime_seconds: uptime.try_into().unwrap_or(0),
            cache: CacheNumbers {
                entries: gateway.cache_entries,
                bytes: gateway.cache_bytes,
                fills: gateway.fills,
                disk_entries: gateway.disk.0,
                disk_bytes: gateway.disk.1,
                stored_total: stored.total,
                stored: stored.latest.iter().map(Stored::new).collect(),
            },
            sites: gateway
                .sites
                .iter()
                .map(|site| Site::new(site, default == Some(&site.site)))
                .collect(),
            scans: gateway.scans.iter().map(Scan::new).collect(),
            warm: Vec::new(),
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
                at: whole_seconds(*at),
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
pub(super) fn whole_seconds(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// So many stored answers are told, of tens of thousands perhaps.
const STORED_MAX: usize = 200;
