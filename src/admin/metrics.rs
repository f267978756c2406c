//! The exposition for Prometheus: what the rooms count, and how the gateway is now.

use std::fmt;
use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::health::is_ready;
use super::json::error;
use super::status::seconds;
use super::{Desk, cache_metrics, lane_metrics};
use crate::gateway::{AuthState, GatewayStatus, SiteStatus};

/// `GET /metrics`: `OpenMetrics` for those who ask for it, else the older text format.
pub(super) async fn metrics(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    let shared = &desk.shared;
    let status = shared.watched.status();
    let Ok(text) = exposition(&shared.settings.registry, &status, shared.started) else {
        return error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "The metrics could not be written.",
        );
    };
    let (content_type, text) = if wants_open_metrics(&headers) {
        (OPEN_METRICS, text)
    } else {
        (PLAIN, plain(&text))
    };
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}

/// Bounded by the configuration, which names the sites.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct SiteLabel {
    pub(super) site: String,
}

impl SiteLabel {
    pub(super) fn of(site: &SiteStatus) -> Self {
        Self {
            site: site.site.to_string(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    site: String,
    /// One of [`STATUS_CLASSES`].
    status_class: &'static str,
}

pub(super) type Level = Gauge<u64, AtomicU64>;

fn exposition(
    counted: &Registry,
    status: &GatewayStatus,
    started: Timestamp,
) -> Result<String, fmt::Error> {
    let mut text = String::new();
    encode_registry(&mut text, counted)?;
    encode_registry(&mut text, &read_off(status, started))?;
    encode_eof(&mut text)?;
    Ok(text)
}

/// What is read off at the moment of asking.
fn read_off(status: &GatewayStatus, started: Timestamp) -> Registry {
    let mut registry = Registry::default();
    program(&mut registry, started);
    cache_metrics::levels(&mut registry, status);
    lane_metrics::levels(&mut registry, status);
    site_levels(&mut registry, status);
    cache_metrics::counts(&mut registry, status);
    lane_metrics::counts(&mut registry, status);
    site_scans(&mut registry, status);
    site_counts(&mut registry, status);
    registry
}

/// The program itself. The start has the name that Prometheus' own libraries give it, so that common rules find it.
fn program(registry: &mut Registry, started: Timestamp) {
    let version = vec![("version", env!("CARGO_PKG_VERSION"))];
    registry.register("build", "The program", Info::new(version));
    let start = Level::default();
    start.set(started.as_second().try_into().unwrap_or(0));
    let help = "When the program started, in seconds since 1970";
    registry.register_with_unit("process_start_time", help, Unit::Seconds, start);
}

fn site_levels(registry: &mut Registry, status: &GatewayStatus) {
    let (ready, token) = <(Sites, Sites)>::default();
    for site in &status.sites {
        let label = SiteLabel::of(site);
        ready
            .get_or_create(&label)
            .set(is_ready(&site.token).into());
        let remaining = match &site.token {
            AuthState::Valid { remaining } => seconds(*remaining),
            AuthState::None | AuthState::Failed { .. } => 0,
        };
        token.get_or_create(&label).set(remaining);
    }
    let help = "1 when answers can be expected, as /readyz says; else 0";
    registry.register("site_ready", help, ready);
    let auth = registry.sub_registry_with_prefix("auth");
    let help = "Time until the token expires; 0 without a token";
    auth.register_with_unit("token_remaining", help, Unit::Seconds, token);
}

fn site_scans(registry: &mut Registry, status: &GatewayStatus) {
    let (running, rows) = <(Sites, Sites)>::default();
    for site in &status.sites {
        let label = SiteLabel {
            site: site.site.to_string(),
        };
        // So that a site without any has zeros.
        let (running, rows) = (running.get_or_create(&label), rows.get_or_create(&label));
        for scan in status.scans.iter().filter(|scan| scan.site == site.site) {
            running.inc();
            rows.inc_by(scan.pace.rows);
        }
    }
    let gateway = registry.sub_registry_with_prefix("gateway");
    gateway.register("scans", "Collections that are being read", running);
    gateway.register("scan_rows", "Rows that they have so far", rows);
}

fn site_counts(registry: &mut Registry, status: &GatewayStatus) {
    let requests = Family::<RequestLabels, Counter>::default();
    let (unanswered, retries, throttled, tokens) = <(Counts, Counts, Counts, Counts)>::default();
    for site in &status.sites {
        let label = SiteLabel::of(site);
        let counts = site.upstream;
        for (status_class, count) in STATUS_CLASSES.into_iter().zip(counts.status) {
            let labels = RequestLabels {
                site: label.site.clone(),
                status_class,
            };
            requests.get_or_create(&labels).inc_by(count);
        }
        unanswered.get_or_create(&label).inc_by(counts.unanswered);
        retries.get_or_create(&label).inc_by(counts.retries);
        throttled.get_or_create(&label).inc_by(counts.throttled);
        tokens.get_or_create(&label).inc_by(site.token_requests);
    }
    let upstream = registry.sub_registry_with_prefix("upstream");
    upstream.register("requests", "Data requests that were answered", requests);
    upstream.register(
        "unanswered",
        "Data requests without a whole answer",
        unanswered,
    );
    upstream.register("retries", "Attempts that repeated a failed one", retries);
    upstream.register("throttled", "Answers with status 429 or 503", throttled);
    let auth = registry.sub_registry_with_prefix("auth");
    auth.register("token_requests", "Requests for a token", tokens);
}

/// Whether `Accept` names `OpenMetrics`, as Prometheus does. `*/*` does not: people and scripts read plain text.
fn wants_open_metrics(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let named = parts
                .next()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("application/openmetrics-text"));
            named && !parts.any(|part| matches!(part, "q=0" | "q=0.0"))
        })
}

/// `OpenMetrics` in Prometheus' older text format. There a counter's family bears the name of its samples, which end
/// in `_total`; `info` is no type; and units and the end have no lines.
fn plain(text: &str) -> String {
    let mut lines = Vec::new();
    let mut help = "";
    for line in text.lines() {
        let Some(comment) = line.strip_prefix("# ") else {
            lines.push(line.to_owned());
            continue;
        };
        let mut words = comment.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("HELP"), _, Some(words)) => help = words,
            (Some("TYPE"), Some(family), Some(kind)) => {
                let (name, kind) = match kind {
                    "counter" => (format!("{family}_total"), kind),
                    "info" => (format!("{family}_info"), "gauge"),
                    _ => (family.to_owned(), kind),
                };
                lines.push(format!("# HELP {name} {help}"));
                lines.push(format!("# TYPE {name} {kind}"));
            }
            _ => {}
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

pub(super) type Sites = Family<SiteLabel, Level>;
type Counts = Family<SiteLabel, Counter>;

const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
