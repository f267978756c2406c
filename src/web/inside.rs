//! The OData surface for those within this process: a page shows what a client gets, by the same way.
//!
//! It skips what is about sockets and hosts, and nothing else: questions have the same bounds, errors the same words, and each
//! has its line in the log.

use std::fmt;
use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::Request;

use super::metrics::Metrics;
use super::notes::Notes;
use super::odata::{self, Call};
use super::problem;
use super::readings::Readings;
use super::request_id::RequestId;
use super::source::Source;
use super::trace::Watch;
use crate::journal::Journal;
use crate::odata::name::SiteId;

/// The OData surface, from within. Clones share it.
#[derive(Clone)]
pub struct Inside {
    source: Arc<dyn Source>,
    metrics: Arc<Metrics>,
    journal: Journal,
    readings: Readings,
}

impl Inside {
    pub(super) fn new(source: Arc<dyn Source>, metrics: Arc<Metrics>, journal: Journal) -> Self {
        Self {
            source,
            metrics,
            journal,
            readings: Readings::new(),
        }
    }

    /// Answers a request of a page. Its path is below the service root of the site, `/Sessions?$top=50`; whether who sees the
    /// page may ask has been found out already.
    pub async fn answer(&self, site: &SiteId, request: Request<()>) -> Response {
        let id = RequestId::next();
        let watch = Watch::begin(id, request.method(), &self.metrics, &self.journal);
        let mut response = self.serve(site, request, watch.notes()).await;
        problem::write(&mut response, id);
        id.name(response.headers_mut());
        watch.over(response)
    }

    async fn serve(&self, site: &SiteId, request: Request<()>, notes: &Notes) -> Response {
        let (parts, ()) = request.into_parts();
        let call = Call {
            site,
            root: Bytes::from(format!("/{site}/monitorodata")),
            below: parts.uri.path().trim_start_matches('/'),
            query: parts.uri.query(),
            request: &parts,
            client: None,
            readings: &self.readings,
        };
        odata::serve(&*self.source, call, notes).await
    }
}

impl fmt::Debug for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inside").finish_non_exhaustive()
    }
}
