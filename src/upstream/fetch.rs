//! One question to the service, tried until it is answered or there is no point.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, StatusCode, Uri};
use tokio::time::Instant;
use url::Url;

use super::body::{Unread, is_html, read_whole};
use super::metrics::UpstreamMetrics;
use super::retry::{Attempt, Decision, Failure, attempts_max, decide, patience_left};
use super::target::address;
use super::transaction::{jitter, transaction_id};
use super::verdict::{Failed, Passing, bad, judge, no_token};
use super::{BadResponse, FetchError, Lane, Pass, QueueFull, Refusal, RetryBudget, Turn, Visit};
use crate::auth::{Authorizer, Credentials};
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
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    authorizer: Authorizer,
    lane: Arc<Lane>,
    transport: Arc<dyn Transport>,
    metrics: UpstreamMetrics,
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
    /// Attempts in all.
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

/// What is sent: the same in each attempt.
struct Question<'a> {
    address: Uri,
    accept: &'a str,
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
        let mut turn = query.visit.turn;
        let mut attempts = 0;
        let mut failures = Vec::new();
        let mut token_renewed = false;
        loop {
            let pass = self.inner.lane.enter(turn).await;
            let pass = pass.map_err(|QueueFull { queued }| FetchError::QueueFull { queued })?;
            // The place in the queue is not asked for again: this answer has waited once.
            turn = Turn::Next;
            attempts += 1;
            let transaction = transaction_id();
            let began = Instant::now();
            let result = self.try_once(&question, &transaction, budget.spent()).await;
            // The pass of a failed attempt is kept until the lane is paused: nobody enters in between.
            let pass = Some(pass).filter(|_| result.is_err());
            let checked = match result {
                Ok((body, content_type)) => {
                    let fetched = Fetched {
                        body,
                        content_type,
                        elapsed: began.elapsed(),
                        attempts,
                    };
                    checked(&check, fetched).await
                }
                Err(failed) => Err(failed),
            };
            let failed = match checked {
                Ok(value) => {
                    budget.page_read();
                    return Ok(value);
                }
                Err(failed) => failed,
            };
            budget.failed(began.elapsed());
            match failed {
                Failed::Final(error) => return Err(error),
                Failed::Unauthorized(error) if token_renewed => return Err(error),
                Failed::Unauthorized(_) => {
                    tracing::warn!(%transaction, "token refused, asking for a new one");
                    token_renewed = true;
                }
                Failed::Passing(passing) => {
                    failures.push(passing.failure);
                    let alike = failures.iter().filter(|f| **f == passing.failure).count();
                    let attempt = Attempt {
                        failure: passing.failure,
                        attempts,
                        alike: u32::try_from(alike).unwrap_or(u32::MAX),
                        spent: budget.spent(),
                        budget: budget.total(),
                        pages: budget.pages(),
                        asked_pause: passing.asked_pause,
                        jitter: jitter(),
                    };
                    self.pause(passing, &attempt, &transaction, budget, pass)
                        .await?;
                }
            }
            self.inner.metrics.retried();
        }
    }

    /// Waits before the next attempt, or says that there is none. `pass` is given back when the lane is paused, if
    /// it has to be.
    async fn pause(
        &self,
        passing: Passing,
        attempt: &Attempt,
        transaction: &str,
        budget: &mut RetryBudget,
        pass: Option<Pass>,
    ) -> Result<(), FetchError> {
        let failure = passing.failure;
        let throttled = failure.is_throttling();
        let attempts = attempt.attempts;
        match decide(attempt) {
            Decision::Retry { after } => {
                budget.pause(after);
                let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(
                    ?failure,
                    cause = passing.cause,
                    attempts,
                    attempts_max = attempts_max(failure),
                    pause_ms = millis(after),
                    left_ms = millis(patience_left(attempt).saturating_sub(after)),
                    %transaction,
                    "upstream request failed, trying again"
                );
                if throttled {
                    self.inner.lane.pause(after);
                }
                drop(pass);
                tokio::time::sleep(after).await;
                Ok(())
            }
            Decision::GiveUp => {
                if let Some(asked) = passing.asked_pause
                    && throttled
                {
                    self.inner.lane.pause(asked.min(LANE_PAUSE_MAX));
                }
                tracing::debug!(?failure, attempts, %transaction, "upstream request given up");
                Err(passing.into_error(budget.spent(), self.inner.settings.page_timeout))
            }
        }
    }

    /// One attempt: a token, a request, a whole body of status 200.
    async fn try_once(
        &self,
        question: &Question<'_>,
        transaction: &str,
        waited: Duration,
    ) -> Result<(Bytes, Option<String>), Failed> {
        let inner = &*self.inner;
        let credentials = inner.authorizer.credentials().await;
        let credentials = credentials.map_err(|error| no_token(&error, waited))?;
        let request = request(question, &credentials, transaction)?;
        let exchange = tokio::time::timeout(inner.settings.page_timeout, self.exchange(request));
        let Ok(result) = exchange.await else {
            inner.metrics.unanswered();
            return Err(Failed::Passing(Passing::new(Failure::Timeout)));
        };
        match &result {
            Err(Failed::Unauthorized(_)) => inner.authorizer.reject(credentials.generation),
            Ok(_) | Err(Failed::Final(FetchError::Refused(_))) => {
                inner.authorizer.accept(credentials.generation);
            }
            Err(_) => {}
        }
        result
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<(Bytes, Option<String>), Failed> {
        let inner = &*self.inner;
        let response = inner.transport.send(request).await.map_err(|error| {
            inner.metrics.unanswered();
            Failed::Passing(Passing::fault(&error))
        })?;
        let (head, body) = response.into_parts();
        inner.metrics.answered(head.status);
        let content_type = head.headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        if head.status != StatusCode::OK {
            // What an error says is welcome, but its status is enough.
            let body = read_whole(body, ERROR_BYTES_MAX).await.unwrap_or_default();
            let html = is_html(content_type, &body);
            let black_out = |text: &str| inner.authorizer.black_out(text);
            let failed = judge(head.status, &head.headers, &body, html, black_out);
            return Err(failed);
        }
        let limit = inner.settings.page_bytes_max;
        let body = read_whole(body, limit)
            .await
            .map_err(|unread| match unread {
                Unread::TooLarge => bad(BadResponse::TooLarge { limit }),
                Unread::Cut(error) => Failed::Passing(Passing::fault(&error)),
            })?;
        if is_html(content_type, &body) {
            return Err(bad(BadResponse::Html));
        }
        Ok((body, content_type.map(str::to_owned)))
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

/// A request with our own headers, and nothing of the client's.
fn request(
    question: &Question<'_>,
    credentials: &Credentials,
    transaction: &str,
) -> Result<Request<Bytes>, Failed> {
    let mut request = Request::get(question.address.clone())
        .header(ACCEPT, question.accept)
        .header("OData-MaxVersion", "4.0")
        .header("Citrix-TransactionId", transaction);
    for (name, value) in &credentials.headers {
        request = request.header(name, value);
    }
    request
        .body(Bytes::new())
        .map_err(|_| Failed::Final(unsendable()))
}

/// A question that cannot be put into a request is refused as upstream would refuse it.
fn unsendable() -> FetchError {
    FetchError::Refused(Refusal {
        status: 400,
        code: None,
        message: Some("the query cannot be sent: it holds characters that a URL does not allow, or leaves the service".to_owned()),
    })
}

/// An error's body larger than this is no message.
const ERROR_BYTES_MAX: usize = 256 * 1024;

/// Parsing takes about two milliseconds for so many bytes. Pages of a thousand rows have half a million.
const CHECKED_IN_PLACE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The longest pause that upstream can put on a lane.
const LANE_PAUSE_MAX: Duration = Duration::from_mins(2);
