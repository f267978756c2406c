//! Upstream over TLS: whose certificates are trusted, and what is spoken.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::serve::Listener;
use citrix_odata_proxy::clock::SystemClock;
use citrix_odata_proxy::demo::{Knobs, Simulator};
use http::{HeaderValue, Version};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::process::{CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, Program};
use crate::wire;

#[tokio::test]
async fn a_certificate_of_an_unknown_issuer_is_refused_with_advice() {
    let cloud = Cloud::start(&["h2", "http/1.1"], &["localhost"]).await;
    let ended = cloud.client(Program::new(&["check"])).run().await;
    assert_eq!(ended.code, Some(1), "{}", ended.everything());
    assert!(
        ended.stdout.contains("main: failed  connection"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("no trusted TLS session"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("certificate store"),
        "{}",
        ended.stdout
    );
    let serve = Program::new(&["serve", "--listen", "127.0.0.1:0"]);
    let serve = serve.set("sites.main.upstream.retry_budget", "0s");
    let proxy = cloud.client(serve).start().await;
    let reply = wire::get(proxy.address, "/monitorodata/Machines").await;
    assert_eq!(
        (reply.status(), &*reply.error_code()),
        (503, "UpstreamUnavailable")
    );
    assert!(
        reply.text().contains("no trusted TLS session"),
        "{}",
        reply.text()
    );
    // Nothing was said before the session was trusted.
    assert_eq!(cloud.spoken(), []);
}

/// Elsewhere the platform's own store is all that counts.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_authority_that_the_system_trusts_is_trusted_and_http_2_is_spoken_where_offered() {
    for (protocols, version) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (&["http/1.1"][..], Version::HTTP_11),
        (&[][..], Version::HTTP_11),
    ] {
        let cloud = Cloud::start(protocols, &["localhost"]).await;
        let trusting = |program: Program| {
            let file = program.folder().join("authority.pem");
            let program = program.file("authority.pem", &cloud.authority);
            cloud.client(program.variable("SSL_CERT_FILE", &file.display().to_string()))
        };
        let ended = trusting(Program::new(&["check"])).run().await;
        assert_eq!(ended.code, Some(0), "{}", ended.everything());
        let serve = Program::new(&["serve", "--listen", "127.0.0.1:0"]);
        let proxy = trusting(serve).start().await;
        let reply = wire::get(proxy.address, "/monitorodata/Sessions").await;
        assert!(reply.rows().len() >= 300);
        let spoken = cloud.spoken();
        assert!(
            spoken.len() > 5 && spoken.iter().all(|spoken| *spoken == version),
            "{spoken:?}"
        );
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_certificate_for_another_host_is_refused_with_advice() {
    let cloud = Cloud::start(&["http/1.1"], &["elsewhere.example"]).await;
    let program = Program::new(&["check"]).file("authority.pem", &cloud.authority);
    let program = program.variable("SSL_CERT_FILE", "authority.pem");
    let ended = cloud.client(program).run().await;
    assert_eq!(ended.code, Some(1), "{}", ended.everything());
    assert!(
        ended.stdout.contains("belongs to another host"),
        "{}",
        ended.stdout
    );
    assert_eq!(cloud.spoken(), []);
}

/// The simulator behind TLS.
struct Cloud {
    address: SocketAddr,
    /// The certificate of the authority behind its own.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "nothing of one program makes it trusted there")
    )]
    authority: String,
    spoken: Arc<Mutex<Vec<Version>>>,
    _server: JoinSet<()>,
}

impl Cloud {
    /// One that offers `protocols`, with a certificate for `names`.
    async fn start(protocols: &[&str], names: &[&str]) -> Self {
        let (authority, mut config) = certified(names);
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let spoken = Arc::<Mutex<Vec<Version>>>::default();
        let knobs = Knobs {
            sessions: 300,
            page_size: 100,
            ..Knobs::default()
        };
        let heard = Arc::clone(&spoken);
        let simulator = Simulator::new(knobs, SystemClock::shared());
        let router = simulator
            .router()
            .layer(from_fn(move |mut request: Request, next: Next| {
                heard.lock().unwrap().push(request.version());
                // For the scheme of its links.
                let headers = request.headers_mut();
                headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
                next.run(request)
            }));
        let listener = Secured {
            tcp,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        };
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            authority,
            spoken,
            _server: server,
        }
    }

    /// A program that has this for an endpoint.
    fn client(&self, program: Program) -> Program {
        let site = |name: &str| format!("sites.main.{name}");
        let endpoint = format!("https://localhost:{}", self.address.port());
        program
            .set(&site("customer_id"), CUSTOMER_ID)
            .set(&site("client_id"), CLIENT_ID)
            .set(&site("client_secret"), CLIENT_SECRET)
            .set(&site("upstream.endpoint"), &endpoint)
    }

    /// The version of each request.
    fn spoken(&self) -> Vec<Version> {
        self.spoken.lock().unwrap().clone()
    }
}

/// An authority, and a server with a certificate of it.
pub(crate) fn certified(names: &[&str]) -> (String, ServerConfig) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(names).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        );
    (authority.pem(), config.unwrap())
}

/// Accepts connections whose handshake succeeds.
pub(crate) struct Secured {
    pub(crate) tcp: TcpListener,
    pub(crate) acceptor: TlsAcceptor,
}

impl Listener for Secured {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.tcp).await;
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
