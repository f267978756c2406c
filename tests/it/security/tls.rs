//! TLS for clients: what is offered, and certificates that are replaced while the program runs.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{make_key, rows};
use crate::process::{Program, Running, eventually};
use crate::wire::Wire;

/// A certificate that vouches for itself, with its key in PEM.
struct Pair {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    key_pem: String,
}

impl Pair {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }

    fn write(&self, folder: &Path) {
        fs::write(folder.join("server.pem"), &self.certificate_pem).unwrap();
        fs::write(folder.join("server.key"), &self.key_pem).unwrap();
    }

    /// A session with a server that has this certificate.
    async fn connect(&self, address: SocketAddr, protocol: &str) -> Option<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.ok()
    }
}

/// One request, and the reply as text, which ends with the first chunk of its body.
async fn ask(stream: &mut TlsStream<TcpStream>, path: &str, more: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: bi.example.com:8484\r\n{more}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = stream.read(&mut bytes).await.unwrap();
        text.push_str(str::from_utf8(&bytes[..read]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert_ne!(read, 0, "{text}");
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if length.is_some_and(|length| length.parse() == Ok(body.len())) {
            return text;
        }
    }
}

async fn secured(endpoint: &str, pair: &Pair, more: &str) -> Running {
    let text = format!(
        "[server]\nallowed_hosts = ['bi.example.com']\n{more}\n[server.tls]\ncertificate_file = 'server.pem'\nkey_file = 'server.key'\n"
    );
    Program::serve(endpoint)
        .settings(&text)
        .file("server.pem", &pair.certificate_pem)
        .file("server.key", &pair.key_pem)
        .start()
        .await
}

#[tokio::test]
async fn links_pages_and_headers_speak_of_https() {
    let (upstream, pair) = (rows().await, Pair::new());
    let proxy = secured(&upstream.endpoint(), &pair, "").await;
    assert!(
        proxy
            .stdout()
            .starts_with("listening on https://127.0.0.1:")
    );
    let mut stream = pair.connect(proxy.address, "http/1.1").await.unwrap();
    // The second is a stored answer, which has a length.
    let request = "GET /monitorodata/Machines HTTP/1.0\r\nHost: bi.example.com:8484\r\nConnection: keep-alive\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 16];
    stream.read_exact(&mut first).await.unwrap();
    drop(stream);
    let mut stream = pair.connect(proxy.address, "http/1.1").await.unwrap();
    let text = ask(&mut stream, "/monitorodata/Machines", "").await;
    let root = "https://bi.example.com:8484/monitorodata";
    assert!(
        text.contains(&format!("{root}/$metadata#Machines")),
        "{text}"
    );
    assert!(
        text.contains("strict-transport-security: max-age=31536000"),
        "{text}"
    );
    let page = ask(&mut stream, "/", "").await;
    assert!(page.contains(root), "{page}");
    // Our own page may purge.
    let own = "Origin: https://bi.example.com:8484\r\nSec-Fetch-Site: same-origin\r\n";
    let request = format!(
        "POST /api/cache/purge HTTP/1.1\r\nHost: bi.example.com:8484\r\n{own}Content-Length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = vec![0; 12];
    stream.read_exact(&mut reply).await.unwrap();
    assert_eq!(reply, b"HTTP/1.1 200");
}

#[tokio::test]
async fn both_versions_of_http_are_offered_and_nothing_without_tls() {
    let (upstream, pair) = (rows().await, Pair::new());
    let (key, section) = make_key(&[]).await;
    let proxy = Program::serve(&upstream.endpoint())
        .settings(&format!(
            "[server.tls]\ncertificate_file = 'server.pem'\nkey_file = 'server.key'\n{section}"
        ))
        .file("server.pem", &pair.certificate_pem)
        .file("server.key", &pair.key_pem)
        .variable("RUST_LOG", "trace")
        .start()
        .await;
    for protocol in ["h2", "http/1.1"] {
        let stream = pair.connect(proxy.address, protocol).await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), Some(protocol.as_bytes()));
    }
    // A real client of HTTP/2, with the key in each of its ways.
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(trusting(&pair))
        .http2_prior_knowledge()
        .no_proxy()
        .build()
        .unwrap();
    let url = format!(
        "https://localhost:{}/monitorodata/Machines",
        proxy.address.port()
    );
    for request in [
        client.get(&url).bearer_auth(&key),
        client.get(&url).basic_auth("any", Some(&key)),
        client.get(format!("{url}?key={key}")),
    ] {
        let reply = request.send().await.unwrap();
        assert_eq!(reply.version(), http::Version::HTTP_2);
        assert_eq!(reply.status(), 200);
    }
    let long = client.get(&url).header("x-long", "x".repeat(100_000));
    let refused = long.send().await;
    assert!(refused.is_err() || refused.is_ok_and(|reply| reply.status() == 431));
    // Plain HTTP gets no answer of ours.
    let mut plain = Wire::open(proxy.address).await;
    plain
        .send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    let mut answer = String::new();
    if let Some(head) = plain.try_line().await {
        answer.push_str(&head);
    }
    assert!(!answer.contains("HTTP"), "{answer}");
    let output = proxy.killed().await.everything();
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("any:{key}"));
    for hidden in [key, pair] {
        let found = output.lines().find(|line| line.contains(&hidden));
        assert_eq!(found, None);
    }
}

fn trusting(pair: &Pair) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(pair.certificate.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

#[tokio::test]
async fn a_new_certificate_is_taken_while_old_connections_go_on() {
    let (upstream, old, new) = (rows().await, Pair::new(), Pair::new());
    let proxy = secured(&upstream.endpoint(), &old, "").await;
    let mut before = old.connect(proxy.address, "http/1.1").await.unwrap();
    assert!(ask(&mut before, "/healthz", "").await.ends_with("ok\n"));
    // Half of a renewal: the pair does not fit together.
    fs::write(proxy.file("server.pem"), &new.certificate_pem).unwrap();
    proxy.says("the new certificate cannot be used").await;
    assert!(old.connect(proxy.address, "http/1.1").await.is_some());
    new.write(proxy.file("").as_path());
    eventually("the new certificate", async || {
        new.connect(proxy.address, "http/1.1").await.map(drop)
    })
    .await;
    assert!(old.connect(proxy.address, "http/1.1").await.is_none());
    assert!(ask(&mut before, "/healthz", "").await.ends_with("ok\n"));
}
