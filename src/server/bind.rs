//! Binding sockets, and what an administrator can do when that fails.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// A socket and the address that it has.
pub(super) type Bound = (TcpListener, SocketAddr);

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

/// Binds all addresses. A machine without IPv6 has none of that kind: they are left out, as long as another one is bound.
pub(super) async fn bind(addresses: &[SocketAddr]) -> Result<Vec<Bound>, BindError> {
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
        _ => Ok(bound),
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
        let first = bind(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
        let error = bind(&[first[0].1]).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("another program listens there") && text.contains("--listen"),
            "{text}"
        );
    }
}
