//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::response::Response;
use futures_util::FutureExt;
use http::{Request, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::Refused;
use super::held::Held;
use super::patient::{Patient, STANDSTILL_MAX};
use super::places::{Place, STUCK_MIN, State};

/// What is the same for all connections.
#[derive(Debug, Clone)]
pub(super) struct Manners {
    /// Bytes of a request's head at most.
    pub(super) header_bytes: u32,
    /// The order to stop.
    pub(super) stopping: CancellationToken,
    /// Where it is counted that a head was too long.
    pub(super) refused: Refused,
}

/// Answers what comes over a connection: over TLS, when there is a certificate.
pub(super) async fn attend<S, A, F>(
    stream: S,
    client: SocketAddr,
    answer: A,
    place: Place,
    tls: Option<Arc<ServerConfig>>,
    manners: Manners,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>, SocketAddr) -> F + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let stream = Patient::new(stream, Arc::clone(place.state()));
    let Some(config) = tls else {
        return Box::pin(converse(stream, client, answer, &place, &manners)).await;
    };
    let handshake = timeout(HANDSHAKE_PATIENCE, TlsAcceptor::from(config).accept(stream));
    let shaken = tokio::select! {
        shaken = handshake => shaken,
        () = place.closing() => return,
    };
    match shaken {
        Ok(Ok(stream)) => Box::pin(converse(stream, client, answer, &place, &manners)).await,
        Ok(Err(error)) => tracing::debug!(
            client = %client.ip(),
            error = %error,
            "no TLS session: the client speaks no TLS, or does not trust the certificate"
        ),
        Err(_) => tracing::debug!(client = %client.ip(), "no TLS session in time"),
    }
}

/// Answers requests until either side ends the connection. On the order to close, it goes on for requests that are under way.
async fn converse<S, A, F>(
    stream: S,
    client: SocketAddr,
    answer: A,
    place: &Place,
    manners: &Manners,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>, SocketAddr) -> F + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let state = place.state();
    let is_http_2 = AtomicBool::new(false);
    let service = service_fn(|request: Request<Incoming>| {
        // Until the answer's body is at its end or dropped.
        let under_way = state.begin();
        is_http_2.store(request.version() == Version::HTTP_2, Ordering::Relaxed);
        // Mapped, not awaited: an async block would have room for the future twice, and be moved as a whole.
        answer(request, client).map(|response| {
            let response = response.map(|body| Held::new(body, under_way));
            Ok::<_, Infallible>(response)
        })
    });
    let builder = builder(manners);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // How a connection fails is its client's matter, but for a head that we refuse.
        ended = connection.as_mut() => {
            if ended.is_err_and(|error| is_long_head(&*error)) {
                manners.refused.heads.inc();
            }
            return;
        }
        () = place.closing() => {}
        () = left_alone(state, STANDSTILL_MAX) => return,
        () = long_idle(state, HEAD_PATIENCE) => {
            connection.as_mut().graceful_shutdown();
            // Nothing can be left but a part of a head, over HTTP/1 and before the first request.
            if !is_http_2.load(Ordering::Relaxed) {
                let left = timeout(LAST_BYTES_PATIENCE, connection.as_mut()).await;
                if left.is_ok() || !state.has_request() {
                    return;
                }
            }
            // Over HTTP/2 the end of an answer may wait for its client long after we have given it out, and requests come
            // until the client has heard of the end.
            tokio::select! {
                _ = connection.as_mut() => return,
                () = place.closing() => {}
                () = left_alone(state, STANDSTILL_MAX) => return,
                () = long_idle(state, STANDSTILL_MAX) => return,
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    let makes_room = place.is_closing() && !manners.stopping.is_cancelled();
    // Another connection needs the place, unless a request has come just now.
    if makes_room && (connection.as_mut().now_or_never().is_some() || state.stuck_for().is_some()) {
        return;
    }
    // An answer that was given out, and is being taken, is waited for like one under way.
    if state.is_idle() || (makes_room && !state.has_request()) {
        // Nothing but half a request may be left, or the last bytes of an answer.
        let patience = match makes_room {
            false => LAST_BYTES_PATIENCE,
            true if place.is_hurried() => return,
            // Over HTTP/1 we would know of such bytes.
            true if state.is_idle() && !is_http_2.load(Ordering::Relaxed) => return,
            true => ROOM_PATIENCE,
        };
        let left = timeout(patience, connection.as_mut()).await;
        if left.is_ok() || !state.has_request() {
            return;
        }
    }
    let (alone, idle) = if makes_room {
        (STUCK_MIN, ROOM_PATIENCE)
    } else {
        (STANDSTILL_MAX, STANDSTILL_MAX)
    };
    tokio::select! {
        _ = connection => {}
        () = left_alone(state, alone) => {}
        () = long_idle(state, idle) => {}
    }
}

/// Whether a connection ended because the head of a request was too long, or the address in it.
fn is_long_head(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<hyper::Error>();
    error.is_some_and(hyper::Error::is_parse_too_large)
}

fn builder(manners: &Manners) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let header_bytes = usize::try_from(manners.header_bytes).unwrap_or(usize::MAX);
    builder
        .http1()
        // [`long_idle`] sees to that, without a timer of its own for each request.
        .header_read_timeout(None)
        .max_buf_size(header_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(manners.header_bytes)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_PATIENCE);
    builder
}

/// Waits until no request has been under way for `patience`, from now on: nothing was said, or less than a request's head.
async fn long_idle(state: &State, patience: Duration) {
    let mut look = Instant::now() + patience;
    loop {
        sleep_until(look).await;
        let idle = state.idle_for().unwrap_or_default();
        match patience.checked_sub(idle) {
            None | Some(Duration::ZERO) => return,
            Some(left) => look = Instant::now() + left,
        }
    }
}

/// Waits until nothing of some answer has been asked for in `patience`, though there is more of it. Over HTTP/1 that is the
/// socket's matter ([`Patient`]), which comes first.
async fn left_alone(state: &State, patience: Duration) {
    loop {
        sleep(patience / 10).await;
        if state.left_for().is_some_and(|left| left > patience) {
            return;
        }
    }
}

/// How long a request's head may take, and how long a connection may be idle between two requests.
pub(super) const HEAD_PATIENCE: Duration = Duration::from_secs(30);

/// How long a connection without a request has, on the order to stop, for what its client has not read yet.
const LAST_BYTES_PATIENCE: Duration = Duration::from_millis(500);

/// The same when another connection needs the place.
const ROOM_PATIENCE: Duration = Duration::from_secs(5);

/// How long a TLS handshake may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// How often an HTTP/2 client is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_mins(1);

/// How long it may take to say so: some clients hear nothing while they do not read.
const PING_PATIENCE: Duration = STANDSTILL_MAX;

#[cfg(test)]
mod tests;
