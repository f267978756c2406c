//! The line of one request. It is written when it is dropped, so that no way to end is forgotten.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::time::Instant;
use tracing::Span;

use super::span;
use crate::gateway::Way;
use crate::journal::{self, Ended, Journal};
use crate::odata::name::{EntitySet, SiteId};
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
    /// How it ended, if it ended now. Until a request ends otherwise, its client would be gone.
    pub ended: Ended,
    /// The same for traces; it ends with the line.
    pub span: Span,
    id: RequestId,
    method: &'static str,
    began: Instant,
    notes: Notes,
    metrics: Arc<Metrics>,
    journal: Journal,
}

impl Line {
    /// A request has come.
    pub(super) fn begin(
        id: RequestId,
        method: &Method,
        metrics: Arc<Metrics>,
        journal: Journal,
    ) -> Self {
        let method = known(method);
        Self {
            status: None,
            bytes: 0,
            ended: Ended::ClientGone,
            span: span::begin(id, method),
            id,
            method,
            began: Instant::now(),
            notes: Notes::default(),
            metrics,
            journal,
        }
    }

    /// What is learned of it.
    pub(super) fn notes(&self) -> &Notes {
        &self.notes
    }

    /// The request's method; `OTHER` for those that nobody knows.
    pub(super) fn method(&self) -> &'static str {
        self.method
    }

    /// The body ends with an error. The transport's own wrapper around it is not worth a word.
    pub(super) fn cut(&mut self, error: &axum::Error) {
        self.ended = Ended::Cut;
        self.notes.facts().error = Some(chain(error));
    }

    fn write(&self, facts: &Facts, shape: Option<&str>, duration: Duration) {
        let is_wanted = match self.ended {
            Ended::Cut => tracing::enabled!(tracing::Level::WARN),
            Ended::Complete | Ended::ClientGone => tracing::enabled!(tracing::Level::INFO),
        };
        if !is_wanted {
            return;
        }
        let (pages, time) = facts.upstream.totals();
        let place = match shape {
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
                    access.key = facts.key.as_deref(),
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
                    duration_ms = millis(duration),
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

    fn count(&self, facts: &Facts, duration: Duration) {
        self.metrics.count(&Finished {
            outcome: facts.outcome.unwrap_or("none"),
            status: self.status,
            age: facts.age,
            duration,
            bytes: self.bytes,
            rows: facts.rows,
            cut: self.ended == Ended::Cut,
        });
        for (&(outcome, status), &count) in facts.tally.iter().flat_map(|tally| &tally.answered) {
            self.metrics.count_in_batch(outcome, status, count);
        }
    }

    /// For people who look at what just happened. Their looking is left out: it would soon be all there is.
    fn keep(&self, facts: &Facts, shape: Option<Arc<str>>, duration: Duration) {
        let question = match &facts.place {
            Some(Place::Operator(_)) if matches!(self.method, "GET" | "HEAD") => return,
            Some(Place::Batch | Place::Operator(_)) | None => None,
            Some(Place::Question(reading)) => Some(&reading.question),
        };
        let set = question.and_then(|question| question.set());
        self.journal.write(journal::Finished {
            method: self.method,
            shape,
            is_question: question.is_some(),
            site: facts.site.as_ref().map(SiteId::shared),
            set: set.map(EntitySet::shared),
            status: self.status,
            outcome: facts.outcome,
            from_cache: facts.from_cache,
            rows: facts.rows,
            bytes: self.bytes,
            duration,
            ended: self.ended,
            error: facts.error.clone(),
        });
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.ended = Ended::Cut;
        }
        let facts = self.notes.facts();
        let shape = facts.place.as_ref().map(Place::shape);
        let duration = self.began.elapsed();
        self.write(&facts, shape.as_deref(), duration);
        span::end(&self.span, self, &facts, shape.as_deref());
        self.count(&facts, duration);
        self.keep(&facts, shape, duration);
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

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
