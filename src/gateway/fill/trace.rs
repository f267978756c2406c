//! The span of a fill, for traces: below the request that began it, and linked to those that join it.

use tracing::Span;
use tracing::field::Empty;

use crate::cache::{CacheKey, Progress, Way};
use crate::gateway::{AnswerError, SharedError};
use crate::odata::shape::shape;
use crate::telemetry::{TRACES, belongs_here};

/// A fill for `key` begins where this is called; `what` is its question in a word. Disabled unless traces are on.
pub(in crate::gateway) fn begin(key: &CacheKey, what: &str, progress: &Progress) -> Span {
    // It may outlive its request, whose span must not wait for it.
    let span = tracing::trace_span!(
        target: TRACES,
        parent: None,
        "fill",
        otel.name = %format_args!("fill {what}"),
        otel.kind = "internal",
        otel.status_code = Empty,
        error.type = Empty,
        site = %key.site(),
        odata.shape = shape(key.question()),
        rows = Empty,
        upstream.pages = Empty,
        upstream.way = Empty,
        ended = Empty,
    );
    belongs_here(&span);
    if let Some(id) = span.id() {
        progress.set_span(id);
    }
    span
}

/// The fill whose span is the current one is over. One that stops because nobody waits for it any more does not come
/// here, and says nothing of its end.
pub(super) fn end(progress: &Progress, end: &Result<(), SharedError>) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    span.record("rows", progress.rows());
    span.record("upstream.pages", progress.pages());
    span.record("upstream.way", progress.way().map(Way::as_str));
    match end {
        Ok(()) => {
            span.record("ended", "complete");
        }
        Err(error) => {
            span.record("ended", "failed");
            // What upstream refuses is the client's matter.
            if AnswerError::is_trouble(error) {
                span.record("otel.status_code", "ERROR");
                span.record("error.type", "upstream");
            }
        }
    }
}

/// Links the current span, that of a request, to the fill that it joins.
pub(in crate::gateway) fn join(progress: &Progress) {
    if let Some(fill) = progress.span() {
        Span::current().follows_from(fill);
    }
}
