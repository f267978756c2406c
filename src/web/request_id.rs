//! A name for every request, so that what a client was told can be found in the log.

use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use ring::rand::{SecureRandom, SystemRandom};

/// Sixteen hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(Arc<str>);

/// Names the request, and says the name in `X-Request-Id`.
pub(crate) async fn assign(mut request: Request, next: Next) -> Response {
    let id = RequestId::random();
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

impl RequestId {
    /// A new name. Should the system have no randomness, all are zero: names are for reading, not for secrecy.
    fn random() -> Self {
        let mut bytes = [0; 8];
        let _ = SystemRandom::new().fill(&mut bytes);
        Self(format!("{:016x}", u64::from_be_bytes(bytes)).into())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sixteen_digits_and_differ() {
        let (a, b) = (RequestId::random(), RequestId::random());
        assert_eq!(a.to_string().len(), 16);
        assert_ne!(a, b);
    }
}
