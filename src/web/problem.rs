//! An error as the client sees it: OData's error object (OData JSON Format 4.0, section 19).

use std::any::Any;
use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::refusal::Refusal;
use super::request_id::RequestId;
use crate::odata::error::ErrorBody;

/// An error as the client sees it. Wherever one arises it is returned as a response; [`write()`] puts it into
/// words on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The status.
    pub status: StatusCode,
    /// A word for programs.
    pub code: Cow<'static, str>,
    /// What happened, then what to do.
    pub message: Cow<'static, str>,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// `Allow`.
    pub allow: Option<&'static str>,
    /// Whether it asks for an access key, with `WWW-Authenticate`.
    pub challenges: bool,
    /// The rule that the request did not pass, where it is counted.
    pub refusal: Option<Refusal>,
}

impl Problem {
    /// A problem without a special header.
    pub(crate) fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            retry_after: None,
            allow: None,
            challenges: false,
            refusal: None,
        }
    }

    /// The same, counted as this.
    pub(crate) fn counted_as(self, refusal: Refusal) -> Self {
        Self {
            refusal: Some(refusal),
            ..self
        }
    }

    /// The method is not for this path.
    pub(crate) fn method_not_allowed(allow: Option<&'static str>) -> Self {
        let message = match allow {
            Some(methods) => format!("This service is read-only: it answers {methods}."),
            None => "This path does not answer that method; see the `Allow` header.".to_owned(),
        };
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self {
            allow,
            ..Self::new(status, "MethodNotAllowed", message)
        }
    }

    /// What another room answered, with `status`, in OData's words.
    fn of(status: StatusCode, error: ErrorBody) -> Self {
        Self::new(status, error.code, error.message)
    }

    fn body(self, id: RequestId) -> ErrorBody {
        ErrorBody {
            code: self.code.into_owned(),
            message: self.message.into_owned(),
            request_id: Some(id.to_string()),
            ..ErrorBody::default()
        }
    }

    fn write_headers(&self, headers: &mut HeaderMap) {
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(methods) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        if self.challenges {
            for challenge in CHALLENGES {
                headers.append(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static(challenge),
                );
            }
        }
    }
}

/// No body yet; [`write()`] adds it.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The rule that a request with this response did not pass. Not known any more once the problem is written.
pub(crate) fn refusal(response: &Response) -> Option<Refusal> {
    let problem = response.extensions().get::<Problem>()?;
    problem.refusal
}

/// Writes the problem that a response carries, if it does; or the error, which is how the operator's surface says
/// it.
pub(crate) fn write(response: &mut Response, id: RequestId) {
    let status = response.status();
    let extensions = response.extensions_mut();
    let error = extensions.remove::<ErrorBody>();
    let problem = extensions.remove::<Problem>();
    let Some(problem) = problem.or_else(|| error.map(|error| Problem::of(status, error))) else {
        return;
    };
    let headers = response.headers_mut();
    problem.write_headers(headers);
    let json = problem.body(id).to_json();
    headers.insert(header::CONTENT_LENGTH, json.len().into());
    *response.body_mut() = json.into();
}

/// What a panic becomes.
pub(crate) fn from_panic(panic: &(dyn Any + Send)) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text");
    tracing::error!(error = text, "a request handler panicked");
    let message = "The proxy ran into a defect of its own. Try again; if it happens again, report it \
                   with the request id and the log line of that id.";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message).into_response()
}

/// `A`, `A or B`, `A, B or C`.
pub(crate) fn either(choices: &[impl AsRef<str>]) -> String {
    let choices: Vec<&str> = choices.iter().map(AsRef::as_ref).collect();
    match &*choices {
        [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => choices.concat(),
    }
}

/// The ways to present an access key, in two lines, because many clients read no more than one from each. Basic comes
/// first: report tools know it.
const CHALLENGES: [&str; 2] = [
    "Basic realm=\"citrix-odata-proxy\", charset=\"UTF-8\"",
    "Bearer realm=\"citrix-odata-proxy\"",
];

const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_TYPE,
        "application/json;odata.metadata=minimal;charset=utf-8",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("odata-version"), "4.0"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_read_as_people_write_them() {
        for (choices, expected) in [
            (&[] as &[&str], ""),
            (&["A"], "A"),
            (&["A", "B"], "A or B"),
            (&["A", "B", "C"], "A, B or C"),
            (&["A", "B", "C", "D"], "A, B, C or D"),
        ] {
            assert_eq!(either(choices), expected);
        }
    }
}
