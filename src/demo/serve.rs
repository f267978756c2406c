//! The data endpoint: who may ask, how many at once, how long it takes, and what goes wrong.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HOST, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use percent_encoding::percent_decode_str;
use tokio::time::{Instant, sleep_until};

use super::envelope::Envelope;
use super::fault::{Asked, FaultKind};
use super::page::{Detail, Style};
use super::query::{Pairs, Query, QueryError};
use super::reply::Reply;
use super::resource::Resource;
use super::simulator::Inner;
use super::stats::LoggedRequest;
use super::{ROOT, csdl};

/// A request for data, taken apart.
#[derive(Debug)]
struct Question {
    resource: Resource,
    /// The path below the root, decoded.
    path: String,
    asked: Pairs,
    style: Style,
    skip: u64,
    page_size: usize,
    fault: Option<FaultKind>,
    keyed: bool,
}

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
    let Some(slot) = inner.gate.enter(inner.knobs.lanes) else {
        return Reply::throttled(inner.knobs.throttle_shape, inner.knobs.throttle_retry_after);
    };
    if question.fault == Some(FaultKind::Hang) {
        std::future::pending::<()>().await;
    }
    let mut length = inner.knobs.latency;
    length += cost(inner.knobs.skip_cost, question.skip);
    if let Some(FaultKind::Slow(more)) = question.fault {
        length += more;
    }
    let expires = question.fault == Some(FaultKind::ExpireToken);
    let library = Arc::clone(&inner.library);
    let made = tokio::task::spawn_blocking(move || {
        let reply = question.reply(&library);
        if gzip { reply.gzip() } else { reply }
    });
    let reply = made.await.unwrap_or_else(|_| {
        Reply::problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The simulator has a fault of its own.",
            &[],
        )
    });
    if length > Duration::ZERO {
        sleep_until(arrived + length).await;
    }
    if expires {
        inner.tokens.revoke();
    }
    drop(slot);
    reply
}

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

impl Question {
    fn of(inner: &Inner, request: &Parts) -> Self {
        let path = percent_decode_str(request.uri.path()).decode_utf8_lossy();
        let path = path
            .strip_prefix(ROOT)
            .unwrap_or_default()
            .trim_matches('/')
            .to_owned();
        let asked = Pairs::of(request.uri.query().unwrap_or_default());
        let position = asked.value("$skip").or_else(|| asked.value("$skiptoken"));
        Self {
            resource: Resource::of(&path),
            skip: position
                .and_then(|skip| skip.trim().parse().ok())
                .unwrap_or(0),
            style: Style {
                root: format!("{}{ROOT}", origin(request)),
                detail: detail(&request.headers),
                expand_page_size: inner.knobs.expand_page_size,
            },
            path,
            asked,
            page_size: inner.knobs.page_size.max(1),
            fault: None,
            keyed: inner.knobs.keyed,
        }
    }

    /// Which page of a walk this is; None for what has no pages.
    fn page_number(&self, page_size: usize) -> Option<u64> {
        matches!(self.resource, Resource::Set(_) | Resource::Related(..))
            .then(|| self.skip / page_size.max(1) as u64 + 1)
    }

    fn reply(&self, library: &super::answer::Library) -> Reply {
        match &self.fault {
            Some(FaultKind::Unauthorized) => return Reply::unauthorized("ExpiredToken"),
            Some(FaultKind::Forbidden) => return Reply::forbidden(),
            Some(FaultKind::Status {
                status,
                retry_after,
            }) => return status_reply(*status, *retry_after),
            Some(FaultKind::Html) => {
                return Reply::new(
                    StatusCode::OK,
                    "text/html; charset=utf-8",
                    "<html><body>Maintenance</body></html>",
                );
            }
            _ => {}
        }
        let reply = self
            .found(library)
            .unwrap_or_else(|error| Reply::bad_request(&error.to_string()));
        self.damaged(reply)
    }

    fn found(&self, library: &super::answer::Library) -> Result<Reply, QueryError> {
        match &self.resource {
            Resource::Service => Ok(self.odata(csdl::service(&self.style.root))),
            Resource::Metadata => Ok(Reply::odata("application/xml", csdl::document())),
            Resource::Set(table) => {
                let query = Query::parse(&self.asked, table)?;
                let page = library.page(table, &query, &self.style, self.rows_allowed())?;
                Ok(self.odata(self.envelope().body(&page)))
            }
            Resource::Related(_, _, navigation)
                if self.keyed || self.style.expand_page_size.is_some() =>
            {
                let Some(target) = super::model::Model::published().table(navigation.target) else {
                    return Ok(self.not_found());
                };
                let query = Query::parse(&self.asked, target)?;
                let page =
                    library.related(&self.resource, &query, &self.style, self.rows_allowed());
                Ok(page.map_or_else(
                    || self.not_found(),
                    |page| self.odata(self.envelope().body(&page)),
                ))
            }
            Resource::Row(table, key) if self.keyed => {
                let query = Query::parse(&self.asked, table)?;
                let Some(index) = library.estate.find(table, key) else {
                    return Ok(self.not_found());
                };
                Ok(self.entity(
                    table.name(),
                    &library.row(table, index, &query, &self.style),
                ))
            }
            Resource::Count(table) if self.keyed => {
                let query = Query::parse(&self.asked, table)?;
                let rows = library.searches.rows(&library.estate, table, &query);
                Ok(Reply::odata("text/plain", rows.count().to_string()))
            }
            _ => Ok(self.not_found()),
        }
    }

    fn envelope(&self) -> Envelope<'_> {
        Envelope {
            style: &self.style,
            path: &self.path,
            asked: &self.asked,
            skip: self.skip,
            fault: self.fault.as_ref(),
        }
    }

    fn rows_allowed(&self) -> usize {
        match self.fault {
            Some(FaultKind::EmptyPage) => 0,
            Some(FaultKind::ShortPage { rows }) => rows.min(self.page_size),
            _ => self.page_size,
        }
    }

    fn entity(&self, set: &str, row: &[u8]) -> Reply {
        let mut body = Vec::from(*b"{");
        if self.style.detail != Detail::None {
            let context = format!("{}/$metadata#{set}/$entity", self.style.root);
            body.extend_from_slice(
                format!("\"@odata.context\":{},", serde_json::Value::from(context)).as_bytes(),
            );
        }
        body.extend_from_slice(row.get(1..).unwrap_or_default());
        self.odata(body)
    }

    fn odata(&self, body: impl Into<Vec<u8>>) -> Reply {
        Reply::odata(
            match self.style.detail {
                Detail::None => "application/json; odata.metadata=none",
                Detail::Minimal => "application/json; odata.metadata=minimal",
                Detail::Full => "application/json; odata.metadata=full",
            },
            body,
        )
    }

    fn not_found(&self) -> Reply {
        Reply::not_found(&self.path)
    }

    /// What a fault does to a finished body.
    fn damaged(&self, mut reply: Reply) -> Reply {
        match self.fault {
            Some(FaultKind::CutBody { after_bytes }) => reply.cut = Some(after_bytes),
            Some(FaultKind::CutClean { after_bytes }) => reply.body.truncate(after_bytes),
            Some(FaultKind::Malformed) => {
                if let Some(last) = reply.body.last_mut() {
                    *last = b',';
                }
            }
            _ => {}
        }
        reply
    }
}

/// A status by number, as a problem form.
pub(crate) fn status_reply(status: u16, retry_after: Option<u64>) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = status.canonical_reason().unwrap_or("Unknown");
    Reply::problem(status, "unexpected", reason, &[]).retry_after(retry_after)
}

/// Scheme and host, as the client sees them.
fn origin(request: &Parts) -> String {
    let header = |name: HeaderName| {
        request
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let host = header(HOST)
        .or_else(|| request.uri.authority().map(http::uri::Authority::as_str))
        .unwrap_or("localhost");
    let scheme = header(HeaderName::from_static("x-forwarded-proto")).unwrap_or("http");
    format!("{scheme}://{host}")
}

fn detail(headers: &HeaderMap) -> Detail {
    let accept = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    if accept.contains("odata.metadata=none") {
        Detail::None
    } else if accept.contains("odata.metadata=full") {
        Detail::Full
    } else {
        Detail::Minimal
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"))
}

fn cost(each: Duration, rows: u64) -> Duration {
    each.saturating_mul(u32::try_from(rows).unwrap_or(u32::MAX))
}
