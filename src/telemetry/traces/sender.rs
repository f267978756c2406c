//! Sends batches through the program's own transport: the same TLS, certificates and proxies as everything else.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::{self, Runtime};
use tokio::time::{Instant, timeout};

use super::reach::{Reach, Word};
use crate::telemetry::chain;
use crate::transport::Transport;

/// Sends batches. The exporter calls it from a thread of its own, which has nothing else to do and may block.
#[derive(Debug)]
pub(super) struct Sender {
    transport: Arc<dyn Transport>,
    /// `None` once it is dropped.
    runtime: Option<Runtime>,
    reach: Mutex<Reach>,
}

impl Sender {
    /// Sends nothing yet.
    pub(super) fn new(transport: Arc<dyn Transport>) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            transport,
            runtime: Some(runtime),
            reach: Mutex::default(),
        })
    }

    /// Sends a batch, and says in the log when that goes wrong, or goes well again; not each time.
    fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let runtime = self.runtime.as_ref().ok_or("no runtime any more")?;
        // One of them may be a key to the collector: libraries do not log it then.
        for value in request.headers_mut().values_mut() {
            value.set_sensitive(true);
        }
        let address = request.uri().to_string();
        let result = runtime.block_on(async {
            match timeout(SEND_PATIENCE, self.exchange(request)).await {
                Ok(result) => result,
                Err(_) => Err(format!("no answer within {} s", SEND_PATIENCE.as_secs()).into()),
            }
        });
        let failure = match &result {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("status {}", response.status())),
            Err(error) => Some(chain(&**error)),
        };
        self.tell(&address, failure.as_deref());
        result
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.transport.send(request).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    fn tell(&self, address: &str, failure: Option<&str>) {
        let mut reach = self.reach.lock().unwrap_or_else(PoisonError::into_inner);
        match reach.note(failure.is_none(), Instant::now()) {
            Some(Word::Lost) => tracing::warn!(
                collector = address,
                error = failure,
                "traces cannot be sent, and are dropped; clients are answered as ever. Check the collector, and \
                 `log.traces`"
            ),
            Some(Word::Found) => tracing::info!(collector = address, "traces are sent again"),
            None => {}
        }
    }
}

impl HttpClient for Sender {
    fn send_bytes<'s, 'f>(
        &'s self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move { self.send(request) })
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // Not waiting for a name that is being resolved.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// How long a batch may take. Less than the end of the program waits for the last one.
pub(super) const SEND_PATIENCE: Duration = Duration::from_secs(3);

/// A collector has little to say.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
