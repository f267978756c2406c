//! The exposition for Prometheus: what the rooms count, and how the gateway is now.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::Operator;
use super::json::error;
use super::status::seconds;
use crate::gateway::{AuthState, GatewayStatus};

/// `GET /metrics`.
pub(super) async fn metrics(State(operator): State<Arc<Operator>>) -> Response {
    match exposition(&operator.settings.registry, &operator.watched.status()) {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(fmt::Error) => error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "The metrics could not be written.",
        ),
    }
}

/// Bounded by the configuration, which names the sites.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SiteLabel {
    site: String,
}

type Level = Gauge<u64, AtomicU64>;

fn exposition(counted: &Registry, status: &GatewayStatus) -> Result<String, fmt::Error> {
    let mut text = String::new();
    encode_registry(&mut text, counted)?;
    encode_registry(&mut text, &levels(status))?;
    encode_eof(&mut text)?;
    Ok(text)
}

/// What is read off at the moment of asking.
fn levels(status: &GatewayStatus) -> Registry {
    let mut registry = Registry::default();
    let version = vec![("version", env!("CARGO_PKG_VERSION"))];
    registry.register("build", "The program", Info::new(version));
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
    site_levels(&mut registry, status);
    registry
}

fn site_levels(registry: &mut Registry, status: &GatewayStatus) {
    let (in_flight, queued, token) = <(Sites, Sites, Sites)>::default();
    for site in &status.sites {
        let label = SiteLabel {
            site: site.site.to_string(),
        };
        in_flight.get_or_create(&label).set(site.in_flight);
        queued.get_or_create(&label).set(site.queued);
        let remaining = match &site.token {
            AuthState::Valid { remaining } => seconds(*remaining),
            AuthState::None | AuthState::Failed { .. } => 0,
        };
        token.get_or_create(&label).set(remaining);
    }
    let upstream = registry.sub_registry_with_prefix("upstream");
    upstream.register("in_flight", "Queries that upstream works on", in_flight);
    upstream.register("queued", "Requests that wait for their turn", queued);
    let auth = registry.sub_registry_with_prefix("auth");
    let help = "Time until the token expires; 0 without a token";
    auth.register_with_unit("token_remaining", help, Unit::Seconds, token);
}

type Sites = Family<SiteLabel, Level>;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
