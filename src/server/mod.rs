//! Listening, serving, and stopping in good order.
//!
//! - [`bind`]: sockets; [`tls`]: the certificate, which may change while we run;
//! - [`house`]: what all connections share, and how one comes in;
//! - [`places`]: how many connections there may be, also of one address, and which one makes room; [`turned_away`]: telling
//!   of those for which there is none;
//! - [`converse`]: one connection; [`patient`], [`held`]: how long its client may take nothing.
//!
//! This room knows nothing of what is answered.

mod bind;
mod converse;
mod held;
mod house;
mod patient;
mod places;
mod tls;
mod turned_away;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};
use http::Request;
use hyper::body::Incoming;
use prometheus_client::metrics::counter::Counter;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use self::bind::Bound;
use self::house::House;
use crate::signals::Signals;

pub use bind::BindError;
pub use tls::{Tls, TlsError, TlsFiles};

/// Sockets that are bound, before anything is served on them.
#[derive(Debug)]
pub struct Listeners {
    bound: Vec<Bound>,
    tls: Option<Tls>,
    limits: Limits,
    refused: Refused,
}

/// What is counted of that which never becomes a request.
#[derive(Debug, Clone, Default)]
pub struct Refused {
    /// Connections that were closed as soon as they came.
    pub connections: Counter,
    /// Requests over HTTP/1.1 whose head was too long; over HTTP/2 only their own answers tell of them.
    pub heads: Counter,
}

/// How much clients may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at a time. When there are so many, the one that has been idle for longest is closed in favour of a new one;
    /// when none is idle, one whose client has taken nothing for a minute; when there is none, new ones wait.
    pub connections: NonZeroUsize,
    /// The same of one client of another machine, by address (an IPv6 network of 64 bits is one). Beyond it, one of its own
    /// makes room by the same rule, unless it is new and has yet to ask; when there is none, the new one is closed at once. From
    /// `connections` on there is no such limit, as there is none for clients of this machine.
    pub connections_per_address: NonZeroUsize,
    /// Bytes of a request's head, 8192 at least; a longer one is answered with 431.
    pub header_bytes: u32,
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Every request was finished.
    Drained,
    /// Time was up: requests under way were cut.
    Cut,
    /// A second signal came: requests under way were cut at once.
    Hurried,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: NonZeroUsize::MIN.saturating_add(1023),
            connections_per_address: NonZeroUsize::MIN.saturating_add(255),
            header_bytes: 64 << 10,
        }
    }
}

impl Listeners {
    /// Binds all addresses. Port 0 takes any free port. A machine without IPv6 has no `[::1]`: that address is
    /// left out, as long as another one is bound.
    pub async fn bind(addresses: &[SocketAddr]) -> Result<Self, BindError> {
        Ok(Self {
            bound: bind::bind(addresses).await?,
            tls: None,
            limits: Limits::default(),
            refused: Refused::default(),
        })
    }

    /// With these counters of what is refused.
    #[must_use]
    pub fn counting(mut self, refused: Refused) -> Self {
        self.refused = refused;
        self
    }

    /// With other limits than the default ones.
    #[must_use]
    pub fn limited(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// With TLS on every address, where there is a certificate.
    #[must_use]
    pub fn secured(mut self, tls: Option<Tls>) -> Self {
        self.tls = tls;
        self
    }

    /// The addresses that were bound, with their real ports.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.bound.iter().map(|(_, address)| *address).collect()
    }

    /// The same as people write them: `http://127.0.0.1:8484`.
    pub fn urls(&self) -> Vec<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let addresses = self.addresses().into_iter();
        addresses
            .map(|address| format!("{scheme}://{address}"))
            .collect()
    }

    /// Serves until the first signal, then lets requests under way finish for `drain` at most. A request that is
    /// cut sees its connection closed in the middle of the body, never a clean end.
    ///
    /// `answer` is called with each request and the address of its client.
    pub async fn serve<A, F>(
        self,
        answer: A,
        signals: &mut Signals,
        drain: Duration,
    ) -> io::Result<Ending>
    where
        A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let connections = TaskTracker::new();
        let house = House::new(self.limits, self.tls, self.refused);
        let accepting = self
            .bound
            .into_iter()
            .map(|(listener, _)| house.accept(listener, &answer, &connections));
        tokio::select! {
            _ = future::join_all(accepting) => {}
            signal = signals.next() => tracing::info!(
                signal,
                "stopping: no new requests; those under way have {} to finish, a second signal ends them at once",
                humantime::format_duration(drain),
            ),
        }
        house.stop();
        connections.close();
        tokio::select! {
            () = connections.wait() => Ok(Ending::Drained),
            () = tokio::time::sleep(drain) => Ok(Ending::Cut),
            _ = signals.next() => Ok(Ending::Hurried),
        }
    }
}

/// Has requests answered by `router`, which finds the address of the client as [`ConnectInfo`].
pub fn routed(
    router: Router,
) -> impl Fn(Request<Incoming>, SocketAddr) -> BoxFuture<'static, Response> + Clone + Send + Sync + 'static
{
    move |mut request, client| {
        request.extensions_mut().insert(ConnectInfo(client));
        let answered = router.clone().oneshot(request);
        answered
            .map(|answered| match answered {
                Ok(response) => response,
                Err(never) => match never {},
            })
            .boxed()
    }
}

#[cfg(test)]
mod tests;
