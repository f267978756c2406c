//! `$batch`: many reads in one request (OData 4.01 Protocol, section 11.7; JSON Format, section 19).
//!
//! - [`format`](mod@format), [`multipart`], [`json`]: the two formats, each read and written;
//! - [`item`], [`target`]: one request of a batch, and where its URL leads;
//! - [`order`], [`preference`]: what becomes of it, after what became of others;
//! - [`run`]: asks one after the other, and sends each answer on as it comes.
//!
//! Invariants: nothing is asked before all of a batch is read; every request is asked as if it had come alone, and of the
//! site of the batch only; a batch that ends cleanly is complete, as every answer in it.
//!
//! Requests are asked one by one. The multipart format demands the order, `dependsOn` is honoured by it, and Citrix answers one
//! query at a time anyway; the next answer would only fill memory while the client reads this one. The answer comes in the
//! format of the batch whatever `Accept` says: clients that read multipart send `Accept: application/json` with it. Which site
//! it may ask, and who may ask, is decided for the batch, so no URL in it leads to another site.

mod error;
mod format;
#[cfg(fuzzing)]
pub mod fuzz;
mod item;
mod json;
mod multipart;
mod order;
mod preference;
mod run;
mod target;

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};

use self::format::Format;
use self::item::{Item, Planned};
use self::order::Order;
use self::preference::ContinueOnError;
use self::run::Run;
pub(crate) use self::target::Locator;
use super::no_body::no_body;
use super::notes::{Notes, Place, Tally};
use super::odata::{self, Call};
use super::problem::Problem;
use super::received::received;
use super::request_id::RequestId;
use super::source::Source;
use super::whole::{self, WHOLE_BYTES_MAX};
use super::wishes::Wishes;
use crate::gateway::AnswerError;

/// What a batch is answered with.
pub(crate) struct Means<'a> {
    /// Answers its questions.
    pub source: Arc<dyn Source>,
    /// Where the URLs in it may lead.
    pub locator: Locator<'a>,
    /// Its name in the log, which the errors in it carry.
    pub id: RequestId,
}

/// Answers a call to `$batch`.
pub(crate) async fn serve(means: Means<'_>, call: Call<'_>, body: Body, notes: &Notes) -> Response {
    {
        let mut facts = notes.facts();
        facts.site = Some(call.site.clone());
        facts.place = Some(Place::Batch);
    }
    let method = &call.request.method;
    if method == Method::OPTIONS {
        return odata::options(METHODS);
    }
    // Before its first batch SAP's client asks for a token with HEAD, and goes on without one.
    if method == Method::HEAD {
        return head();
    }
    if method != Method::POST {
        return method_not_allowed().into_response();
    }
    let answered = post(means, call, body, notes).await;
    answered.unwrap_or_else(IntoResponse::into_response)
}

async fn post(
    means: Means<'_>,
    call: Call<'_>,
    body: Body,
    notes: &Notes,
) -> Result<Response, Problem> {
    let headers = &call.request.headers;
    // The wishes themselves are for each request to say; what cannot be honoured is refused here, too.
    Wishes::read(headers)?;
    let format = Format::of(headers)?;
    let preference = ContinueOnError::wanted(headers);
    let body = received(headers, body, BATCH_BYTES_MAX).await?;
    let items = format
        .read(&body)
        .inspect_err(|error| notes.failed(error))
        .map_err(|error| Problem::from(&error))?;
    drop(body);
    notes.facts().tally = Some(Tally::of(items.len()));
    let planned = plan(items, &means.locator);
    let continues = preference.as_ref().is_some_and(|wanted| wanted.value);
    let writer = format.writer();
    let mut response = Response::new(Body::empty());
    write_headers(
        response.headers_mut(),
        writer.content_type(),
        preference.as_ref(),
    );
    let run = Run {
        source: means.source,
        site: call.site.clone(),
        readings: call.readings.clone(),
        client: call.client,
        version: call.request.version,
        program: headers.get(header::USER_AGENT).cloned(),
        id: means.id,
        notes: notes.clone(),
        order: Order::new(continues),
        writer,
        left: planned.into_iter(),
    };
    let bytes = run.stream();
    *response.body_mut() = if call.request.version < Version::HTTP_11 {
        let whole = Box::pin(collected(bytes)).await?;
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, whole.len().into());
        Body::from(whole)
    } else {
        Body::from_stream(bytes)
    };
    Ok(response)
}

/// What each request of the batch is to be asked, or why it is not.
fn plan(items: Vec<Item>, locator: &Locator<'_>) -> Vec<Planned> {
    let ids: Vec<String> = items.iter().filter_map(|item| item.id.clone()).collect();
    let is_id = |name: &str| ids.iter().any(|id| id == name);
    let planned = items.into_iter();
    planned
        .map(|item| item.planned(|inner| locator.locate(inner, is_id)))
        .collect()
}

/// All of a batch's answer, for a client of HTTP/1.0, which could not tell where it has been cut.
async fn collected(
    bytes: impl Stream<Item = Result<Bytes, axum::Error>>,
) -> Result<Bytes, Problem> {
    let mut bytes = std::pin::pin!(bytes);
    let mut whole = Vec::new();
    while let Some(piece) = bytes.next().await {
        // Answers that fail later were read to their end before; what is left cannot be read from disk.
        let piece = piece.map_err(|_| Problem::from(&AnswerError::Interrupted))?;
        if (whole.len() + piece.len()) as u64 > WHOLE_BYTES_MAX {
            return Err(whole::too_large());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.into())
}

fn write_headers(
    headers: &mut HeaderMap,
    content_type: Option<HeaderValue>,
    preference: Option<&ContinueOnError>,
) {
    let applied = preference.and_then(ContinueOnError::applied);
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (PREFERENCE_APPLIED, applied),
        (ODATA_VERSION, Some(HeaderValue::from_static("4.0"))),
        (
            header::CACHE_CONTROL,
            Some(HeaderValue::from_static("no-store")),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            Some(HeaderValue::from_static("nosniff")),
        ),
    ] {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
}

fn head() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let version = HeaderValue::from_static("4.0");
    response.headers_mut().insert(ODATA_VERSION, version);
    *response.body_mut() = no_body();
    response
}

fn method_not_allowed() -> Problem {
    Problem {
        message: "A batch is sent with POST, as `multipart/mixed` or `application/json`.".into(),
        ..Problem::method_not_allowed(Some(METHODS))
    }
}

/// A thousand requests with URLs of 2000 bytes, which is more than Power Query writes.
const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;
/// So many requests one batch may hold.
const ITEMS_MAX: usize = 1000;
const METHODS: &str = "POST, HEAD, OPTIONS";
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");
