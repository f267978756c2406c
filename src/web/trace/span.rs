//! The span of one request, for traces. What it says is what the line says, as far as it may leave the machine: no name of
//! an access key, no text of an error, no address of a client.

use std::borrow::Cow;
use std::fmt;

use tracing::Span;
use tracing::field::{Empty, display};

use super::line::Line;
use crate::gateway::Way;
use crate::journal::Ended;
use crate::odata::question::Resource;
use crate::telemetry::{TRACES, named};
use crate::web::notes::{Facts, Place, Tally};
use crate::web::request_id::RequestId;

/// A request has come. Disabled unless traces are on.
pub(super) fn begin(id: RequestId, method: &'static str) -> Span {
    tracing::trace_span!(
        target: TRACES,
        "request",
        otel.name = method,
        otel.kind = "server",
        otel.status_code = Empty,
        error.type = Empty,
        http.request.method = if method == "OTHER" { "_OTHER" } else { method },
        http.response.status_code = Empty,
        request.id = %id,
        site = Empty,
        odata.shape = Empty,
        cache.outcome = Empty,
        cache.age = Empty,
        batch.requests = Empty,
        batch.failed = Empty,
        rows = Empty,
        upstream.pages = Empty,
        upstream.way = Empty,
        body_bytes = Empty,
        ended = Empty,
    )
}

/// The request is over; the span ends when it is dropped.
pub(super) fn end(span: &Span, line: &Line, facts: &Facts, shape: Option<&str>) {
    if span.is_disabled() {
        return;
    }
    if let Some(place) = &facts.place {
        named(span, &Name(line.method(), place));
    }
    if let Some(error) = error_type(line.status, line.ended) {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", &*error);
    }
    let (pages, _) = facts.upstream.totals();
    span.record("http.response.status_code", line.status);
    span.record("site", facts.site.as_ref().map(display));
    span.record("odata.shape", shape);
    span.record("cache.outcome", facts.outcome);
    span.record("cache.age", facts.age.map(|age| age.as_secs()));
    if let Some(tally) = &facts.tally {
        span.record("batch.requests", tally.requests);
        span.record("batch.failed", Tally::failed(tally));
    }
    span.record("rows", facts.rows);
    span.record("upstream.pages", pages);
    span.record("upstream.way", facts.upstream.way().map(Way::as_str));
    span.record("body_bytes", line.bytes);
    span.record("ended", line.ended.as_str());
}

/// What is wrong with an answer of this status that ended like this, in few words. What is the client's matter is no error
/// of a server.
fn error_type(status: Option<u16>, ended: Ended) -> Option<Cow<'static, str>> {
    match (ended, status) {
        (Ended::Cut, _) => Some("cut".into()),
        (_, Some(status @ 500..)) => Some(status.to_string().into()),
        _ => None,
    }
}

/// A method and what it asked for, as a name that many requests share.
struct Name<'a>(&'static str, &'a Place);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(method, place) = self;
        f.write_str(method)?;
        match place {
            Place::Question(reading) => match (reading.question.set(), reading.question.resource())
            {
                (Some(set), _) => write!(f, " {set}"),
                (None, Resource::Metadata) => f.write_str(" $metadata"),
                (None, _) => Ok(()),
            },
            Place::Batch => f.write_str(" $batch"),
            Place::Operator(path) => write!(f, " {path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::odata::question::Question;

    #[test]
    fn what_a_server_did_wrong_is_an_error() {
        for (status, ended, expected) in [
            (Some(200), Ended::Complete, None),
            (Some(200), Ended::Cut, Some("cut")),
            (Some(404), Ended::Complete, None),
            (Some(503), Ended::Complete, Some("503")),
            (Some(503), Ended::ClientGone, Some("503")),
            (None, Ended::ClientGone, None),
            (None, Ended::Cut, Some("cut")),
        ] {
            let found = error_type(status, ended);
            assert_eq!(found.as_deref(), expected, "{status:?} {ended:?}");
        }
    }

    #[test]
    fn names_hold_no_values() {
        let question = |path: &str| {
            let question = Question::parse(path, Some("$filter=UserName eq 'Smith'"));
            Place::Question(Arc::new(question.unwrap().into()))
        };
        for (place, expected) in [
            (question("Users"), "GET Users"),
            (question("Users(7)/Sessions"), "GET Users"),
            (question("$metadata"), "GET $metadata"),
            (Place::Batch, "GET $batch"),
            (Place::Operator("/api/status"), "GET /api/status"),
        ] {
            assert_eq!(Name("GET", &place).to_string(), expected);
        }
    }
}
