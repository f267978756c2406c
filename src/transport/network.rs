//! The network: HTTP/1.1 and HTTP/2 over TLS, through the operating system's proxy settings.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

use super::{ResponseBody, Transport, TransportError, TransportFault};

/// What a [`Network`] needs to know.
#[derive(Debug, Clone)]
pub struct NetworkSettings {
    /// Sent as `User-Agent` with every request that names none.
    pub user_agent: String,
    /// How long name resolution, TCP, the proxy's tunnel and the TLS handshake may take together.
    pub connect_timeout: Duration,
}

/// Sends requests over the network; clones share one pool of connections.
///
/// Certificates are judged by the operating system's store, and the proxy is the one that the environment
/// (`HTTPS_PROXY`, `NO_PROXY`, …) or the system settings name. This machine is reached without a proxy, and so is
/// whatever is not encrypted: a proxy would read our credentials. Redirects are not followed, because
/// reqwest would take our own credential headers along to the new host. Responses arrive unzipped. There is
/// no time limit on a response: whoever asks sets one.
#[derive(Clone)]
pub struct Network {
    /// Takes the proxy of the environment, if there is one.
    proxied: reqwest::Client,
    /// Takes none.
    direct: reqwest::Client,
}

/// Settings or a system with which no client can be made: a `User-Agent` that is not a header value, or no
/// certificate store.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up")]
pub struct NetworkError(#[source] reqwest::Error);

impl Network {
    /// Reads the certificate store and the proxy settings; opens no connection.
    pub fn new(settings: NetworkSettings) -> Result<Self, NetworkError> {
        // An error means that a provider is installed already: by another `Network` or by a test.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let NetworkSettings {
            user_agent,
            connect_timeout,
        } = settings;
        let builder = || {
            reqwest::Client::builder()
                .user_agent(user_agent.as_str())
                .connect_timeout(connect_timeout)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .gzip(true)
                .tcp_nodelay(true)
                .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        };
        Ok(Self {
            proxied: builder().build().map_err(NetworkError)?,
            direct: builder().no_proxy().build().map_err(NetworkError)?,
        })
    }

    async fn exchange(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<ResponseBody>, TransportError> {
        let request = convert(request)?;
        let client = if is_direct(request.url()) {
            &self.direct
        } else {
            &self.proxied
        };
        let response = client.execute(request).await.map_err(head_error)?;
        let response: Response<reqwest::Body> = response.into();
        Ok(response.map(|body| body.map_err(body_error).boxed_unsync()))
    }
}

impl Transport for Network {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<ResponseBody>, TransportError>> {
        self.exchange(request).boxed()
    }
}

impl fmt::Debug for Network {
    /// reqwest would print proxy settings, which may hold a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Network").finish_non_exhaustive()
    }
}

/// The proxy that a [`Network`] sends requests for `url` through, as the environment or the system names it,
/// without user name and password; `None` when they go straight to the host.
pub fn proxy_for(url: &Url) -> Option<String> {
    named(&Matcher::from_system(), url)
}

fn named(proxies: &Matcher, url: &Url) -> Option<String> {
    if is_direct(url) {
        return None;
    }
    let target: Uri = url.as_str().parse().ok()?;
    let proxy = proxies.intercept(&target)?;
    let scheme = proxy.uri().scheme_str().unwrap_or("http");
    let authority = proxy.uri().authority()?.as_str();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    Some(format!("{scheme}://{host}"))
}

/// Whether no proxy may come between: one on another machine finds another `localhost` than ours, and reads
/// along where nothing is encrypted.
fn is_direct(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name.trim_end_matches('.') == "localhost",
        None => false,
    };
    is_loopback || url.scheme() == "http"
}

fn convert(request: Request<Bytes>) -> Result<reqwest::Request, TransportError> {
    let (parts, body) = request.into_parts();
    let url = Url::parse(&parts.uri.to_string()).map_err(|error| TransportError {
        fault: TransportFault::Other,
        source: error.into(),
    })?;
    let mut converted = reqwest::Request::new(parts.method, url);
    *converted.headers_mut() = parts.headers;
    if !body.is_empty() {
        *converted.body_mut() = Some(body.into());
    }
    Ok(converted)
}

fn head_error(error: reqwest::Error) -> TransportError {
    TransportError {
        fault: fault_of(&error),
        // The URL holds the query, which may hold names of people.
        source: error.without_url().into(),
    }
}

fn body_error(error: reqwest::Error) -> TransportError {
    TransportError {
        fault: TransportFault::Cut,
        source: error.without_url().into(),
    }
}

/// What kept the head of a response away. reqwest's own predicates know the connection's failures; those of
/// TLS and of sockets are found among the causes.
fn fault_of(error: &reqwest::Error) -> TransportFault {
    if error.is_builder() {
        TransportFault::Other
    } else if error.is_dns() {
        TransportFault::Dns
    } else if any_cause(error, <dyn Error>::is::<rustls::Error>) {
        TransportFault::Tls
    } else if error.is_connect() || any_cause(error, is_reset) {
        TransportFault::Connect
    } else {
        TransportFault::Cut
    }
}

fn is_reset(cause: &(dyn Error + 'static)) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    cause
        .downcast_ref::<std::io::Error>()
        .is_some_and(|io| matches!(io.kind(), ConnectionReset | ConnectionAborted | BrokenPipe))
}

/// Whether `wanted` holds for a cause of `error`, however deep. An I/O error that wraps another error
/// names that one's source as its own, so the wrapped error itself has to be looked at apart.
fn any_cause(error: &reqwest::Error, wanted: impl Fn(&(dyn Error + 'static)) -> bool) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        if wanted(cause) {
            return true;
        }
        next = match cause.downcast_ref::<std::io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => cause.source(),
        };
    }
    false
}

/// Shorter than what gateways and firewalls on the way are known to keep idle connections for (Azure: four
/// minutes; nginx: 75 seconds), so that a request is rarely sent into a connection that is closing.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::SocketAddr;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::tasks::Tasks;
    use crate::telemetry::chain;

    /// Serves `response` to every connection, then closes it; hands back each request's text.
    async fn serve(response: Vec<u8>) -> (SocketAddr, tokio::sync::mpsc::Receiver<String>, Tasks) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, received) = tokio::sync::mpsc::channel(8);
        let tasks = Tasks::new();
        tasks.spawn("server", async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let length = socket.read(&mut request).await.unwrap();
                request.truncate(length);
                requests
                    .send(String::from_utf8_lossy(&request).into_owned())
                    .await
                    .unwrap();
                socket.write_all(&response).await.unwrap();
                socket.shutdown().await.unwrap();
            }
        });
        (address, received, tasks)
    }

    fn network() -> Network {
        Network::new(NetworkSettings {
            user_agent: "citrix-odata-proxy/test".to_owned(),
            connect_timeout: Duration::from_secs(5),
        })
        .unwrap()
    }

    fn get(url: &str) -> Request<Bytes> {
        Request::get(url)
            .header("accept", "application/json")
            .body(Bytes::new())
            .unwrap()
    }

    #[test]
    fn the_proxy_is_named_without_its_log_on() {
        let cloud = "https://api.cloud.com/monitorodata";
        let cases = [
            // https, http, all, no, where to, through
            ("", "", "", "", cloud, None),
            ("http://p:8080", "", "", "", cloud, Some("http://p:8080")),
            ("p:8080", "", "", "", cloud, Some("http://p:8080")),
            ("", "http://p:8080", "", "", cloud, None),
            ("", "", "socks5://p:1", "", cloud, Some("socks5://p:1")),
            ("http://a", "", "http://b", "", cloud, Some("http://a")),
            ("http://me:pw%40@p:8", "", "", "", cloud, Some("http://p:8")),
            ("https://me@p", "", "", "", cloud, Some("https://p")),
            ("http://p", "", "", "*", cloud, None),
            ("http://p", "", "", "api.cloud.com", cloud, None),
            ("http://p", "", "", "x.org, Cloud.com", cloud, None),
            ("http://p", "", "", ".cloud.com", cloud, None),
            ("http://p", "", "", "loud.com", cloud, Some("http://p")),
        ];
        for case in cases {
            let (https, http, all, no, url, through) = case;
            let proxies = Matcher::builder().https(https).http(http).all(all).no(no);
            let found = named(&proxies.build(), &url.parse().unwrap());
            assert_eq!(found.as_deref(), through, "{case:?}");
        }
    }

    #[test]
    fn no_proxy_is_named_for_this_machine_and_for_what_is_not_encrypted() {
        let proxies = Matcher::builder().all("http://p").build();
        for (url, direct) in [
            ("http://localhost:8485/x", true),
            ("https://LOCALHOST/x", true),
            ("https://localhost./x", true),
            ("https://127.1.2.3:9/", true),
            ("https://[::1]:9/", true),
            ("https://[::ffff:127.0.0.1]/", true),
            ("http://api.cloud.com/", true),
            ("https://api.cloud.com/", false),
            ("https://localhost.evil.test/", false),
            ("https://128.0.0.1/", false),
        ] {
            let found = named(&proxies, &url.parse().unwrap());
            assert_eq!(found.is_none(), direct, "{url}");
        }
    }

    #[tokio::test]
    async fn sends_what_it_is_given_and_unzips() {
        let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
        zipped.write_all(b"{\"value\":[]}").unwrap();
        let zipped = zipped.finish().unwrap();
        let mut response = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
            zipped.len()
        )
        .into_bytes();
        response.extend(zipped);
        let (address, mut requests, _tasks) = serve(response).await;
        let response = network()
            .send(get(&format!(
                "http://{address}/monitorodata/X?$filter=A%20eq%20'b'&$top=1"
            )))
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "{\"value\":[]}");
        let request = requests.recv().await.unwrap().to_lowercase();
        assert!(
            request.starts_with("get /monitorodata/x?$filter=a%20eq%20'b'&$top=1 http/1.1\r\n")
                || request.starts_with(
                    "get /monitorodata/x?$filter=a%20eq%20%27b%27&$top=1 http/1.1\r\n"
                ),
            "{request}"
        );
        assert!(request.contains("\r\nuser-agent: citrix-odata-proxy/test\r\n"));
        assert!(request.contains("\r\naccept-encoding: gzip\r\n"));
        assert!(!request.contains("content-length"));
    }

    #[tokio::test]
    async fn cut_body_is_an_error() {
        let (address, _requests, _tasks) =
            serve(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"value\":[".to_vec()).await;
        let response = network()
            .send(get(&format!("http://{address}/?secret")))
            .await
            .unwrap();
        let error = response.into_body().collect().await.unwrap_err();
        assert_eq!(error.fault, TransportFault::Cut);
        assert!(!chain(&error).contains("secret"), "{}", chain(&error));
    }

    #[tokio::test]
    async fn cut_head_is_an_error() {
        let (address, _requests, _tasks) = serve(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()).await;
        let error = network()
            .send(get(&format!("http://{address}/")))
            .await
            .unwrap_err();
        assert_eq!(error.fault, TransportFault::Cut);
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let (address, mut requests, _tasks) = serve(
            b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n".to_vec(),
        )
        .await;
        let response = network()
            .send(get(&format!("http://{address}/")))
            .await
            .unwrap();
        assert_eq!(response.status(), 302);
        assert!(requests.recv().await.is_some());
        assert!(requests.try_recv().is_err());
    }

    #[tokio::test]
    async fn refused_connections_unknown_names_and_plain_text_instead_of_tls_are_told_apart() {
        let closed = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        let (plain, _requests, _tasks) = serve(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await;
        for (url, fault) in [
            (format!("http://{closed}/?secret"), TransportFault::Connect),
            (
                "http://no-such-host.invalid/?secret".to_owned(),
                TransportFault::Dns,
            ),
            (format!("https://{plain}/?secret"), TransportFault::Tls),
        ] {
            let error = network().send(get(&url)).await.unwrap_err();
            assert_eq!(error.fault, fault, "{url}: {}", chain(&error));
            assert!(!chain(&error).contains("secret"), "{}", chain(&error));
        }
    }
}
