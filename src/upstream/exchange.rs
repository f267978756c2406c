//! One attempt: a token, a request with our own headers, a whole response.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, StatusCode, Uri};

use super::body::{Unread, is_html, read_whole};
use super::retry::Failure;
use super::verdict::{Failed, Passing, bad, judge, no_token};
use super::{BadResponse, FetchError, Refusal, RetryBudget, Upstream, trace};
use crate::auth::Credentials;

/// What is sent: the same in each attempt.
pub(super) struct Question<'a> {
    pub(super) address: Uri,
    pub(super) accept: &'a str,
}

impl Upstream {
    /// One attempt: a token, a request, a whole body of status 200.
    pub(super) async fn try_once(
        &self,
        question: &Question<'_>,
        transaction: &str,
        budget: &RetryBudget,
    ) -> Result<(Bytes, Option<String>), Failed> {
        let inner = &*self.inner;
        let credentials = inner.authorizer.credentials().await;
        let credentials = credentials.map_err(|error| no_token(&error, budget.ledger()))?;
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
        trace::answered(head.status);
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
        trace::received(body.len());
        if is_html(content_type, &body) {
            return Err(bad(BadResponse::Html));
        }
        Ok((body, content_type.map(str::to_owned)))
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
pub(super) fn unsendable() -> FetchError {
    FetchError::Refused(Refusal {
        status: 400,
        code: None,
        message: Some("the query cannot be sent: it holds characters that a URL does not allow, or leaves the service".to_owned()),
    })
}

/// An error's body larger than this is no message.
const ERROR_BYTES_MAX: usize = 256 * 1024;
