//! One question to the service, tried until it is answered or there is no point.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tracing::Instrument;
use url::Url;

use super::again::{FailedAttempt, enter};
use super::exchange::{Question, unsendable};
use super::metrics::UpstreamMetrics;
use super::retry::Failure;
use super::target::address;
use super::trace;
use super::transaction::transaction_id;
use super::verdict::{Failed, Passing, bad};
use super::{BadResponse, FetchError, Lane, RetryBudget, Visit};
use crate::auth::Authorizer;
use crate::transport::Transport;

/// What an [`Upstream`] needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the service is: `https://api.cloud.com/monitorodata`, with no slash at its end.
    pub service_root: Url,
    /// How long one attempt may take from sending the request to the body's last byte.
    pub page_timeout: Duration,
    /// The largest body that is read, in bytes after unzipping.
    pub page_bytes_max: usize,
}

/// The service of one site; clones share everything.
#[derive(Debug, Clone)]
pub struct Upstream {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) authorizer: Authorizer,
    lane: Arc<Lane>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) metrics: UpstreamMetrics,
}

/// A whole response body.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The body, as upstream wrote it.
    pub body: Bytes,
    /// `Content-Type`, when upstream sent one.
    pub content_type: Option<String>,
    /// How long the attempt that succeeded took, without waiting for a turn.
    pub elapsed: Duration,
    /// Attempts for this page in all.
    pub attempts: u32,
}

/// A body that made sense.
#[derive(Debug, Clone)]
pub struct Checked<T> {
    /// What it said.
    pub content: T,
    /// `Content-Type`, when upstream sent one.
    pub content_type: Option<String>,
    /// How long the attempt that succeeded took, without waiting for a turn.
    pub elapsed: Duration,
}

/// What is asked, and how it queues.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// An encoded path and query below the service root; empty for the service document.
    pub target: &'a str,
    /// The media type that is wanted.
    pub accept: &'a str,
    /// How it queues.
    pub visit: Visit,
    /// Whether the asker can ask for less at once. If so, a failure that looks as if upstream gave up on the query
    /// (its time limit) is handed back as [`FetchError::TooHeavy`], after the pause that it calls for.
    pub divisible: bool,
}

impl Upstream {
    /// Sends nothing yet. The `lane` belongs to the customer and is shared by all of the customer's sites.
    pub fn new(
        settings: Settings,
        authorizer: Authorizer,
        lane: Arc<Lane>,
        transport: Arc<dyn Transport>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                settings,
                authorizer,
                lane,
                transport,
                metrics: UpstreamMetrics::default(),
            }),
        }
    }

    /// Where the service is, with no slash at its end.
    pub fn service_root(&self) -> &Url {
        &self.inner.settings.service_root
    }

    /// The customer's lane.
    pub fn lane(&self) -> &Lane {
        &self.inner.lane
    }

    /// What hands out this site's credentials.
    pub fn authorizer(&self) -> &Authorizer {
        &self.inner.authorizer
    }

    /// What has happened so far.
    pub fn metrics(&self) -> &UpstreamMetrics {
        &self.inner.metrics
    }

    /// The body that answers `query`. Failures that may pass are retried within `budget`; the one at hand when it
    /// is used up is the error. Dropping the future gives everything up, and the lane back.
    pub async fn fetch(
        &self,
        query: Query<'_>,
        budget: &mut RetryBudget,
    ) -> Result<Fetched, FetchError> {
        self.fetch_until(query, budget, Ok).await
    }

    /// Like [`Upstream::fetch`], for a body that has to make sense: one that `parse` calls malformed or HTML
    /// counts as a failed attempt and is asked for again, up to three times in all. Large bodies are parsed off
    /// the async threads.
    pub async fn fetch_checked<T: Send + 'static>(
        &self,
        query: Query<'_>,
        budget: &mut RetryBudget,
        parse: impl Fn(Bytes) -> Result<T, BadResponse> + Send + Sync + 'static,
    ) -> Result<Checked<T>, FetchError> {
        let check = move |fetched: Fetched| {
            Ok(Checked {
                content: parse(fetched.body)?,
                content_type: fetched.content_type,
                elapsed: fetched.elapsed,
            })
        };
        self.fetch_until(query, budget, check).await
    }

    async fn fetch_until<T: Send + 'static>(
        &self,
        query: Query<'_>,
        budget: &mut RetryBudget,
        check: impl Fn(Fetched) -> Result<T, BadResponse> + Send + Sync + 'static,
    ) -> Result<T, FetchError> {
        let check = Arc::new(check);
        let question = Question {
            address: address(self.service_root(), query.target).ok_or_else(unsendable)?,
            accept: query.accept,
        };
        let mut visitor = self.inner.lane.visitor(query.visit);
        let (mut token_renewed, mut attempts) = (false, 0);
        loop {
            let pass = enter(&mut visitor, budget).await?;
            budget.attempted();
            let transaction = transaction_id();
            let span = trace::begin(self.service_root(), query.target, attempts, &transaction);
            attempts += 1;
            let began = Instant::now();
            let attempt = self.try_once(&question, &transaction, budget);
            let result = attempt.instrument(span.clone()).await;
            // The pass of a failed attempt is kept until the lane is paused: nobody enters in between.
            let (checked, pass) = match result {
                Ok((body, content_type)) => {
                    pass.succeeded();
                    let fetched = Fetched {
                        body,
                        content_type,
                        elapsed: began.elapsed(),
                        attempts: budget.attempts(),
                    };
                    (checked(&check, fetched).await, None)
                }
                Err(failed) => (Err(failed), Some(pass)),
            };
            let failed = match checked {
                Ok(value) => {
                    budget.page_read();
                    return Ok(value);
                }
                Err(failed) => failed,
            };
            trace::failed(span, &failed);
            let after = began.elapsed();
            // Not more than it may take, whatever the clock says: the machine may have slept.
            let charged = after.min(self.inner.settings.page_timeout + ATTEMPT_LEEWAY);
            budget.failed(charged);
            match failed {
                Failed::Final(error) => {
                    if matches!(error, FetchError::Refused(_)) {
                        if let Some(pass) = pass {
                            pass.succeeded();
                        }
                        budget.page_refused();
                    }
                    return Err(error);
                }
                Failed::Unauthorized(error) if token_renewed => return Err(error),
                Failed::Unauthorized(_) => {
                    tracing::warn!(%transaction, "token refused, asking for a new one");
                    token_renewed = true;
                }
                Failed::Passing(passing) => {
                    let failed = FailedAttempt {
                        passing,
                        after,
                        charged,
                        transaction: &transaction,
                        divisible: query.divisible,
                    };
                    self.pause(failed, budget, pass).await?;
                }
            }
            self.inner.metrics.retried();
        }
    }
}

/// What `check` makes of a body. A large one is looked at on a thread where others do not have to wait for it.
async fn checked<T: Send + 'static>(
    check: &Arc<impl Fn(Fetched) -> Result<T, BadResponse> + Send + Sync + 'static>,
    fetched: Fetched,
) -> Result<T, Failed> {
    if fetched.body.len() <= CHECKED_IN_PLACE_BYTES_MAX {
        return check(fetched).map_err(bad);
    }
    let check = Arc::clone(check);
    match tokio::task::spawn_blocking(move || check(fetched)).await {
        Ok(result) => result.map_err(bad),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being shut down.
            Err(_) => Err(Failed::Passing(Passing::new(Failure::Implausible))),
        },
    }
}

/// Parsing takes about two milliseconds for so many bytes. Pages of a thousand rows have half a million.
const CHECKED_IN_PLACE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An attempt may take so much longer than the page timeout: it also waits for a token.
const ATTEMPT_LEEWAY: Duration = Duration::from_secs(5);
