//! The operator's surface: health, metrics, status, and what an operator may do.
//!
//! - [`health`]: alive; ready, with reasons when not;
//! - [`metrics`]: the exposition for Prometheus;
//! - [`status`]: one model behind both the JSON and the page; [`stored`], [`sets`], [`scan`], [`warm`], [`recent`],
//!   [`history`]: its parts;
//! - [`purge`], [`mod@refresh`]: forgetting answers, and having them made anew: all that changes anything here; [`wanted`]:
//!   which answers a request is about; [`form`]: what a browser is told that has no script.
//!
//! Invariants: nothing here is secret. This room checks no host names, no keys and no origins, and writes no error bodies;
//! whoever nests its router does all of that.

mod cache_metrics;
mod errands;
mod form;
mod health;
mod history;
mod json;
mod lane_metrics;
mod metrics;
mod purge;
mod recent;
mod refresh;
mod scan;
mod sets;
mod status;
mod stored;
mod wanted;
mod warm;
mod watched;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::{get, post};
use jiff::Timestamp;
use prometheus_client::registry::Registry;

use crate::clock::Clock;
use crate::gateway::{Gateway, Told, Which};
use crate::journal::Journal;
use crate::tasks::Tasks;
use crate::warm::Board;

use self::errands::Errands;
use self::history::History;
use self::wanted::{NoSuchSite, Refused, Wanted};
use self::watched::Watched;

pub use self::history::{Minute, Seen};
pub use self::recent::Recent;
pub use self::scan::Scan;
pub use crate::journal::Ended;

pub use self::sets::{StatesCount, StoredSet};
pub use self::status::{CacheNumbers, Lane, LastError, Site, Status, Token, Waiting};
pub use self::stored::Stored;
pub use self::warm::{Last, Warm};

/// What the operator's surface needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether anybody may read why a site is not ready. Others than the operator may ask for readiness alone.
    pub open_reasons: bool,
    /// Every room's metrics.
    pub registry: Arc<Registry>,
    /// For ages.
    pub clock: Arc<dyn Clock>,
    /// The questions that are asked by schedule.
    pub warm: Board,
    /// The latest requests.
    pub journal: Journal,
    /// For answers that are made anew on request.
    pub tasks: Tasks,
}

/// Where an operator sees how things are, and changes a few. Clones share it.
#[derive(Clone)]
pub struct Desk {
    shared: Arc<Shared>,
}

struct Shared {
    watched: Arc<dyn Watched>,
    settings: Settings,
    errands: Errands,
    history: History,
    started: Timestamp,
}

/// The operator's paths.
pub fn router(desk: Desk) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .route("/api/status", get(status::status))
        .route("/api/cache/purge", post(purge::purge))
        .route("/api/cache/refresh", post(refresh::refresh))
        .with_state(desk)
}

impl Desk {
    /// To be made at the start of the program: its age counts from here.
    pub fn new(gateway: Arc<Gateway>, settings: Settings) -> Self {
        Self::over(gateway, settings)
    }

    fn over(watched: Arc<dyn Watched>, settings: Settings) -> Self {
        let started = settings.clock.now();
        let errands = Errands::new(Arc::clone(&watched), settings.tasks.clone());
        Self {
            shared: Arc::new(Shared {
                watched,
                errands,
                history: History::default(),
                started,
                settings,
            }),
        }
    }

    /// Begins to write the [`History`], as one of `tasks` that goes on until the program stops. To be called once.
    pub fn start(&self, tasks: &Tasks) {
        let desk = self.clone();
        tasks.spawn("history", async move { desk.write_history().await });
    }

    /// How things are, for the page: all that is stored by its set, and no list of the answers.
    pub fn overview(&self) -> Status {
        self.status(Which::default(), FOR_THE_PAGE)
    }

    /// How things are; of the stored answers that `which` means, as many as are to be `told`.
    fn status(&self, which: Which<'_>, told: Told) -> Status {
        let shared = &*self.shared;
        let now = shared.settings.clock.now();
        let default = shared.watched.default_site();
        let gateway = shared.watched.status();
        let stored = shared.watched.stored(which, told);
        let mut status = Status::new(&gateway, &stored, default.as_ref(), shared.started, now);
        let warm = shared.settings.warm.rows();
        status.warm = warm.iter().map(Warm::new).collect();
        let recent = shared.settings.journal.latest();
        status.recent = recent.into_iter().map(Recent::new).collect();
        status.history = shared.history.minutes();
        status
    }

    async fn write_history(&self) {
        let Shared {
            watched,
            settings,
            history,
            ..
        } = &*self.shared;
        history
            .keep(&*settings.clock, || {
                (watched.status(), settings.journal.counts())
            })
            .await;
    }

    fn wanted(&self, query: Option<&str>) -> Result<Wanted, NoSuchSite> {
        Wanted::read(query, &self.shared.watched.sites())
    }

    fn ordered(&self, request: &Request) -> Result<Wanted, Refused> {
        Wanted::ordered(request, &self.shared.watched.sites())
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

/// A page of a bearable length, whatever is stored.
const FOR_THE_PAGE: Told = Told {
    answers: 0,
    sets: 60,
    of_each_set: 8,
};

#[cfg(test)]
pub(crate) mod tests;
