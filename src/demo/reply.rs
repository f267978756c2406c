//! Answers on their way out: pages, and the published forms of errors.

use std::io::Write as _;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{Stream, StreamExt as _, stream};
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value as Json, json};

use super::knobs::ThrottleShape;

/// An answer that is not yet HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    pub(crate) body: Vec<u8>,
    /// Breaks the connection after so many bytes.
    pub(crate) cut: Option<usize>,
    /// Rows in the body, those within rows included.
    pub(crate) rows: u64,
}

impl Reply {
    pub(crate) fn new(status: StatusCode, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![(CONTENT_TYPE, content_type.to_owned())],
            body: body.into(),
            cut: None,
            rows: 0,
        }
    }

    /// An OData document.
    pub(crate) fn odata(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut reply = Self::new(StatusCode::OK, content_type, body);
        reply
            .headers
            .push((HeaderName::from_static("odata-version"), "4.0".to_owned()));
        reply
    }

    pub(crate) fn json(body: &Json) -> Self {
        Self::new(StatusCode::OK, "application/json", body.to_string())
    }

    /// A problem form; `topic` is the last part of its type.
    pub(crate) fn problem(
        status: StatusCode,
        topic: &str,
        detail: &str,
        parameters: &[(&str, String)],
    ) -> Self {
        let parameters: Vec<Json> = parameters
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        let body = json!({
            "type": format!("https://errors-api.cloud.com/common/{topic}"),
            "detail": detail,
            "parameters": parameters,
        });
        Self::new(status, ERROR_TYPE, body.to_string())
    }

    /// An OData error.
    pub(crate) fn bad_request(message: &str) -> Self {
        let message = format!("The query specified in the URI is not valid. {message}");
        let body = json!({ "error": { "code": "", "message": message } });
        Self::new(StatusCode::BAD_REQUEST, ERROR_TYPE, body.to_string())
    }

    pub(crate) fn unauthorized(reason: &str) -> Self {
        let parameters = [("reason", reason.to_owned())];
        Self::problem(
            StatusCode::UNAUTHORIZED,
            "authentication",
            "Authentication failed.",
            &parameters,
        )
    }

    pub(crate) fn forbidden() -> Self {
        Self::problem(
            StatusCode::FORBIDDEN,
            "permission",
            "You are not allowed to do this.",
            &[],
        )
    }

    pub(crate) fn not_found(path: &str) -> Self {
        let detail = format!("No resource was found for `{path}`.");
        Self::problem(StatusCode::NOT_FOUND, "notFound", &detail, &[])
    }

    pub(crate) fn method_not_allowed() -> Self {
        let mut reply = Self::problem(
            StatusCode::METHOD_NOT_ALLOWED,
            "methodNotAllowed",
            "Only GET is allowed.",
            &[],
        );
        reply.headers.push((ALLOW, "GET".to_owned()));
        reply
    }

    pub(crate) fn throttled(shape: ThrottleShape, retry_after: Option<u64>) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        match shape {
            ThrottleShape::Problem => {
                let parameters: Vec<_> = retry_after
                    .map(|seconds| ("retryDelay", seconds.to_string()))
                    .into_iter()
                    .collect();
                Self::problem(
                    status,
                    "rateLimitExceeded",
                    "Too many requests.",
                    &parameters,
                )
            }
            ThrottleShape::Gateway => {
                let message = "Rate limit is exceeded. Try again later.";
                let body = json!({ "statusCode": 429, "message": message });
                Self::new(status, "application/json", body.to_string()).retry_after(retry_after)
            }
        }
    }

    /// A status by number, as a problem form.
    pub(crate) fn status(status: u16, retry_after: Option<u64>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let reason = status.canonical_reason().unwrap_or("Unknown");
        Self::problem(status, "unexpected", reason, &[]).retry_after(retry_after)
    }

    /// Says in a header when to come back.
    pub(crate) fn retry_after(mut self, seconds: Option<u64>) -> Self {
        self.headers
            .extend(seconds.map(|seconds| (RETRY_AFTER, seconds.to_string())));
        self
    }

    /// Notes how many rows the body holds.
    pub(crate) fn showing(self, rows: u64) -> Self {
        Self { rows, ..self }
    }

    /// Compresses the body, unless it will be cut.
    pub(crate) fn gzip(mut self) -> Self {
        if self.cut.is_some() {
            return self;
        }
        let mut encoder =
            GzEncoder::new(Vec::with_capacity(self.body.len() / 4), Compression::fast());
        if encoder.write_all(&self.body).is_ok()
            && let Ok(body) = encoder.finish()
        {
            self.body = body;
            self.headers.push((CONTENT_ENCODING, "gzip".to_owned()));
        }
        self
    }

    pub(crate) fn into_response(self) -> Response {
        let body = match self.cut {
            None => Body::from(self.body),
            Some(after) => {
                let mut bytes = Bytes::from(self.body);
                bytes.truncate(after);
                Body::from_stream(broken_after(bytes))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The bytes, a moment for them to leave, and an error.
fn broken_after(bytes: Bytes) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    let first = stream::once(async move { Ok(bytes) });
    let then = stream::once(async {
        tokio::task::yield_now().await;
        Err(std::io::Error::new(
            std::io::ErrorKind::ConnectionReset,
            "cut on purpose",
        ))
    });
    first.chain(then)
}

const ERROR_TYPE: &str = "text/plain; charset=utf-8";
