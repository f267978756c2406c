//! Listening, serving, and stopping in good order.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::serve::{Listener, ListenerExt};
use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};
use http::Request;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::signals::Signals;

/// Sockets that are bound, before anything is served on them.
#[derive(Debug)]
pub struct Listeners {
    bound: Vec<(TcpListener, SocketAddr)>,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {}", advice(source))]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// What the system said.
    #[source]
    pub source: io::Error,
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

impl Listeners {
    /// Binds all addresses. Port 0 takes any free port. A machine without IPv6 has no `[::1]`: that address is
    /// left out, as long as another one is bound.
    pub async fn bind(addresses: &[SocketAddr]) -> Result<Self, BindError> {
        let mut bound = Vec::new();
        let mut missing = None;
        for &address in addresses {
            let listener = match TcpListener::bind(address).await {
                Ok(listener) => listener,
                Err(source) if address.is_ipv6() && is_no_ipv6(&source) => {
                    tracing::warn!(%address, "this machine has no IPv6: not listening there");
                    missing = Some(BindError { address, source });
                    continue;
                }
                Err(source) => return Err(BindError { address, source }),
            };
            let local = listener
                .local_addr()
                .map_err(|source| BindError { address, source })?;
            bound.push((listener, local));
        }
        match missing {
            Some(error) if bound.is_empty() => Err(error),
            _ => Ok(Self { bound }),
        }
    }

    /// The addresses that were bound, with their real ports.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.bound.iter().map(|(_, address)| *address).collect()
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
        let stopping = CancellationToken::new();
        let connections = TaskTracker::new();
        let accepting = self
            .bound
            .into_iter()
            .map(|(listener, _)| accept(listener, &answer, &connections, &stopping));
        tokio::select! {
            _ = future::join_all(accepting) => {}
            signal = signals.next() => tracing::info!(
                signal,
                "stopping: no new requests; those under way have {} to finish, a second signal ends them at once",
                humantime::format_duration(drain),
            ),
        }
        stopping.cancel();
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

/// Takes connections for as long as it is polled.
async fn accept<A, F>(
    listener: TcpListener,
    answer: &A,
    connections: &TaskTracker,
    stopping: &CancellationToken,
) where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    // Small answers must not wait for the acknowledgement of the packet before them.
    let mut listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    loop {
        let (stream, client) = listener.accept().await;
        let stream = TokioIo::new(stream);
        connections.spawn(converse(stream, client, answer.clone(), stopping.clone()));
    }
}

/// Answers what comes over one connection until either side ends it. On the order to stop, it goes on for
/// requests that are under way.
async fn converse<S, A, F>(stream: S, client: SocketAddr, answer: A, stopping: CancellationToken)
where
    S: Read + Write + Unpin + Send + 'static,
    A: Fn(Request<Incoming>, SocketAddr) -> F + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    // Each request has a clone until its answer's body is at its end or dropped.
    let under_way = Arc::new(());
    let service = service_fn(|request| {
        let guard = Arc::clone(&under_way);
        let answered = answer(request, client);
        async move {
            let hold = move |error| {
                let _ = &guard;
                error
            };
            let response = answered.await;
            Ok::<_, Infallible>(response.map(|body| body.map_err(hold)))
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE);
    let mut connection = pin!(builder.serve_connection(stream, service));
    tokio::select! {
        // How a connection fails is its client's matter.
        _ = connection.as_mut() => return,
        () = stopping.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    if Arc::strong_count(&under_way) == 1 {
        // Nothing but half a request may be left, or the last bytes of an answer.
        let left = tokio::time::timeout(LAST_BYTES_PATIENCE, connection.as_mut()).await;
        if left.is_ok() || Arc::strong_count(&under_way) == 1 {
            return;
        }
    }
    let _ = connection.await;
}

fn is_no_ipv6(error: &io::Error) -> bool {
    // `EAFNOSUPPORT` has no kind of its own: 97 on Linux, 47 on macOS, 10047 on Windows.
    error.kind() == io::ErrorKind::AddrNotAvailable
        || matches!(error.raw_os_error(), Some(97 | 47 | 10047))
}

/// What an administrator can do about an address that cannot be bound.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there, perhaps another citrix-odata-proxy; stop it, or choose another port with --listen"
        }
        io::ErrorKind::PermissionDenied => {
            "the system reserves this port (on Windows see `netsh int ipv4 show excludedportrange protocol=tcp`); choose another with --listen"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; choose another with --listen"
        }
        _ => "choose another address with --listen",
    }
}

/// How long a request's head may take, and how long a connection may be idle between two requests.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);

/// How long a connection without a request has, on the order to stop, for what its client has not read yet.
const LAST_BYTES_PATIENCE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::net::TcpStream;
    use tokio::sync::Notify;
    use tokio::time::Instant;

    use super::*;

    /// The client's end of a connection whose conversation takes place while `client` does.
    async fn talk<T>(
        stopping: &CancellationToken,
        client: impl AsyncFnOnce(DuplexStream) -> T,
    ) -> T {
        let slow = async || {
            tokio::time::sleep(Duration::from_secs(5)).await;
            "late"
        };
        let router = Router::new()
            .route("/", get(async || "here"))
            .route("/slow", get(slow));
        let (ours, theirs) = duplex(1024);
        let address = SocketAddr::from(([127, 0, 0, 1], 50_000));
        let server = converse(
            TokioIo::new(theirs),
            address,
            routed(router),
            stopping.clone(),
        );
        future::join(client(ours), server).await.0
    }

    async fn rest(stream: &mut DuplexStream) -> String {
        let mut text = Vec::new();
        // Whether it is closed or cut makes no difference here.
        let _ = stream.read_to_end(&mut text).await;
        String::from_utf8(text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_head_is_not_waited_for_longer_than_its_time() {
        for before in ["", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"] {
            let began = Instant::now();
            talk(&CancellationToken::new(), async |mut client| {
                let text = format!("{before}GET / HTTP/1.1\r\nHo");
                client.write_all(text.as_bytes()).await.unwrap();
                assert_eq!(rest(&mut client).await.contains("here"), !before.is_empty());
            })
            .await;
            assert_eq!(began.elapsed().as_secs(), HEAD_PATIENCE.as_secs());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn on_the_order_to_stop_only_whole_requests_are_waited_for() {
        for (sent, expected, least, most) in [
            ("", "", 0, 500),
            ("GET / HTTP/1.1\r\nHo", "", 0, 500),
            ("PRI * HT", "", 0, 500),
            ("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", "late", 4000, 5000),
        ] {
            let stopping = CancellationToken::new();
            let took = talk(&stopping, async |mut client| {
                client.write_all(sent.as_bytes()).await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
                stopping.cancel();
                let began = Instant::now();
                let text = rest(&mut client).await;
                assert!(text.ends_with(expected), "{text}");
                began.elapsed().as_millis()
            })
            .await;
            assert!((least..=most + 1).contains(&took), "{sent}: {took} ms");
        }
    }

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
        let (connections, stopping) = (TaskTracker::new(), CancellationToken::new());
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
            () = accept(listener, &answer, &connections, &stopping) => {}
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_told_with_advice() {
        let first = Listeners::bind(&["127.0.0.1:0".parse().unwrap()])
            .await
            .unwrap();
        let error = Listeners::bind(&first.addresses()).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("another program listens there") && text.contains("--listen"),
            "{text}"
        );
    }
}
