//! One OData request: read it, ask the gateway, reply.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::no_body::no_body;
use super::notes::{Notes, Place};
use super::party::party;
use super::problem::Problem;
use super::readings::Readings;
use super::reply::{Asked, reply};
use super::source::Source;
use super::wishes::Wishes;
use crate::gateway::Ask;
use crate::odata::name::SiteId;
use crate::odata::question::Question;
use crate::odata::representation::{Representation, is_json_format};

/// A request below a service root.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The site.
    pub site: &'a SiteId,
    /// The service root as the client knows it.
    pub root: Bytes,
    /// The path below it, encoded.
    pub below: &'a str,
    /// The options of the question, as they stand behind the `?` of a URL.
    pub query: Option<&'a str>,
    /// The request without its body.
    pub request: &'a Parts,
    /// The client's address; `None` within this process.
    pub client: Option<IpAddr>,
    /// Questions that were read before.
    pub readings: &'a Readings,
}

/// Answers one call whose path is a question. Its body, if it has one, means nothing.
pub(crate) async fn serve(source: &dyn Source, call: Call<'_>, notes: &Notes) -> Response {
    let method = &call.request.method;
    let answered = if method == Method::OPTIONS {
        Ok(options(METHODS))
    } else if method == Method::GET || method == Method::HEAD {
        get(source, call, notes).await
    } else {
        Err(Problem::method_not_allowed(Some(METHODS)))
    };
    answered.unwrap_or_else(IntoResponse::into_response)
}

/// Answers a question. HEAD too: whoever sends the response leaves the body out, and dropping it stops the work on later pages.
pub(crate) async fn get(
    source: &dyn Source,
    call: Call<'_>,
    notes: &Notes,
) -> Result<Response, Problem> {
    let headers = &call.request.headers;
    notes.facts().site = Some(call.site.clone());
    let reading = call
        .readings
        .read(call.below, call.query)
        .inspect_err(|error| notes.failed(error))
        .map_err(|error| Problem::from(&error))?;
    let question = Arc::clone(&reading.question);
    notes.facts().place = Some(Place::Question(reading));
    let wishes = Wishes::read(headers)?;
    let (question, representation) = represent(question, headers);
    let ask = Ask {
        question,
        representation,
        page_size: wishes.page_size.map(|wish| wish.rows),
        directives: wishes.directives,
        party: party(call.client, headers),
    };
    let answer = source
        .answer(call.site, ask)
        .await
        .inspect_err(|unanswered| notes.unanswered(unanswered))
        .map_err(|unanswered| Problem::from(&*unanswered.error))?;
    notes.answered(&answer);
    let asked = Asked {
        request: call.request,
        page_size: wishes.page_size,
        root: call.root,
    };
    reply(answer, asked, notes).await
}

/// How the answer is to be written. A `$format` that is JSON is settled here, and spelled in one way; upstream judges
/// any other.
fn represent(question: Arc<Question>, headers: &HeaderMap) -> (Arc<Question>, Representation) {
    let accept = accept(headers);
    let format = question.option("$format");
    let representation = Representation::negotiate(format, accept.as_deref());
    let settled = format.is_some_and(is_json_format);
    let question = if settled {
        Arc::new(question.with("$format", &representation.accept()))
    } else {
        question
    };
    (question, representation)
}

/// All `Accept` lines as one.
fn accept(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let mut lines = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let first = lines.next()?;
    Some(lines.fold(Cow::Borrowed(first), |lines, line| lines + "," + line))
}

/// What may be done here. No CORS headers: pages of other origins are not to read from here.
pub(crate) fn options(methods: &'static str) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(methods));
    headers.insert(ODATA_VERSION, HeaderValue::from_static("4.0"));
    *response.body_mut() = no_body();
    response
}

const METHODS: &str = "GET, HEAD, OPTIONS";
const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");
