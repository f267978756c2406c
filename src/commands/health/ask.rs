//! One GET over a connection of its own, by HTTP or HTTPS.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future;
use http::{Request, StatusCode, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// Whether the answer is 200; else what was wrong, in half a sentence.
pub(super) async fn ask(place: &Url) -> Result<(), String> {
    let (Some(host), Some(port)) = (place.host(), place.port_or_known_default()) else {
        return Err("no address of a server".to_owned());
    };
    let connected = match &host {
        Host::Domain(name) => TcpStream::connect((*name, port)).await,
        Host::Ipv4(ip) => TcpStream::connect((*ip, port)).await,
        Host::Ipv6(ip) => TcpStream::connect((*ip, port)).await,
    };
    let stream = connected.map_err(|error| format!("no connection: {error}"))?;
    if place.scheme() != "https" {
        return over(stream, place).await;
    }
    let name = host.to_string();
    let name = ServerName::try_from(name.trim_matches(['[', ']']).to_owned())
        .map_err(|error| error.to_string())?;
    let stream = TlsConnector::from(tls()?).connect(name, stream).await;
    over(stream.map_err(|error| format!("no TLS: {error}"))?, place).await
}

async fn over<S>(stream: S, place: &Url) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = Request::get(place.path())
        .header(header::HOST, place.authority())
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let unread = |error| format!("no answer by HTTP: {error}");
    let stream = TokioIo::new(stream);
    let (mut sender, connection) = http1::handshake(stream).await.map_err(unread)?;
    // Lets go of the connection with the head: nobody reads the body.
    let asked = async move { Ok(sender.send_request(request).await?.status()) };
    let (status, _) = future::join(asked, connection).await;
    match status.map_err(unread)? {
        StatusCode::OK => Ok(()),
        status => Err(format!("it answers with status {status}")),
    }
}

fn tls() -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Whoever(provider)))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Takes every certificate. The question is whether something answers here, not who it is: the certificate is for the name
/// that clients use, not for this machine's own address; nothing secret is sent, and nothing is read but a status.
#[derive(Debug)]
struct Whoever(Arc<CryptoProvider>);

impl ServerCertVerifier for Whoever {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
