//! A router in this process in place of the network, for the demo and for tests with paused time.

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{HOST, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::{ResponseBody, Transport, TransportError, TransportFault};

/// Hands requests to a router in this process.
///
/// The router sees what it would see behind a socket: the path and query as the URI, and the authority in
/// the `Host` header. Every host leads to the same router.
#[derive(Debug, Clone)]
pub struct InProcess {
    router: Router,
}

impl InProcess {
    /// Requests will be answered by `router`.
    pub fn new(router: Router) -> Self {
        Self { router }
    }
}

impl Transport for InProcess {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<ResponseBody>, TransportError>> {
        let router = self.router.clone();
        async move {
            let request = as_received(request)?.map(Body::from);
            let response = match router.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            Ok(response.map(|body| body.map_err(cut).boxed_unsync()))
        }
        .boxed()
    }
}

/// The request as a server would receive it.
fn as_received(mut request: Request<Bytes>) -> Result<Request<Bytes>, TransportError> {
    let authority = request.uri().authority().map(|authority| {
        // A password in a URL is not part of `Host`.
        let host = authority.as_str();
        host.rsplit_once('@').map_or(host, |(_, host)| host)
    });
    if let Some(authority) = authority
        && !request.headers().contains_key(HOST)
    {
        let host = HeaderValue::from_str(authority).map_err(other)?;
        request.headers_mut().insert(HOST, host);
    }
    // Like every HTTP client, this one says who it is.
    let agent = HeaderValue::from_static("in-process");
    request.headers_mut().entry(USER_AGENT).or_insert(agent);
    let path = request.uri().path_and_query().map(PathAndQuery::as_str);
    *request.uri_mut() = Uri::try_from(path.unwrap_or("/")).map_err(other)?;
    Ok(request)
}

fn cut(error: axum::Error) -> TransportError {
    TransportError {
        fault: TransportFault::Cut,
        source: error.into(),
    }
}

fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TransportError {
    TransportError {
        fault: TransportFault::Other,
        source: error.into(),
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use futures_util::stream;

    use super::*;

    fn request(uri: &str) -> Request<Bytes> {
        Request::get(uri).body(Bytes::new()).unwrap()
    }

    #[tokio::test]
    async fn router_sees_path_and_host_as_behind_a_socket() {
        let echo = |request: Request<Body>| async move {
            format!("{} {:?}", request.uri(), request.headers().get(HOST))
        };
        let transport = InProcess::new(Router::new().route("/a", get(echo)));
        let response = transport
            .send(request("https://api.cloud.com:8443/a?$top=1"))
            .await
            .unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "/a?$top=1 Some(\"api.cloud.com:8443\")");
    }

    #[tokio::test]
    async fn body_that_fails_is_cut() {
        let broken = || async {
            let parts = [Ok("{\"value\":["), Err(std::io::Error::other("gone"))];
            Body::from_stream(stream::iter(parts))
        };
        let transport = InProcess::new(Router::new().route("/a", get(broken)));
        let response = transport.send(request("http://x/a")).await.unwrap();
        let error = response.into_body().collect().await.unwrap_err();
        assert_eq!(error.fault, TransportFault::Cut);
    }
}
