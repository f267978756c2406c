//! Asking the token endpoint, with a few tries.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, Uri};
use http_body_util::{BodyExt, Limited};
use secrecy::ExposeSecret;
use url::form_urlencoded;

use super::response::{self, Issued};
use super::{Settings, TokenError};
use crate::transport::{Transport, TransportError, TransportFault};

/// The token endpoint of one API client.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) settings: Settings,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) requests: AtomicU64,
}

impl Endpoint {
    /// Asks for a token; when the endpoint is busy, failing or cuts its answer, up to three times.
    pub(super) async fn ask(&self) -> Result<Issued, TokenError> {
        let mut tries = 1;
        loop {
            let error = match self.try_once().await {
                Ok(issued) => return Ok(issued),
                Err(error) => error,
            };
            let Some(pause) = pause_before_next(&error, tries) else {
                return Err(error);
            };
            tracing::debug!(%error, tries, "token request is repeated");
            tokio::time::sleep(pause).await;
            tries += 1;
        }
    }

    async fn try_once(&self) -> Result<Issued, TokenError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let timeout = self.settings.timeout;
        match tokio::time::timeout(timeout, self.exchange()).await {
            Ok(result) => result,
            Err(_) => Err(TokenError::Timeout { timeout }),
        }
    }

    async fn exchange(&self) -> Result<Issued, TokenError> {
        let failed = |error: TransportError| TokenError::Transport(Arc::new(error));
        let request = self.request().map_err(failed)?;
        let response = self.transport.send(request).await.map_err(failed)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), BODY_BYTES_MAX);
        let body = body.collect().await.map_err(|source| {
            failed(TransportError {
                fault: TransportFault::Cut,
                source,
            })
        })?;
        response::read(status, &body.to_bytes(), &self.settings.client_secret)
    }

    fn request(&self) -> Result<Request<Bytes>, TransportError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("client_secret", self.settings.client_secret.expose_secret())
            .finish();
        Uri::try_from(self.settings.token_url.as_str())
            .and_then(|uri| Ok(Request::post(uri)))
            .map_err(http::Error::from)
            .and_then(|request| {
                request
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header(ACCEPT, "application/json")
                    .body(form.into())
            })
            .map_err(|error| TransportError {
                fault: TransportFault::Other,
                source: error.into(),
            })
    }
}

/// How long to wait before another try after `tries` tries, if one may help. A timeout has cost those who
/// wait enough already.
fn pause_before_next(error: &TokenError, tries: u32) -> Option<Duration> {
    if !error.is_transient() || matches!(error, TokenError::Timeout { .. }) {
        return None;
    }
    match tries {
        1 => Some(Duration::from_millis(500)),
        2 => Some(Duration::from_millis(1500)),
        _ => None,
    }
}

/// Tokens have a few kilobytes.
const BODY_BYTES_MAX: usize = 256 * 1024;
