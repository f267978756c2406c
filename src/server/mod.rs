//! Listening, serving, and stopping in good order.
//!
//! - [`bind`]: sockets; [`tls`]: the certificate, which may change while we run;
//! - [`places`]: how many connections there may be, and which one makes room;
//! - [`converse`]: one connection; [`patient`], [`held`]: how long its client may take nothing.
//!
//! This room knows nothing of what is answered.

mod bind;
mod converse;
mod held;
mod patient;
mod places;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::serve::{Listener, ListenerExt};
use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};
use http::Request;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use self::bind::Bound;
use self::converse::{Manners, attend};
use self::places::Places;
use crate::signals::Signals;

pub use bind::BindError;
pub use tls::{Tls, TlsError, TlsFiles};

/// Sockets that are bound, before anything is served on them.
#[derive(Debug)]
pub struct Listeners {
    bound: Vec<Bound>,
    tls: Option<Tls>,
    limits: Limits,
}

/// How much clients may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at a time. When there are so many, the one that has been idle for longest is closed in favour of a new one;
    /// when none is idle, one whose client has taken nothing for a minute; when there is none, new ones wait.
    pub connections: NonZeroUsize,
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
        })
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
        let house = House {
            places: Places::new(self.limits.connections),
            tls: self.tls,
            manners: Manners {
                header_bytes: self.limits.header_bytes,
                stopping: CancellationToken::new(),
            },
        };
        let accepting = self
            .bound
            .into_iter()
            .map(|(listener, _)| accept(listener, &answer, &connections, &house));
        tokio::select! {
            _ = future::join_all(accepting) => {}
            signal = signals.next() => tracing::info!(
                signal,
                "stopping: no new requests; those under way have {} to finish, a second signal ends them at once",
                humantime::format_duration(drain),
            ),
        }
        house.manners.stopping.cancel();
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

/// What all connections share, whichever address they come to.
struct House {
    places: Places,
    tls: Option<Tls>,
    manners: Manners,
}

/// Takes connections for as long as it is polled. While there is no place for one, the others wait in the system's queue.
async fn accept<A, F>(listener: TcpListener, answer: &A, connections: &TaskTracker, house: &House)
where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    // Small answers must not wait for the acknowledgement of the packet before them.
    let mut listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    loop {
        // When the system has no more files, this waits for a second, and tries again.
        let (stream, client) = listener.accept().await;
        let place = house.places.take(&house.manners.stopping).await;
        let tls = house.tls.as_ref().map(Tls::config);
        let manners = house.manners.clone();
        connections.spawn(attend(stream, client, answer.clone(), place, tls, manners));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn orders_from_elsewhere_let_requests_finish_and_then_do_not() {
        for (orders_given, ending) in [(1, Ending::Drained), (2, Ending::Hurried)] {
            let listeners = Listeners::bind(&["127.0.0.1:0".parse().unwrap()]).await;
            let listeners = listeners.unwrap();
            let address = listeners.addresses()[0];
            let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let (told, allowed) = (Arc::clone(&begun), Arc::clone(&finish));
            let slow = async move || {
                told.notify_one();
                allowed.notified().await;
                "late"
            };
            let answer = routed(Router::new().route("/", get(slow)));
            let (orders, mut signals) = Signals::by_hand();
            let client = async {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
                stream.write_all(request.as_bytes()).await.unwrap();
                begun.notified().await;
                for _ in 0..orders_given {
                    orders.stop("a service manager");
                }
                if ending == Ending::Drained {
                    finish.notify_one();
                    let mut text = String::new();
                    stream.read_to_string(&mut text).await.unwrap();
                    assert!(text.ends_with("late"), "{text}");
                }
            };
            let served = listeners.serve(answer, &mut signals, Duration::from_hours(1));
            let (served, ()) = future::join(served, client).await;
            assert_eq!(served.unwrap(), ending);
        }
    }

    #[tokio::test]
    async fn handlers_learn_the_address_of_their_client() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = async |ConnectInfo(client): ConnectInfo<SocketAddr>| client.to_string();
        let answer = routed(Router::new().route("/", get(told)));
        let limits = Limits::default();
        let house = House {
            places: Places::new(limits.connections),
            tls: None,
            manners: Manners {
                header_bytes: limits.header_bytes,
                stopping: CancellationToken::new(),
            },
        };
        let connections = TaskTracker::new();
        let client = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            let ours = stream.local_addr().unwrap().to_string();
            assert!(text.ends_with(&ours), "{ours}: {text}");
        };
        tokio::select! {
            () = client => {}
            () = accept(listener, &answer, &connections, &house) => {}
        }
    }
}
