//! What a request passes on its way in, and its answer on its way out.
//!
//! One function in place of a stack of layers: layers would be boxed and cloned for every request.
//!
//! That took a third of the program's own time for a stored answer. axum routes the operator's paths alone; and what only a
//! miss needs is boxed, so that the future of a hit is small.

use std::fmt;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use axum::BoxError;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use http::Request;
use http::request::Parts;
use http_body::Body;
use tracing::Instrument;

use super::access::{Access, Credentials};
use super::dispatch::{Admitted, Surface};
use super::host::{AllowedHosts, Authority};
use super::metrics::Metrics;
use super::notes::Notes;
use super::problem::{self, Problem};
use super::refusal::Refusal;
use super::request_id::RequestId;
use super::trace::Watch;
use crate::journal::Journal;

/// Everything that is served. Clones share it.
#[derive(Clone)]
pub struct Service {
    shared: Arc<Shared>,
}

struct Shared {
    access: Access,
    hosts: AllowedHosts,
    surface: Surface,
    metrics: Arc<Metrics>,
    journal: Journal,
}

impl Service {
    pub(super) fn new(
        access: Access,
        hosts: AllowedHosts,
        surface: Surface,
        metrics: Arc<Metrics>,
        journal: Journal,
    ) -> Self {
        let shared = Shared {
            access,
            hosts,
            surface,
            metrics,
            journal,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Answers a request of a client at this address; `None` when it comes from within this process.
    pub fn answer<B>(
        &self,
        request: Request<B>,
        client: Option<IpAddr>,
    ) -> impl Future<Output = Response> + Send + use<B>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        async move { shared.answer(request, client).await }
    }
}

impl Shared {
    /// From the outside to the inside, and back.
    async fn answer<B>(&self, request: Request<B>, client: Option<IpAddr>) -> Response
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        // Names the request, for the client and for the line.
        let id = RequestId::next();
        // One line and one count a request, when its body ends. Not for requests that hyper itself refuses.
        let watch = Watch::begin(id, request.method(), &self.metrics, &self.journal);
        // What browsers are told depends on who asks, whatever the answer.
        let seal = self.access.seal(&request);
        let is_stray_preflight = self.access.is_stray_preflight(&request);
        // Turns a panic of a handler into a problem. A panic while a body is sent cuts the connection.
        let span = watch.span(request.headers());
        let answered = {
            // Pinned where it is: each wrapper would move all of it once more, for every request.
            let answer = pin!(self.admit(request, client, id, watch.notes()));
            let answer = AssertUnwindSafe(answer.instrument(span));
            answer.catch_unwind().await
        };
        let mut response = answered.unwrap_or_else(|panic| problem::from_panic(&*panic));
        let refusal = problem::refusal(&response);
        if let Some(refusal) = refusal.or(is_stray_preflight.then_some(Refusal::Cors)) {
            self.metrics.refused(refusal).inc();
        }
        // Writes problems as OData errors; the only place that does.
        problem::write(&mut response, id);
        id.name(response.headers_mut());
        seal.write(response.headers_mut());
        watch.over(response)
    }

    /// Refuses clients that ask too fast, and hosts that are not ours. Everything inside may trust the authority, and sees no
    /// access key.
    async fn admit<B>(
        &self,
        request: Request<B>,
        client: Option<IpAddr>,
        id: RequestId,
        notes: &Notes,
    ) -> Response
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let (mut parts, body) = request.into_parts();
        let admitted = self.admitted(&mut parts, client);
        match admitted {
            Ok((authority, credentials)) => {
                let admitted = Admitted {
                    parts: &parts,
                    body,
                    authority: &authority,
                    client,
                    credentials: &credentials,
                    id,
                    hosts: &self.hosts,
                };
                self.surface.answer(admitted, &self.access, notes).await
            }
            Err(problem) => problem.into_response(),
        }
    }

    fn admitted(
        &self,
        request: &mut Parts,
        client: Option<IpAddr>,
    ) -> Result<(Authority, Credentials), Problem> {
        self.access.pace(client)?;
        let authority = self.hosts.authority(request)?;
        let credentials = Credentials::take(request, self.access.asks_for_keys())?;
        Ok((authority, credentials))
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}
