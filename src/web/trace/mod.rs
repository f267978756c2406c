//! One line and one count a request, when it is over: the last byte of its body is out, or the connection was
//! cut, or the client went away. Never values of a query, never headers.

mod line;
mod span;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, header};
use http_body::{Frame, SizeHint};
use tracing::Span;

use self::line::Line;
use super::metrics::Metrics;
use super::no_body::no_body;
use super::notes::Notes;
use super::request_id::RequestId;
use crate::journal::{Ended, Journal};
use crate::telemetry::continues;

/// Watches a request to its end. A client that goes away before there is an answer drops it.
#[derive(Debug)]
pub(crate) struct Watch {
    line: Line,
    is_head: bool,
}

impl Watch {
    /// A request has come.
    pub(crate) fn begin(
        id: RequestId,
        method: &Method,
        metrics: &Arc<Metrics>,
        journal: &Journal,
    ) -> Self {
        Self {
            line: Line::begin(id, method, Arc::clone(metrics), journal.clone()),
            is_head: method == Method::HEAD,
        }
    }

    /// Where its handler writes down what it learns.
    pub(crate) fn notes(&self) -> &Notes {
        self.line.notes()
    }

    /// Its span, for traces, as a part of the client's trace if `headers` name one. What is done for it has to be done
    /// within this span.
    pub(crate) fn span(&self, headers: &HeaderMap) -> Span {
        continues(&self.line.span, headers);
        self.line.span.clone()
    }

    /// It has this answer, whose body is watched from now on.
    pub(crate) fn over(self, response: Response) -> Response {
        let Self { mut line, is_head } = self;
        line.status = Some(response.status().as_u16());
        if is_head {
            line.ended = Ended::Complete;
            return without_body(response);
        }
        let len = content_length(response.headers());
        response.map(|inner| Body::new(WatchedBody { inner, len, line }))
    }
}

/// The headers of a GET, and nothing else.
fn without_body(mut response: Response) -> Response {
    let len = http_body::Body::size_hint(response.body()).exact();
    if let Some(len) = len {
        let headers = response.headers_mut();
        headers.entry(header::CONTENT_LENGTH).or_insert(len.into());
    }
    response.map(|_| no_body())
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?;
    text.parse().ok()
}

/// A body that says how it ended.
struct WatchedBody {
    inner: Body,
    /// `Content-Length`: after so many bytes nobody asks for the end.
    len: Option<u64>,
    line: Line,
}

impl http_body::Body for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { inner, line, .. } = &mut *self;
        // A batch asks while its body is read.
        let frame = line.span.in_scope(|| Pin::new(inner).poll_frame(cx));
        let frame = ready!(frame);
        match &frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.line.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
                if self.len == Some(self.line.bytes) {
                    self.line.ended = Ended::Complete;
                }
            }
            Some(Err(error)) => self.line.cut(error),
            None => self.line.ended = Ended::Complete,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An empty body is complete without being asked for.
impl Drop for WatchedBody {
    fn drop(&mut self) {
        if self.line.ended == Ended::ClientGone && http_body::Body::is_end_stream(&self.inner) {
            self.line.ended = Ended::Complete;
        }
    }
}

#[cfg(test)]
mod tests;
