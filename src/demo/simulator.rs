//! The simulator: its state, its routes, and the controls for whoever runs it.

use std::num::NonZeroU64;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::{any, get, post};
use http::StatusCode;
use serde_json::json;

use super::answer::Library;
use super::arrivals::Arrivals;
use super::estate::Estate;
use super::estate::dates::Oddities;
use super::fault::{Asked, Fault, FaultError, FaultKind, Script};
use super::gate::Gate;
use super::knobs::Knobs;
use super::model::Model;
use super::moment::{SECOND, TICKS};
use super::reply::Reply;
use super::rows::Searches;
use super::stats::{Counters, Stats};
use super::tokens::Tokens;
use super::{ROOT, cloud, serve};
use crate::clock::Clock;

/// A Citrix Cloud of one customer; clones share everything.
#[derive(Debug, Clone)]
pub struct Simulator {
    inner: Arc<Inner>,
}

/// What all clones and requests share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) knobs: Knobs,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) library: Arc<Library>,
    pub(crate) tokens: Tokens,
    pub(crate) gate: Gate,
    pub(crate) counters: Counters,
    script: Mutex<Script>,
}

impl Inner {
    /// The fault that strikes a request, if one does.
    pub(crate) fn strike(&self, asked: Asked<'_>) -> Option<FaultKind> {
        let struck = self
            .script
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .strike(asked);
        if struck.is_some() {
            self.counters.count(|stats| stats.faults_struck += 1);
        }
        struck
    }
}

impl Simulator {
    /// Makes an estate that ends at the clock's present moment.
    pub fn new(knobs: Knobs, clock: Arc<dyn Clock>) -> Self {
        let estate = Estate::new(knobs.seed, knobs.sessions, clock.now().as_millisecond())
            .with_dates(Oddities {
                null_every: knobs.null_dates.map_or(0, NonZeroU64::get),
                tied: knobs
                    .tied_dates
                    .map_or(0, |seconds| i64::from(seconds.get()) * SECOND * TICKS),
                fine: knobs.shown_digits.is_some(),
            });
        let arrivals = Arrivals::new(&estate, knobs.seed, knobs.arrivals);
        let script = Mutex::new(Script::new(knobs.faults.clone()));
        Self {
            inner: Arc::new(Inner {
                knobs,
                clock,
                library: Arc::new(Library {
                    estate,
                    arrivals,
                    searches: Searches::default(),
                }),
                tokens: Tokens::default(),
                gate: Gate::default(),
                counters: Counters::default(),
                script,
            }),
        }
    }

    /// The service as routes: tokens, data, and the controls below `/simulator`.
    pub fn router(&self) -> Router {
        let controls = Router::new()
            .route(
                "/stats",
                get(self.handler(|simulator, _| Ok(simulator.stats_reply()))),
            )
            .route("/faults", post(self.handler(Self::script_text)))
            .route(
                "/revoke",
                post(self.handler(|simulator, _| {
                    simulator.revoke_tokens();
                    Ok(done())
                })),
            )
            .route(
                "/reset-stats",
                post(self.handler(|simulator, _| {
                    simulator.reset_stats();
                    Ok(done())
                })),
            );
        let (for_tokens, for_data) = (Arc::clone(&self.inner), Arc::clone(&self.inner));
        Router::new()
            .route(
                "/cctrustoauth2/{customer}/tokens/clients",
                any(move |Path(customer): Path<String>, request: Request| {
                    cloud::token(Arc::clone(&for_tokens), customer, request)
                }),
            )
            .nest("/simulator", controls)
            .fallback(move |request: Request| {
                let inner = Arc::clone(&for_data);
                async move {
                    let path = request.uri().path();
                    let below = path.strip_prefix(ROOT);
                    if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                        serve::data(inner, request).await
                    } else {
                        Reply::not_found(path).into_response()
                    }
                }
            })
    }

    /// Replaces the faults that are left.
    pub fn script(&self, faults: Vec<Fault>) {
        *self
            .inner
            .script
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Script::new(faults);
    }

    /// Makes all tokens worthless.
    pub fn revoke_tokens(&self) {
        self.inner.tokens.revoke();
    }

    /// What has been seen so far.
    pub fn stats(&self) -> Stats {
        Stats {
            in_flight: self.inner.gate.inside(),
            peak_in_flight: self.inner.gate.peak(),
            stranger_visits: self.inner.gate.visits(),
            ..self.inner.counters.snapshot()
        }
    }

    /// Starts counting anew; what has arrived stays.
    pub fn reset_stats(&self) {
        self.inner.counters.reset();
        self.inner.gate.reset();
    }

    /// The keys of all sessions that do not arrive late, in their usual order.
    pub fn there_from_the_start(&self) -> Vec<String> {
        let library = &self.inner.library;
        let Some(sessions) = Model::published().set("Sessions") else {
            return Vec::new();
        };
        let view = library.view(library.arrivals.at_first());
        let key = |index| view.cell(sessions, index, 0).literal();
        view.indexes(sessions).map(key).collect()
    }

    /// A control: takes the body as text.
    fn handler(
        &self,
        control: fn(&Self, &str) -> Result<Reply, FaultError>,
    ) -> impl Fn(Request) -> futures_util::future::BoxFuture<'static, Response>
    + Clone
    + Send
    + Sync
    + 'static {
        let simulator = self.clone();
        move |request: Request| {
            let simulator = simulator.clone();
            Box::pin(async move {
                let body = to_bytes(request.into_body(), SCRIPT_BYTES_MAX)
                    .await
                    .unwrap_or(Bytes::new());
                let text = String::from_utf8_lossy(&body);
                let reply = control(&simulator, &text).unwrap_or_else(|error| {
                    Reply::new(
                        StatusCode::BAD_REQUEST,
                        "text/plain; charset=utf-8",
                        error.to_string(),
                    )
                });
                reply.into_response()
            })
        }
    }

    fn stats_reply(&self) -> Reply {
        Reply::json(&serde_json::to_value(self.stats()).unwrap_or_default())
    }

    /// One fault a line; empty lines and those that begin with `#` are skipped.
    fn script_text(&self, text: &str) -> Result<Reply, FaultError> {
        let faults: Vec<Fault> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(Fault::from_str)
            .collect::<Result<_, _>>()?;
        let count = faults.len();
        self.script(faults);
        Ok(Reply::json(&json!({ "faults": count })))
    }
}

fn done() -> Reply {
    Reply::json(&json!({ "done": true }))
}

const SCRIPT_BYTES_MAX: usize = 64 * 1024;
