//! The line and the count of a request, whatever becomes of its body.

use std::io::{self, Write};
use std::sync::Mutex;

use axum::response::IntoResponse;
use futures_util::stream;
use http::StatusCode;
use http_body_util::BodyExt;
use prometheus_client::registry::Registry;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::cache::{Content, Entry, Progress, Way};
use crate::gateway::{Answer, AnswerBody, AnswerError, Outcome};
use crate::odata::neutral::NeutralText;
use crate::odata::question::Question;
use crate::web::notes::{Place, Tally, Upstream};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// `/whole` and `/cut` send rows; `/root` notes that it is the service document, `/walked` how pages were walked;
/// `/batch` that it held three requests and came to two; `/stale` that it gives a stale answer because no new one can be had; `/never` does not answer.
async fn answer(path: &str, notes: &Notes) -> Response {
    let body = |end: Option<&'static str>| {
        let error = end.map(io::Error::other).map(Err);
        let chunks = [Ok("[1"), Ok(",2]")].into_iter().chain(error);
        Response::new(Body::from_stream(stream::iter(chunks)))
    };
    match path {
        "/whole" => return body(None),
        "/cut" => return body(Some("upstream is away")),
        "/root" => {
            let question = Arc::new(Question::service_document().into());
            notes.facts().place = Some(Place::Question(question));
        }
        "/walked" => {
            let progress = Progress::new();
            progress.set_way(Way::Range);
            notes.facts().upstream = Upstream::Working(Arc::new(progress));
        }
        "/batch" => batch(notes),
        "/stale" => stale(notes),
        "/never" => std::future::pending().await,
        _ => return StatusCode::NOT_FOUND.into_response(),
    }
    Response::default()
}

/// A request that is watched.
async fn watched(method: Method, path: &str) -> Response {
    let metrics = Arc::new(Metrics::new(&mut Registry::default()));
    let journal = Journal::new(crate::clock::SystemClock::shared());
    let watch = Watch::begin(RequestId::next(), &method, &metrics, &journal);
    let response = answer(path, watch.notes()).await;
    watch.over(response)
}

fn batch(notes: &Notes) {
    notes.facts().place = Some(Place::Batch);
    notes.facts().tally = Some(Tally::of(3));
    for (status, error) in [(200, None), (404, Some("no such set"))] {
        let own = Notes::default();
        own.add_rows(5);
        own.facts().error = error.map(str::to_owned);
        notes.absorb(&own, Some(status));
    }
}

fn stale(notes: &Notes) {
    let seconds = std::time::Duration::from_secs;
    let (at, text) = (jiff::Timestamp::UNIX_EPOCH, NeutralText::new());
    notes.answered(&Answer {
        content: Content::Text,
        outcome: Outcome::StaleIfError {
            age: seconds(1300),
            over: seconds(1000),
            error: AnswerError::Interrupted.into(),
            asked: true,
        },
        way: None,
        page_size: None,
        body: AnswerBody::Stored(Arc::new(Entry::of(Content::Text, at, &text, 0))),
    });
}

/// The log after `frames` frames of the body of `path` were read.
async fn logged(method: Method, path: &str, frames: usize) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .without_time()
        .with_writer(log.clone())
        .finish();
    // With a single dispatcher, tracing lets whichever thread comes first decide for all whether a line is
    // wanted; a second one makes it ask all.
    let second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let guard = tracing::subscriber::set_default(subscriber);
    let call = watched(method, path);
    if let Ok(response) = tokio::time::timeout(std::time::Duration::from_secs(9), call).await {
        let mut body = response.into_body();
        for _ in 0..frames {
            let _ = body.frame().await;
        }
    }
    drop((guard, second));
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    text
}

#[tokio::test(start_paused = true)]
async fn every_end_has_one_line() {
    for (method, path, frames, expected) in [
        (
            Method::GET,
            "/whole",
            3,
            "\"body_bytes\":5,\"duration_ms\":0,\"ended\":\"complete\"",
        ),
        (
            Method::GET,
            "/whole",
            1,
            "\"body_bytes\":2,\"duration_ms\":0,\"ended\":\"client-gone\"",
        ),
        (
            Method::GET,
            "/cut",
            3,
            "\"ended\":\"cut\",\"error\":\"upstream is away\"",
        ),
        (
            Method::GET,
            "/never",
            0,
            "\"duration_ms\":9000,\"ended\":\"client-gone\"",
        ),
        (
            Method::HEAD,
            "/whole",
            0,
            "\"body_bytes\":0,\"duration_ms\":0,\"ended\":\"complete\"",
        ),
        (
            Method::GET,
            "/root",
            0,
            "\"message\":\"GET (service document) 200 complete\"",
        ),
        (
            Method::GET,
            "/walked",
            0,
            "\"upstream.ms\":0,\"upstream.way\":\"range\"",
        ),
        (
            Method::GET,
            "/stale",
            0,
            "\"cache.outcome\":\"stale-if-error\",\"cache.age\":1300",
        ),
        (
            Method::GET,
            "/stale",
            0,
            "\"ended\":\"complete\",\"error\":\"interrupted, because",
        ),
        (Method::GET, "/nothing", 0, "\"status\":404"),
        (Method::GET, "/nothing", 0, "\"ended\":\"complete\""),
    ] {
        let line = logged(method, path, frames).await;
        assert!(line.contains(expected), "{path}: {line}");
        let level = if path == "/cut" { "WARN" } else { "INFO" };
        assert!(line.contains(level), "{path}: {line}");
        assert!(line.contains("\"request.id\":\""), "{path}: {line}");
    }
}

/// What is in the journal after `frames` frames of the body of `path` were read.
async fn journaled(method: Method, path: &str, place: Option<Place>, frames: usize) -> Vec<String> {
    let metrics = Arc::new(Metrics::new(&mut Registry::default()));
    let journal = Journal::new(crate::clock::SystemClock::shared());
    let watch = Watch::begin(RequestId::next(), &method, &metrics, &journal);
    watch.notes().facts().place = place;
    let response = answer(path, watch.notes()).await;
    let mut body = watch.over(response).into_body();
    for _ in 0..frames {
        let _ = body.frame().await;
    }
    drop(body);
    let written = journal.latest().into_iter().map(|written| {
        let finished = written.finished;
        format!(
            "{} {} {} bytes, {}, {}",
            finished.method,
            finished.shape.as_deref().unwrap_or("-"),
            finished.bytes,
            finished.ended.as_str(),
            finished.error.as_deref().unwrap_or("-"),
        )
    });
    written.collect()
}

#[tokio::test(start_paused = true)]
async fn every_end_is_in_the_journal_but_those_of_an_operators_looks() {
    let question = Question::parse("Users", Some("$filter=UserName eq 'Smith'")).unwrap();
    let question = || Some(Place::Question(Arc::new(question.clone().into())));
    let operator = || Some(Place::Operator("/api/cache/purge"));
    for (method, path, place, frames, expected) in [
        (
            Method::GET,
            "/whole",
            question(),
            3,
            &["GET Users?$filter=UserName eq ? 5 bytes, complete, -"][..],
        ),
        (
            Method::GET,
            "/whole",
            None,
            1,
            &["GET - 2 bytes, client-gone, -"],
        ),
        (
            Method::GET,
            "/cut",
            None,
            3,
            &["GET - 5 bytes, cut, upstream is away"],
        ),
        (Method::GET, "/whole", operator(), 3, &[]),
        (Method::HEAD, "/whole", operator(), 3, &[]),
        (
            Method::POST,
            "/whole",
            operator(),
            3,
            &["POST /api/cache/purge 5 bytes, complete, -"],
        ),
    ] {
        let found = journaled(method, path, place, frames).await;
        assert_eq!(found, expected, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_says_what_became_of_its_requests() {
    let line = logged(Method::POST, "/batch", 0).await;
    for expected in [
        "\"odata.shape\":\"$batch\",\"status\":200,\"batch.requests\":3,\"batch.failed\":1,\"rows\":10",
        "\"error\":\"no such set\"",
    ] {
        assert!(line.contains(expected), "{line}");
    }
}
