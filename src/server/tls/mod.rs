//! The server's certificate, which is looked at again while we run.
//!
//! Renewals replace both files, one after the other, by whatever means; so the files' content is what counts, and not how or
//! when it was written. A pair that cannot be used changes nothing: the one before goes on.
//!
//! TLS is on all addresses or on none, so that the scheme of links is a setting, and no request has to carry it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ring::digest::{Context, SHA256};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::clock::Clock;

/// A certificate and its key, in force; clones share what is in force.
#[derive(Debug, Clone)]
pub struct Tls {
    files: TlsFiles,
    clock: Arc<dyn Clock>,
    current: Arc<RwLock<Arc<ServerConfig>>>,
    /// What the files held when they were looked at last.
    seen: Seen,
    /// When the certificate in force ends, if that can be read.
    expires: Option<Timestamp>,
    /// When that was judged last.
    judged: Timestamp,
}

/// Where certificate and key are, both in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate, and behind it those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why there is no TLS with these files. Nothing that they hold is told.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("`{}` cannot be read: let the account that runs this program read it", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is no certificate in the file.
    #[error(
        "`{}` holds no certificate in PEM: it has to begin with -----BEGIN CERTIFICATE-----, the server's own first, then \
         those between it and its authority",
        .0.display()
    )]
    NoCertificate(PathBuf),
    /// There is no key in the file.
    #[error(
        "`{}` holds no private key in PEM (PKCS#8, PKCS#1 or SEC1): export it without a password",
        .0.display()
    )]
    NoKey(PathBuf),
    /// Certificate and key do not belong together, or are of a kind that is not supported.
    #[error("certificate and key cannot be used together: take both from one renewal")]
    Unfit(#[source] rustls::Error),
}

/// What two files hold, as far as it takes to see a change.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Files(Vec<u8>),
    Unreadable,
}

/// The files' bytes.
struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// Reads the files.
    pub fn load(files: TlsFiles, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let pair = Pair::read(&files)?;
        let config = pair.config(&files)?;
        let (expires, judged) = (pair.expires(), clock.now());
        warn_of_expiry(expires, judged);
        Ok(Self {
            expires,
            judged,
            seen: Seen::Files(pair.digest()),
            current: Arc::new(RwLock::new(Arc::new(config))),
            files,
            clock,
        })
    }

    /// What new connections begin with.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the files for as long as it is polled, and puts what they hold in force when it is another pair.
    pub async fn watch(mut self) {
        loop {
            sleep(LOOK_EVERY).await;
            let files = self.files.clone();
            // On a network drive this may take its time.
            if let Ok(read) = spawn_blocking(move || Pair::read(&files)).await {
                self.look(read);
            }
        }
    }

    /// Each content is judged once, so that one that stays wrong is told once.
    fn look(&mut self, read: Result<Pair, TlsError>) {
        self.remind();
        let seen = match &read {
            Ok(pair) => Seen::Files(pair.digest()),
            Err(_) => Seen::Unreadable,
        };
        if seen == self.seen {
            return;
        }
        self.seen = seen;
        let config = read.and_then(|pair| pair.config(&self.files).map(|config| (pair, config)));
        match config {
            Ok((pair, config)) => {
                // All of it, so that no session of the old certificate is resumed.
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                *current = Arc::new(config);
                tracing::info!("new connections have the new certificate");
                drop(current);
                self.expires = pair.expires();
                self.judged = self.clock.now();
                warn_of_expiry(self.expires, self.judged);
            }
            Err(error) => tracing::warn!(
                error = crate::telemetry::chain(&error),
                "the new certificate cannot be used, the one before goes on; the files are looked at again when they change"
            ),
        }
    }
}

impl Tls {
    /// Judges once a day when the certificate in force ends: whoever sees only today's log has to learn of it too.
    fn remind(&mut self) {
        let now = self.clock.now();
        if now.duration_since(self.judged) >= REMIND_EVERY {
            self.judged = now;
            warn_of_expiry(self.expires, now);
        }
    }
}

impl Pair {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            fs::read(path).map_err(|source| TlsError::Unreadable {
                path: path.to_owned(),
                source,
            })
        };
        Ok(Self {
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
        })
    }

    fn digest(&self) -> Vec<u8> {
        let mut digest = Context::new(&SHA256);
        // Where the one ends, so that nothing moves from one to the other unseen.
        digest.update(&self.certificate.len().to_le_bytes());
        digest.update(&self.certificate);
        digest.update(&self.key);
        digest.finish().as_ref().to_vec()
    }

    fn chain(&self) -> Option<Vec<CertificateDer<'static>>> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.certificate).collect();
        chain.ok().filter(|chain| !chain.is_empty())
    }

    fn config(&self, files: &TlsFiles) -> Result<ServerConfig, TlsError> {
        let chain = self
            .chain()
            .ok_or_else(|| TlsError::NoCertificate(files.certificate.clone()))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| TlsError::NoKey(files.key.clone()))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(TlsError::Unfit)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// When the certificate ends, if that can be read.
    fn expires(&self) -> Option<Timestamp> {
        let chain = self.chain()?;
        let (_, certificate) = X509Certificate::from_der(chain.first()?).ok()?;
        Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
    }
}

fn warn_of_expiry(expires: Option<Timestamp>, now: Timestamp) {
    let Some(expires) = expires.filter(|expires| ends_soon(*expires, now)) else {
        return;
    };
    tracing::warn!(
        %expires,
        "the certificate ends soon, or has ended: put a new one in its place, it is taken without a restart"
    );
}

fn ends_soon(expires: Timestamp, now: Timestamp) -> bool {
    now.saturating_add(EXPIRES_SOON)
        .is_ok_and(|soon| expires < soon)
}

/// How often is said that the certificate ends soon.
const REMIND_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// How often the files are looked at: soon enough for whoever watches, and next to nothing of work.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Renewals come a month before the end, or a third of the certificate's life.
const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

#[cfg(test)]
mod tests;
