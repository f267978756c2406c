//! From an answer to a response: status, headers, conditional requests.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header, request};

use super::body::{Parts, live};
use super::conditional;
use super::encoding::{Coding, Gzip};
use super::no_body::no_body;
use super::notes::Notes;
use super::problem::Problem;
use super::whole::{WHOLE_BYTES_MAX, whole};
use super::wishes::PageSizeWish;
use crate::cache::{Content, Entry};
use crate::gateway::{Answer, AnswerBody, Outcome};

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

/// The response to a question that has an answer. For a client that could not tell where a live answer has been
/// cut, it waits for the end.
pub(crate) async fn reply(
    answer: Answer,
    asked: Asked<'_>,
    notes: &Notes,
) -> Result<Response, Problem> {
    let stored = match &answer.body {
        AnswerBody::Stored(entry) => Some(Arc::clone(entry)),
        AnswerBody::Live(_) => None,
    };
    let mut response = Response::new(Body::empty());
    write_headers(response.headers_mut(), &answer, stored.as_deref(), &asked);
    let known = stored.is_some_and(|entry| {
        conditional::client_has(&asked.request.headers, &conditional::etag(&entry.digest))
    });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = no_body();
        return Ok(response);
    }
    write_body(&mut response, answer, asked, notes).await?;
    Ok(response)
}

/// The headers that a 200 and its 304 share.
fn write_headers(
    headers: &mut HeaderMap,
    answer: &Answer,
    stored: Option<&Entry>,
    asked: &Asked<'_>,
) {
    for (name, value) in FIXED_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    insert(
        headers,
        CACHE_STATUS,
        answer.outcome.cache_status(answer.way),
    );
    if let Outcome::Hit { age, .. } = &answer.outcome {
        headers.insert(header::AGE, age.as_secs().into());
    }
    if let Some(entry) = stored {
        insert(headers, header::ETAG, conditional::etag(&entry.digest));
    }
    if let (Some(wish), Some(rows)) = (asked.page_size, answer.page_size) {
        insert(headers, PREFERENCE_APPLIED, format!("{}={rows}", wish.name));
    }
}

async fn write_body(
    response: &mut Response,
    answer: Answer,
    asked: Asked<'_>,
    notes: &Notes,
) -> Result<(), Problem> {
    if answer.content == Content::Empty {
        *response.status_mut() = StatusCode::NO_CONTENT;
        *response.body_mut() = no_body();
        return Ok(());
    }
    let Asked { request, root, .. } = asked;
    let needs_length = request.version < Version::HTTP_11;
    let (len, parts) = match answer.body {
        AnswerBody::Live(reader) if needs_length && request.method != Method::HEAD => {
            let whole = whole(live(reader), root.len(), WHOLE_BYTES_MAX, notes).await?;
            let parts = Parts::of_whole(whole.segments, root, notes.clone());
            (Some(whole.len), parts)
        }
        body => {
            let len = match &body {
                AnswerBody::Stored(entry) => Some(entry.len_at(root.len())),
                AnswerBody::Live(_) => None,
            };
            (len, Parts::of(answer.content, body, root, notes.clone()))
        }
    };
    let coding = if needs_length {
        // The length of a compressed body is not known before its end.
        Coding::Identity
    } else {
        Coding::choose(&request.headers, len)
    };
    let headers = response.headers_mut();
    insert(headers, header::CONTENT_TYPE, content_type(answer.content));
    let body = match coding {
        Coding::Identity => {
            if let Some(len) = len {
                headers.insert(header::CONTENT_LENGTH, len.into());
            }
            Body::from_stream(parts.identity())
        }
        Coding::Gzip => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            Body::from_stream(Gzip::new(parts))
        }
    };
    *response.body_mut() = body;
    Ok(())
}

/// `$metadata` without parameters: Power Query compares its type with `application/xml`.
fn content_type(content: Content) -> String {
    match content {
        Content::Json(representation) => representation.content_type(),
        Content::Xml => "application/xml".to_owned(),
        Content::Text | Content::Empty => "text/plain;charset=utf-8".to_owned(),
    }
}

/// Values that we make ourselves are always fit for a header; one that were not would be left out.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// `private, no-cache`: browsers keep the answer and ask whether it is still good.
const FIXED_HEADERS: [(HeaderName, &str); 5] = [
    (HeaderName::from_static("odata-version"), "4.0"),
    (header::CACHE_CONTROL, "private, no-cache"),
    (header::VARY, "Accept, Accept-Encoding, Prefer"),
    (header::ACCEPT_RANGES, "none"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
