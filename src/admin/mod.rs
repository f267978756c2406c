//! The operator's surface: health, metrics, status, and a page for people.
//!
//! - [`health`]: alive; ready, with reasons when not;
//! - [`metrics`]: the exposition for Prometheus;
//! - [`status`]: one model behind both the JSON and the [`page`];
//! - [`stored`]: the stored answers in that model; [`wanted`]: which of them a request is about;
//! - [`purge`]: forgetting answers, the only thing here that changes anything.
//!
//! Invariants: nothing here is secret. This room checks no host names, no keys and no origins, and writes no error bodies;
//! whoever nests its router does all of that.

mod cache_metrics;
mod health;
mod html;
mod json;
mod lane_metrics;
mod metrics;
mod page;
mod purge;
mod scan;
mod status;
mod stored;
mod wanted;
mod warm;
mod watched;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use jiff::Timestamp;
use prometheus_client::registry::Registry;
use url::Url;

use crate::clock::Clock;
use crate::gateway::{Gateway, Which};
use crate::warm::Board;

use self::status::Status;
use self::wanted::{NoSuchSite, Wanted};
use self::watched::Watched;

/// What the operator's surface needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How clients reach us when something in front changes scheme, host or path. The service's own path comes
    /// behind it.
    pub public_url: Option<Url>,
    /// Whether anybody may read why a site is not ready. Others than the operator may ask for readiness alone.
    pub open_reasons: bool,
    /// Every room's metrics.
    pub registry: Arc<Registry>,
    /// For ages.
    pub clock: Arc<dyn Clock>,
    /// The questions that are asked by schedule.
    pub warm: Board,
}

/// The operator's paths. Call at the start of the program: its age counts from here.
pub fn router(gateway: Arc<Gateway>, settings: Settings) -> Router {
    routes(gateway, settings)
}

fn routes(watched: Arc<dyn Watched>, settings: Settings) -> Router {
    let operator = Arc::new(Operator {
        started: settings.clock.now(),
        watched,
        settings,
    });
    Router::new()
        .route("/", get(page::page))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .route("/api/status", get(status::status))
        .route("/api/cache/purge", post(purge::purge))
        .with_state(operator)
}

/// What the handlers share.
struct Operator {
    watched: Arc<dyn Watched>,
    settings: Settings,
    started: Timestamp,
}

impl Operator {
    /// How things are, with the `stored_max` latest of the stored answers that `which` means.
    fn status(&self, which: Which<'_>, stored_max: usize) -> Status {
        let now = self.settings.clock.now();
        let default = self.watched.default_site();
        let gateway = self.watched.status();
        let stored = self.watched.stored(which, stored_max);
        let mut status = Status::new(&gateway, &stored, default.as_ref(), self.started, now);
        let warm = self.settings.warm.rows();
        status.warm = warm.iter().map(warm::Warm::new).collect();
        status
    }

    fn wanted(&self, query: Option<&str>) -> Result<Wanted, NoSuchSite> {
        Wanted::read(query, &self.watched.sites())
    }
}

#[cfg(test)]
mod tests;
