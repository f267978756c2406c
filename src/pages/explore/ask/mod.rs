//! Asking the OData surface for what a page shows, within bounds.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AGE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use crate::odata::csdl::Catalogue;
use crate::odata::name::SiteId;
use crate::pages::Odata;
use crate::pages::snippets::Feed;

/// An answer that fits on a page.
#[derive(Debug)]
pub(super) struct Reply {
    /// All of it.
    pub body: Bytes,
    /// How it came about, for a reader.
    pub how: String,
    /// From the question to the last byte.
    pub took: Duration,
}

/// Why there is nothing to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The status of the answer, and of the page that tells of it.
    pub status: StatusCode,
    /// The error's code: `UpstreamBusy`.
    pub code: String,
    /// What happened, then what to do.
    pub message: String,
    /// Under which the log knows it; empty when it was never logged.
    pub request_id: String,
}

impl Trouble {
    /// One of our own.
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            request_id: String::new(),
        }
    }
}

/// The sets of a site.
pub(super) async fn catalogue(
    odata: &dyn Odata,
    site: &SiteId,
    browser: &HeaderMap,
) -> Result<Catalogue, Trouble> {
    let reply = get(odata, site, "/$metadata", "application/xml", browser).await?;
    Catalogue::read(&reply.body).map_err(|error| {
        let message = format!(
            "Citrix Cloud answered, but {error}. Try again later; if it stays so, look at `$metadata` in a browser."
        );
        Trouble::new(StatusCode::BAD_GATEWAY, "UpstreamInvalid", message)
    })
}

/// The rows that a query finds. Its `root` does not matter here.
pub(super) async fn rows(
    odata: &dyn Odata,
    site: &SiteId,
    feed: &Feed,
    browser: &HeaderMap,
) -> Result<Reply, Trouble> {
    let below = Feed {
        root: String::new(),
        ..feed.clone()
    };
    get(odata, site, &below.url(), "application/json", browser).await
}

async fn get(
    odata: &dyn Odata,
    site: &SiteId,
    path: &str,
    accept: &'static str,
    browser: &HeaderMap,
) -> Result<Reply, Trouble> {
    let began = Instant::now();
    let deadline = began + PATIENCE;
    let mut request = Request::builder().uri(path).header(ACCEPT, accept);
    // Tells browsers apart, for fairness among those who wait.
    if let Some(program) = browser.get(USER_AGENT) {
        request = request.header(USER_AGENT, program);
    }
    let request = request.body(()).map_err(|_| unreadable())?;
    let answer = odata.answer(site.clone(), request);
    let response = timeout_at(deadline, answer).await.map_err(|_| too_late())?;
    let (head, body) = response.into_parts();
    let body = timeout_at(deadline, read(body))
        .await
        .map_err(|_| too_late())??;
    if head.status != StatusCode::OK {
        return Err(told(head.status, &head.headers, &body));
    }
    Ok(Reply {
        body,
        how: how(&head.headers),
        took: began.elapsed(),
    })
}

/// The whole body, unless it is too large for a page.
async fn read(mut body: Body) -> Result<Bytes, Trouble> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| broken())?;
        let data = frame.into_data().unwrap_or_default();
        if bytes.len() + data.len() > BODY_BYTES_MAX {
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

/// An OData error in the words that it came in.
fn told(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Trouble {
    #[derive(Deserialize)]
    struct Envelope {
        error: Error,
    }
    #[derive(Deserialize)]
    struct Error {
        code: String,
        message: String,
    }
    let request_id = text(headers, &REQUEST_ID).to_owned();
    match serde_json::from_slice(body) {
        Ok(Envelope { error }) => Trouble {
            status,
            code: error.code,
            message: error.message,
            request_id,
        },
        Err(_) => Trouble {
            request_id,
            ..Trouble::new(
                status,
                "Unknown",
                format!("The answer was {status}, without a reason."),
            )
        },
    }
}

/// What `Cache-Status` and `Age` say, in words.
fn how(headers: &HeaderMap) -> String {
    let status = text(headers, &CACHE_STATUS);
    let has = |word: &str| {
        status
            .split("; ")
            .any(|part| part == word || part.starts_with(&format!("{word}=")))
    };
    let detail = status
        .split("; ")
        .find_map(|part| part.strip_prefix("detail="))
        .unwrap_or_default();
    let age = match text(headers, &AGE).parse::<u64>() {
        Ok(seconds) => format!(", {} old", ago(seconds)),
        Err(_) => String::new(),
    };
    let source = if detail == "contained" {
        "cut from a larger stored answer"
    } else if detail.starts_with("stale-if-error") {
        "a stored answer, because no new one could be had"
    } else if detail == "stale-while-revalidate" {
        "a stored answer while a new one is being fetched"
    } else if has("hit") {
        "a stored answer"
    } else if has("collapsed") {
        "fetched from Citrix Cloud together with another client"
    } else {
        "fetched from Citrix Cloud just now"
    };
    format!("{source}{age}")
}

fn ago(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    let value = headers.get(name).map(HeaderValue::to_str);
    value.and_then(Result::ok).unwrap_or_default()
}

fn unreadable() -> Trouble {
    let message = "The query cannot be written as a URL. Shorten it.";
    Trouble::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
}

fn too_late() -> Trouble {
    let message = format!(
        "There is no answer after {} s. Citrix Cloud may be busy or out of reach, which the page `/` tells; or the query is heavy: \
         filter by a date column, choose fewer columns, expand less, and try again.",
        PATIENCE.as_secs()
    );
    Trouble::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message)
}

fn too_large() -> Trouble {
    let message = format!(
        "The answer is larger than {} MiB, which is too much for a page. Ask for fewer rows or columns, or expand less. A program can \
         have all of it.",
        BODY_BYTES_MAX / (1024 * 1024)
    );
    Trouble::new(StatusCode::BAD_REQUEST, "TooLarge", message)
}

fn broken() -> Trouble {
    let message = "The answer broke off, so it is not shown. The log says why. Try again.";
    Trouble::new(StatusCode::BAD_GATEWAY, "Interrupted", message)
}

/// What a page waits for an answer at most: longer than upstream works on one query (30 s), so that its own error is heard.
const PATIENCE: Duration = Duration::from_mins(1);
/// What a page reads at most.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[cfg(test)]
mod tests;
