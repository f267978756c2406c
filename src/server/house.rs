//! What all connections share, whichever address they come to, and how one comes in.

use std::net::SocketAddr;

use axum::response::Response;
use axum::serve::{Listener, ListenerExt};
use http::Request;
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::converse::{Manners, attend};
use super::places::Places;
use super::tls::Tls;
use super::turned_away::Teller;
use super::{Limits, Refused};

/// What all connections share.
pub(super) struct House {
    places: Places,
    turned_away: Teller,
    tls: Option<Tls>,
    manners: Manners,
}

impl House {
    pub(super) fn new(limits: Limits, tls: Option<Tls>, refused: Refused) -> Self {
        Self {
            places: Places::new(limits.connections, limits.connections_per_address),
            turned_away: Teller::default(),
            tls,
            manners: Manners {
                header_bytes: limits.header_bytes,
                stopping: CancellationToken::new(),
                refused,
            },
        }
    }

    /// Has every connection end once its requests are answered.
    pub(super) fn stop(&self) {
        self.manners.stopping.cancel();
    }

    /// Takes connections for as long as it is polled. While there is no place for one, the others wait in the system's queue.
    pub(super) async fn accept<A, F>(
        &self,
        listener: TcpListener,
        answer: &A,
        connections: &TaskTracker,
    ) where
        A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        // Small answers must not wait for the acknowledgement of the packet before them.
        let mut listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
        loop {
            // When the system has no more files, this waits for a second, and tries again.
            let (stream, client) = listener.accept().await;
            self.come_in(stream, client, answer, connections).await;
        }
    }

    /// Has a connection attended to as one of `connections`, when there is a place for it, or closes it when its client may
    /// have no more.
    pub(super) async fn come_in<S, A, F>(
        &self,
        stream: S,
        client: SocketAddr,
        answer: &A,
        connections: &TaskTracker,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let stopping = &self.manners.stopping;
        let Ok(place) = self.places.take(client.ip(), stopping).await else {
            self.manners.refused.connections.inc();
            self.turned_away.note(client.ip());
            return;
        };
        let tls = self.tls.as_ref().map(Tls::config);
        let manners = self.manners.clone();
        connections.spawn(attend(stream, client, answer.clone(), place, tls, manners));
    }
}
