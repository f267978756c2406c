//! One request for data, taken apart, and its answer.

use http::header::{ACCEPT, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode};
use percent_encoding::percent_decode_str;

use super::answer::{Library, Page, related, row};
use super::envelope::Envelope;
use super::fault::FaultKind;
use super::model::Model;
use super::moment::Precision;
use super::page::{Detail, Style};
use super::query::{Pairs, Query, QueryError};
use super::reply::Reply;
use super::resource::Resource;
use super::simulator::Inner;
use super::view::View;
use super::{ROOT, csdl};

/// A request for data, taken apart.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) resource: Resource,
    /// The path below the root, decoded.
    path: String,
    asked: Pairs,
    style: Style,
    pub(crate) skip: u64,
    page_size: usize,
    pub(crate) fault: Option<FaultKind>,
    keyed: bool,
}

impl Question {
    pub(crate) fn of(inner: &Inner, request: &Parts) -> Self {
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
                precision: Precision {
                    digits: inner.knobs.shown_digits.map_or(u32::MAX, u32::from),
                    rounds: inner.knobs.round_dates,
                },
            },
            path,
            asked,
            page_size: inner.knobs.page_size.max(1),
            fault: None,
            keyed: inner.knobs.keyed,
        }
    }

    /// Which page of a walk this is; None for what has no pages.
    pub(crate) fn page_number(&self, page_size: usize) -> Option<u64> {
        matches!(self.resource, Resource::Set(_) | Resource::Related(..))
            .then(|| self.skip / page_size.max(1) as u64 + 1)
    }

    /// Whether rows are asked for.
    pub(crate) fn asks_for_rows(&self) -> bool {
        !matches!(
            self.resource,
            Resource::Service | Resource::Metadata | Resource::Unknown
        )
    }

    /// The answer, with what the fault does to it.
    pub(crate) fn reply(&self, library: &Library, view: &View<'_>) -> Reply {
        match &self.fault {
            Some(FaultKind::Unauthorized) => return Reply::unauthorized("ExpiredToken"),
            Some(FaultKind::Forbidden) => return Reply::forbidden(),
            Some(FaultKind::Status {
                status,
                retry_after,
            }) => return Reply::status(*status, *retry_after),
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
            .found(library, view)
            .unwrap_or_else(|error| Reply::bad_request(&error.to_string()));
        self.damaged(reply)
    }

    fn found(&self, library: &Library, view: &View<'_>) -> Result<Reply, QueryError> {
        match &self.resource {
            Resource::Service => Ok(self.odata(csdl::service(&self.style.root))),
            Resource::Metadata => Ok(Reply::odata("application/xml", csdl::document())),
            Resource::Set(table) => {
                let query = Query::parse(&self.asked, table)?;
                let page = library.page(view, table, &query, &self.style, self.rows_allowed())?;
                Ok(self.page(&page))
            }
            Resource::Related(_, _, navigation)
                if self.keyed || self.style.expand_page_size.is_some() =>
            {
                let Some(target) = Model::published().table(navigation.target) else {
                    return Ok(self.not_found());
                };
                let query = Query::parse(&self.asked, target)?;
                let page = related(
                    view,
                    &self.resource,
                    &query,
                    &self.style,
                    self.rows_allowed(),
                );
                Ok(page.map_or_else(|| self.not_found(), |page| self.page(&page)))
            }
            Resource::Row(table, key) if self.keyed => {
                let query = Query::parse(&self.asked, table)?;
                let Some(index) = view.find(table, key) else {
                    return Ok(self.not_found());
                };
                let (row, shown) = row(view, table, index, &query, &self.style);
                Ok(self.entity(table.name(), &row).showing(shown))
            }
            Resource::Count(table) if self.keyed => {
                let query = Query::parse(&self.asked, table)?;
                let count = library.count(view, table, &query);
                Ok(Reply::odata("text/plain", count.to_string()))
            }
            _ => Ok(self.not_found()),
        }
    }

    fn page(&self, page: &Page) -> Reply {
        self.odata(self.envelope().body(page)).showing(page.shown)
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
