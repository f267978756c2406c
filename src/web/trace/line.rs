//! The line of one request. It is written when it is dropped, so that no way to end is forgotten.

use std::sync::Arc;

use http::Method;
use tokio::time::Instant;

use crate::gateway::Way;
use crate::telemetry::chain;
use crate::web::metrics::{Finished, Metrics};
use crate::web::notes::{Facts, Notes, Place, Tally};
use crate::web::request_id::RequestId;

/// What is known of a request that is under way.
#[derive(Debug)]
pub(super) struct Line {
    /// Its status, once it has one.
    pub status: Option<u16>,
    /// Bytes of its body so far, as encoded.
    pub bytes: u64,
    /// How it ended, if it ended now.
    pub ended: Ended,
    id: RequestId,
    method: &'static str,
    began: Instant,
    notes: Notes,
    metrics: Arc<Metrics>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// All of its body was sent.
    Complete,
    /// Its answer could not be completed, and the connection was cut.
    Cut,
    /// The client did not wait for the end. Until a request ends otherwise, this is how it would end.
    ClientGone,
}

impl Line {
    /// A request has come.
    pub(super) fn begin(id: RequestId, method: &Method, metrics: Arc<Metrics>) -> Self {
        Self {
            status: None,
            bytes: 0,
            ended: Ended::ClientGone,
            id,
            method: known(method),
            began: Instant::now(),
            notes: Notes::default(),
            metrics,
        }
    }

    /// What is learned of it.
    pub(super) fn notes(&self) -> &Notes {
        &self.notes
    }

    /// The body ends with an error. The transport's own wrapper around it is not worth a word.
    pub(super) fn cut(&mut self, error: &axum::Error) {
        self.ended = Ended::Cut;
        self.notes.facts().error = Some(chain(error));
    }

    fn write(&self, facts: &Facts) {
        let is_wanted = match self.ended {
            Ended::Cut => tracing::enabled!(tracing::Level::WARN),
            Ended::Complete | Ended::ClientGone => tracing::enabled!(tracing::Level::INFO),
        };
        if !is_wanted {
            return;
        }
        let (pages, time) = facts.upstream.totals();
        let shape = facts.place.as_ref().map(Place::shape);
        let place = match shape.as_deref() {
            Some("") => "(service document)",
            Some(shape) => shape,
            None => "-",
        };
        let status = self
            .status
            .map_or_else(|| "-".to_owned(), |s| s.to_string());
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request.id = tracing::field::display(self.id),
                    method = self.method,
                    site = facts.site.as_ref().map(tracing::field::display),
                    odata.shape = place,
                    status = self.status,
                    cache.outcome = facts.outcome,
                    cache.age = facts.age.map(|age| age.as_secs()),
                    batch.requests = facts.tally.as_ref().map(|tally| tally.requests),
                    batch.failed = facts.tally.as_ref().map(Tally::failed),
                    rows = facts.rows,
                    upstream.pages = pages,
                    upstream.ms = millis(time),
                    upstream.way = facts.upstream.way().map(Way::as_str),
                    body_bytes = self.bytes,
                    duration_ms = millis(self.began.elapsed()),
                    ended = self.ended.as_str(),
                    error = facts.error.as_deref(),
                    "{} {place} {status} {}",
                    self.method,
                    self.ended.as_str(),
                )
            };
        }
        if self.ended == Ended::Cut {
            line!(warn);
        } else {
            line!(info);
        }
    }

    fn count(&self, facts: &Facts) {
        self.metrics.count(&Finished {
            outcome: facts.outcome.unwrap_or("none"),
            status: self.status,
            age: facts.age,
            duration: self.began.elapsed(),
            bytes: self.bytes,
            rows: facts.rows,
            cut: self.ended == Ended::Cut,
        });
        for (&(outcome, status), &count) in facts.tally.iter().flat_map(|tally| &tally.answered) {
            self.metrics.count_in_batch(outcome, status, count);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.ended = Ended::Cut;
        }
        let facts = self.notes.facts();
        self.write(&facts);
        self.count(&facts);
    }
}

impl Ended {
    fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Cut => "cut",
            Self::ClientGone => "client-gone",
        }
    }
}

/// Methods that clients invent are not worth a log entry of their own.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "OTHER",
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
