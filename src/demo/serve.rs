//! The data endpoint: who may ask, how many at once, how long it takes, and what goes wrong.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use tokio::time::{Instant, sleep_until};

use super::effort::Effort;
use super::fault::{Asked, FaultKind};
use super::gate::Stranger;
use super::question::Question;
use super::reply::Reply;
use super::simulator::Inner;
use super::stats::LoggedRequest;

/// Answers anything below the service root.
pub(crate) async fn data(inner: Arc<Inner>, request: Request) -> Response {
    let arrived = Instant::now();
    inner.counters.count(|stats| stats.data_requests += 1);
    let (request, _) = request.into_parts();
    let gzip = inner.knobs.gzip && accepts_gzip(&request.headers);
    let logged = LoggedRequest {
        method: request.method.to_string(),
        path: request
            .uri
            .path_and_query()
            .map_or(String::new(), ToString::to_string),
        status: 0,
    };
    let reply = answer(&inner, &request, arrived, gzip).await;
    inner.counters.answered(LoggedRequest {
        status: reply.status.as_u16(),
        ..logged
    });
    reply.into_response()
}

async fn answer(inner: &Arc<Inner>, request: &Parts, arrived: Instant, gzip: bool) -> Reply {
    if request.method != Method::GET {
        return Reply::method_not_allowed();
    }
    if let Err(refusal) = admit(inner, &request.headers) {
        return refusal;
    }
    let mut question = Question::of(inner, request);
    question.fault = inner.strike(Asked {
        resource: question.resource.name(),
        page: question.page_number(inner.knobs.page_size),
    });
    if let Some(FaultKind::Throttled { retry_after, shape }) = &question.fault {
        return Reply::throttled(shape.unwrap_or(inner.knobs.throttle_shape), *retry_after);
    }
    let Some(slot) = inner
        .gate
        .enter(inner.knobs.lanes, Stranger::of(&inner.knobs), arrived)
    else {
        return Reply::throttled(inner.knobs.throttle_shape, inner.knobs.throttle_retry_after);
    };
    if question.fault == Some(FaultKind::Hang) {
        std::future::pending::<()>().await;
    }
    let effort = Effort::of(&inner.knobs, &question);
    let expires = question.fault == Some(FaultKind::ExpireToken);
    let set = question.asks_for_rows().then(|| question.resource.name());
    let library = Arc::clone(&inner.library);
    let waiting = if set.is_some() {
        library.arrivals.next()
    } else {
        library.arrivals.now()
    };
    let made = tokio::task::spawn_blocking(move || {
        let reply = question.reply(&library, &library.view(waiting));
        let (reply, length) = effort.of_reply(reply);
        (if gzip { reply.gzip() } else { reply }, length)
    });
    let (reply, length) = made.await.unwrap_or_else(|_| {
        let reply = Reply::problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The simulator has a fault of its own.",
            &[],
        );
        (reply, Duration::ZERO)
    });
    if length > Duration::ZERO {
        wait_until(arrived + length).await;
    }
    if expires {
        inner.tokens.revoke();
    }
    drop(slot);
    if let Some(set) = set
        && reply.status == StatusCode::OK
    {
        inner
            .counters
            .count(|stats| *stats.queries_by_set.entry(set).or_default() += 1);
    }
    reply
}

/// Waits to the moment, not to the millisecond behind it: tokio's timers tick in milliseconds and ring late, by
/// one on average, which is much when a page takes twenty. The last bit is waited for awake, in real time.
async fn wait_until(deadline: Instant) {
    sleep_until(deadline - TICK).await;
    let rest = deadline.saturating_duration_since(Instant::now());
    if rest >= TICK {
        return sleep_until(deadline).await;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "paused time would never pass here"
    )]
    let began = std::time::Instant::now();
    while began.elapsed() < rest {
        tokio::task::yield_now().await;
    }
}

const TICK: Duration = Duration::from_millis(1);

/// Checks token, customer and user agent.
fn admit(inner: &Inner, headers: &HeaderMap) -> Result<(), Reply> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let token = text(AUTHORIZATION)
        .and_then(bearer)
        .ok_or_else(|| Reply::unauthorized("MissingToken"))?;
    if !inner.tokens.good(token, inner.clock.now()) {
        return Err(Reply::unauthorized("InvalidToken"));
    }
    match text(HeaderName::from_static("citrix-customerid")) {
        None => Err(Reply::unauthorized("MissingCustomer")),
        Some(customer) if !customer.eq_ignore_ascii_case(&inner.knobs.customer_id) => {
            Err(Reply::forbidden())
        }
        Some(_) if text(USER_AGENT).is_none_or(str::is_empty) => Err(Reply::forbidden()),
        Some(_) => Ok(()),
    }
}

/// The token in `CwsAuth Bearer=<token>`, whatever the case of the words.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, rest) = header.split_once(' ')?;
    let (kind, token) = rest.trim_start().split_once('=')?;
    let right = scheme.eq_ignore_ascii_case("CwsAuth") && kind.eq_ignore_ascii_case("Bearer");
    right.then_some(token.trim())
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"))
}
