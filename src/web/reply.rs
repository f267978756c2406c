//! From an answer to a response: status, headers, conditional requests.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header, request};

use super::body::Parts;
use super::conditional;
use super::encoding::{Coding, Encoded};
use super::frames;
use super::no_body::no_body;
use super::notes::Notes;
use super::problem::Problem;
use super::ready::ready;
use super::whole::{WHOLE_BYTES_MAX, whole};
use super::wishes::PageSizeWish;
use crate::cache::Content;
use crate::gateway::{Answer, AnswerBody};
use crate::odata::representation::Representation;

/// What of a request shapes its reply.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// Its method, version and headers.
    pub request: &'a request::Parts,
    /// Its preference for pages.
    pub page_size: Option<PageSizeWish>,
    /// The service root for links.
    pub root: Bytes,
}

impl Asked<'_> {
    /// Whether the client cannot tell where a body of unknown length has been cut: HTTP/1.0 has no chunks.
    fn needs_length(&self) -> bool {
        self.request.version < Version::HTTP_11
    }
}

/// The response to a question that has an answer. For a client that could not tell where a live answer has been
/// cut, it waits for the end.
pub(crate) async fn reply(
    answer: Answer,
    asked: Asked<'_>,
    notes: &Notes,
) -> Result<Response, Problem> {
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = HeaderMap::with_capacity(HEADERS_MAX);
    write_headers(response.headers_mut(), &answer, &asked);
    if answer.content == Content::Empty {
        *response.status_mut() = StatusCode::NO_CONTENT;
        *response.body_mut() = no_body();
        return Ok(response);
    }
    let root_len = asked.root.len();
    let (text_len, gzip_len, digests) = match &answer.body {
        AnswerBody::Stored(entry) => (
            entry.len_at(root_len),
            entry.gzip_len_at(root_len),
            Some(entry.facts.digests),
        ),
        AnswerBody::Live(_) => (None, None, None),
    };
    let coding = if asked.needs_length() {
        Coding::Identity
    } else {
        Coding::choose(&asked.request.headers, text_len)
    };
    let headers = response.headers_mut();
    if let Some(digests) = digests
        && let Ok(etag) = conditional::etag(&digests, coding, &asked.root)
    {
        let known = conditional::client_has(&asked.request.headers, &etag);
        headers.insert(header::ETAG, etag);
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = no_body();
            return Ok(response);
        }
    }
    if let Some(content_type) = content_type(answer.content) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    let mut len = text_len;
    if coding == Coding::Gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        len = gzip_len;
    }
    if let Some(len) = len {
        headers.insert(header::CONTENT_LENGTH, len.into());
    }
    let bytes_max = frames::bytes_max(asked.request.version);
    if let AnswerBody::Stored(entry) = &answer.body {
        if asked.request.method != Method::HEAD {
            entry.asked_for(coding.form());
        }
        if let Some(body) = ready(entry, coding, &asked.root, bytes_max, notes) {
            *response.body_mut() = body;
            return Ok(response);
        }
    }
    let mut parts = Parts::of(answer.content, answer.body, notes.clone());
    if len.is_none() && asked.needs_length() && asked.request.method != Method::HEAD {
        let whole = Box::pin(whole(parts, root_len, WHOLE_BYTES_MAX, notes)).await?;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, whole.len.into());
        parts = Parts::of_whole(whole.texts, notes.clone());
    }
    let body = Encoded::new(parts, coding, asked.root, bytes_max);
    *response.body_mut() = Body::from_stream(body);
    Ok(response)
}

/// The headers that a 200 and its 304 share.
fn write_headers(headers: &mut HeaderMap, answer: &Answer, asked: &Asked<'_>) {
    for (name, value) in &FIXED_HEADERS {
        headers.insert(name, value.clone());
    }
    let code = answer
        .outcome
        .error()
        .map(|error| Problem::from(&**error).code);
    let cache_status = answer
        .outcome
        .cache_status(answer.way, &code.unwrap_or_default());
    insert(headers, CACHE_STATUS, cache_status);
    if let Some(age) = answer.outcome.age() {
        headers.insert(header::AGE, age.as_secs().into());
    }
    if let (Some(wish), Some(rows)) = (asked.page_size, answer.page_size) {
        insert(headers, PREFERENCE_APPLIED, format!("{}={rows}", wish.name));
    }
}

/// `$metadata` without parameters: Power Query compares its type with `application/xml`.
fn content_type(content: Content) -> Option<HeaderValue> {
    Some(match content {
        Content::Json(representation) if representation == Representation::default() => {
            JSON_BY_DEFAULT.clone()
        }
        Content::Json(representation) => return representation.content_type().try_into().ok(),
        Content::Xml => HeaderValue::from_static("application/xml"),
        Content::Text | Content::Empty => HeaderValue::from_static("text/plain;charset=utf-8"),
    })
}

/// Values that we make ourselves are always fit for a header; one that were not would be left out.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// `private, no-cache`: browsers keep the answer and ask whether it is still good.
static FIXED_HEADERS: [(HeaderName, HeaderValue); 5] = [
    fixed(HeaderName::from_static("odata-version"), "4.0"),
    fixed(header::CACHE_CONTROL, "private, no-cache"),
    fixed(header::VARY, "Accept, Accept-Encoding, Prefer"),
    fixed(header::ACCEPT_RANGES, "none"),
    fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];
/// What [`Representation::content_type`] says of the default, which nearly all clients get.
static JSON_BY_DEFAULT: HeaderValue = HeaderValue::from_static(
    "application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8",
);

/// Checked when this is compiled.
const fn fixed(name: HeaderName, value: &'static str) -> (HeaderName, HeaderValue) {
    (name, HeaderValue::from_static(value))
}

/// More than an answer has, with those that are added on its way out.
const HEADERS_MAX: usize = 16;
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_type_is_spelled_as_all_are() {
        let default = Representation::default();
        assert_eq!(default.content_type(), JSON_BY_DEFAULT);
        let value = content_type(Content::Json(default)).unwrap();
        assert_eq!(value, JSON_BY_DEFAULT);
    }
}
