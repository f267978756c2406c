//! Listening, serving, and stopping in good order.

use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use futures_util::future;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

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
    pub async fn serve(
        self,
        router: Router,
        signals: &mut Signals,
        drain: Duration,
    ) -> io::Result<Ending> {
        let stopping = CancellationToken::new();
        let servers = self.bound.into_iter().map(|(listener, _)| {
            // Small answers must not wait for the acknowledgement of the packet before them.
            let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
            axum::serve(listener, router.clone())
                .with_graceful_shutdown(stopping.clone().cancelled_owned())
                .into_future()
        });
        let mut servers = future::try_join_all(servers);
        tokio::select! {
            ended = &mut servers => return ended.map(|_| Ending::Drained),
            signal = signals.next() => tracing::info!(
                signal,
                "stopping: no new requests; those under way have {} to finish, a second signal ends them at once",
                humantime::format_duration(drain),
            ),
        }
        stopping.cancel();
        tokio::select! {
            ended = servers => ended.map(|_| Ending::Drained),
            () = tokio::time::sleep(drain) => Ok(Ending::Cut),
            _ = signals.next() => Ok(Ending::Hurried),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
