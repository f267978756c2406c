//! Pages for people: how things are, what data there is, how to connect to it.
//!
//! - [`home`]: how things are, live;
//! - [`explore`]: the entity sets of a site, their columns, and a page of their rows;
//! - [`connect`]: connection files and texts to copy, for each program that reads the data;
//! - [`snippets`]: a query as text to paste, in each language;
//! - [`shell`]: what all pages have in common; [`mod@address`]: how clients reach us; [`assets`]: style and script.
//!
//! Every page is rendered here, and is of use without a script; the script only refreshes and copies. Invariants: all text
//! is escaped (rows of a customer are text like any other); nothing is loaded from anywhere but this server; no secret is
//! ever part of a page.
//! This room checks no host names, keys or origins; whoever nests its router does.

mod address;
mod assets;
mod connect;
mod explore;
mod home;
mod shell;
mod snippets;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use futures_util::future::BoxFuture;
use http::Request;
use url::Url;

use crate::admin::Desk;
use crate::clock::Clock;
use crate::gateway::Gateway;
use crate::odata::name::SiteId;
use crate::tasks::Tasks;

/// What pages need.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How clients reach us when something in front changes scheme, host or path. The service's own path comes
    /// behind it.
    pub public_url: Option<Url>,
    /// For ages and for examples with dates.
    pub clock: Arc<dyn Clock>,
    /// Whether clients have to present an access key: examples then say where it goes.
    pub keys: bool,
    /// Where pages get rows and `$metadata`.
    pub odata: Arc<dyn Odata>,
    /// For questions that outlast the page which had them asked.
    pub tasks: Tasks,
}

/// The OData surface, as pages ask it: what they show is what a client gets, with the same bounds and errors.
pub trait Odata: fmt::Debug + Send + Sync {
    /// Answers a request whose path is below the service root of the site: `/Sessions?$top=50`.
    fn answer(&self, site: SiteId, request: Request<()>) -> BoxFuture<'static, Response>;
}

/// The paths of all pages. `desk` knows how things are.
pub fn router(gateway: Arc<Gateway>, desk: Desk, settings: Settings) -> Router {
    Router::new()
        .merge(home::routes())
        .merge(explore::routes())
        .merge(connect::routes())
        .merge(assets::routes())
        .with_state(Arc::new(Shared {
            inquiries: connect::Inquiries::new(settings.tasks.clone()),
            gateway,
            desk,
            settings,
        }))
}

/// What the handlers share.
#[derive(Debug)]
struct Shared {
    gateway: Arc<Gateway>,
    desk: Desk,
    settings: Settings,
    inquiries: connect::Inquiries,
}
