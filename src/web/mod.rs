//! The OData surface: HTTP in, questions to the gateway, HTTP out.
//!
//! - [`mod@service`]: what every request passes, from the outside to the inside;
//! - [`access`]: who may ask, how fast, and from which pages;
//! - [`route`], [`sites`], [`host`], [`local`]: whose question is it, may it be asked here, and under which address;
//! - [`readings`], [`wishes`], [`party`], [`odata`]: from a request to an [`Ask`](crate::gateway::Ask), and from its answer to a reply;
//! - [`reply`], [`conditional`], [`body`], [`encoding`], [`ready`], [`frames`], [`whole`]: head and body of a reply;
//! - [`exchange`], [`mod@batch`], [`query`], [`received`]: questions that come in the body of a POST;
//! - [`error`], [`problem`]: which failure has which status and words, and how they are written;
//! - [`mod@inside`]: the same for pages of this process;
//! - [`trace`], [`metrics`]: one line and one count a request, at the end of its body.
//!
//! Invariants: no redirects; no status 308, and 401 and 403 from [`access`] alone; a body ends cleanly only when it is complete.
//! This room does not know how answers are made, kept or fetched.

mod access;
mod batch;
mod body;
mod conditional;
mod dispatch;
mod encoding;
mod error;
mod exchange;
mod frames;
mod heartbeat;
mod hex;
mod host;
mod inside;
mod list;
mod local;
mod metrics;
mod no_body;
mod notes;
mod odata;
mod party;
mod problem;
mod query;
mod readings;
mod ready;
mod received;
mod refusal;
mod reply;
mod request_id;
mod route;
mod service;
mod sites;
mod source;
mod trace;
mod whole;
mod wishes;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use url::Url;

use crate::gateway::Gateway;
use crate::journal::Journal;

pub use access::{Key as AccessKey, Settings as AccessSettings};
#[cfg(fuzzing)]
pub use batch::fuzz;
pub use inside::Inside;
pub use metrics::Metrics;
pub use refusal::Refusal;
pub use service::Service;

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
    /// Whether clients reach us over TLS that ends here: then links begin with `https`.
    pub tls: bool,
    /// Who may ask.
    pub access: AccessSettings,
}

/// Everything that is served: the OData surface, and `admin` for all other paths. Requests that are over are written into
/// the `journal`.
pub fn service(
    gateway: Arc<Gateway>,
    admin: Router,
    settings: Settings,
    metrics: Arc<Metrics>,
    journal: Journal,
) -> Service {
    service_of(gateway, admin, settings, metrics, journal)
}

/// The OData surface for pages of this process.
pub fn inside(gateway: Arc<Gateway>, metrics: Arc<Metrics>, journal: Journal) -> Inside {
    Inside::new(gateway, metrics, journal)
}

fn service_of(
    source: Arc<dyn source::Source>,
    admin: Router,
    settings: Settings,
    metrics: Arc<Metrics>,
    journal: Journal,
) -> Service {
    let hosts = host::AllowedHosts::new(&settings);
    let scheme = if settings.tls {
        access::Scheme::Https
    } else {
        access::Scheme::Http
    };
    let access = access::Access::new(settings.access, settings.public_url.clone(), scheme);
    let surface = dispatch::Surface::new(source, admin, settings.public_url);
    Service::new(access, hosts, surface, metrics, journal)
}

#[cfg(test)]
mod tests;
