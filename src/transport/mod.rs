//! Sending one HTTP request: the seam below which tests and the demo replace the world.
//!
//! This room knows nothing of OData, Citrix or retries. [`Network`] is the only code that sees reqwest;
//! [`InProcess`] hands requests to a router in this process.

mod in_process;
mod network;
#[cfg(test)]
pub(crate) mod scripted;

use std::error::Error;
use std::fmt::Debug;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;

pub use in_process::InProcess;
pub use network::{Network, NetworkError, NetworkSettings, proxy_for};

/// The body of a response, as it arrives.
pub type ResponseBody = UnsyncBoxBody<Bytes, TransportError>;

/// Sends HTTP requests.
pub trait Transport: Debug + Send + Sync {
    /// Sends `request` and returns as soon as the response's head is here. Redirects are never followed.
    /// Dropping the future, or the response's body, abandons the request.
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<ResponseBody>, TransportError>>;
}

/// What kept a request from being answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportFault {
    /// The host's name could not be resolved.
    Dns,
    /// No connection: refused, unreachable, reset before an answer, or the proxy on the way said no.
    Connect,
    /// A connection, but no trusted TLS session.
    Tls,
    /// The response's head or body stopped before its end.
    Cut,
    /// Anything else.
    Other,
}

impl TransportFault {
    /// What an administrator can do about it, in a sentence or two.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Dns => {
                "Check the spelling of the region or the endpoint, and that this machine can resolve internet names or has the company proxy in its settings."
            }
            Self::Connect => {
                "Check the firewall and the proxy settings of this machine (HTTPS_PROXY, NO_PROXY or the system's)."
            }
            Self::Tls => {
                "If the company inspects TLS connections, its certificate authority must be in the operating system's certificate store; also check this machine's clock."
            }
            Self::Cut | Self::Other => {
                "Check the network and the proxy between this machine and the service."
            }
        }
    }
}

/// A request that was not answered; the cause is its source.
#[derive(Debug, thiserror::Error)]
#[error("{}", match fault {
    TransportFault::Dns => "host name not resolved",
    TransportFault::Connect => "no connection",
    TransportFault::Tls => "no trusted TLS session",
    TransportFault::Cut => "response cut short",
    TransportFault::Other => "request not sent",
})]
pub struct TransportError {
    /// The kind of failure.
    pub fault: TransportFault,
    /// What the layer below said.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}
