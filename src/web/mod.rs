//! The OData surface: HTTP in, questions to the gateway, HTTP out.
//!
//! - [`route`], [`host`], [`local`]: whose question is it, may it be asked here, and under which address;
//! - [`wishes`], [`party`], [`odata`]: from a request to an [`Ask`](crate::gateway::Ask), and from its answer to a reply;
//! - [`reply`], [`conditional`], [`body`], [`encoding`], [`ready`], [`whole`]: head and body of a reply;
//! - [`error`], [`problem`]: which failure has which status and words, and how they are written;
//! - [`trace`], [`metrics`]: one line and one count a request, at the end of its body.
//!
//! Invariants: no redirects; no status 401, 403 or 308; a body ends cleanly only when it is complete.
//! This room does not know how answers are made, kept or fetched.

mod body;
mod conditional;
mod dispatch;
mod encoding;
mod error;
mod heartbeat;
mod host;
mod list;
mod local;
mod metrics;
mod no_body;
mod notes;
mod odata;
mod party;
mod problem;
mod ready;
mod reply;
mod request_id;
mod route;
mod source;
mod trace;
mod whole;
mod wishes;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use url::Url;

use crate::gateway::Gateway;

pub use metrics::Metrics;

/// What the OData surface needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The addresses that are listened on; their IPs may be used as host names.
    pub listen: Vec<SocketAddr>,
    /// More host names that clients may use.
    pub allowed_hosts: Vec<String>,
    /// How clients reach us when something in front changes scheme, host or path. The service's own path comes
    /// behind it.
    pub public_url: Option<Url>,
}

/// Everything that is served: the OData surface, and `admin` for all other paths.
pub fn router(
    gateway: Arc<Gateway>,
    admin: Router,
    settings: Settings,
    metrics: Arc<Metrics>,
) -> Router {
    stack(gateway, admin, settings, metrics)
}

/// The layers, innermost first.
fn stack(
    source: Arc<dyn source::Source>,
    admin: Router,
    settings: Settings,
    metrics: Arc<Metrics>,
) -> Router {
    let hosts = Arc::new(host::AllowedHosts::new(&settings));
    let surface = Arc::new(dispatch::Surface::new(source, admin, settings.public_url));
    Router::new()
        .fallback(dispatch::dispatch)
        .with_state(surface)
        // Refuses hosts that are not ours. Everything inside may trust `Authority`.
        .layer(from_fn_with_state(hosts, host::check))
        // Turns a panic of a handler into a problem. A panic while a body is sent cuts the connection.
        .layer(CatchPanicLayer::custom(problem::from_panic))
        // Writes problems as OData errors; the only place that does.
        .layer(from_fn(problem::write))
        // One line and one count a request, when its body ends. Not for requests that hyper itself refuses.
        .layer(from_fn_with_state(metrics, trace::trace))
        // Names the request, for the client and for the line.
        .layer(from_fn(request_id::assign))
}

#[cfg(test)]
mod tests;
