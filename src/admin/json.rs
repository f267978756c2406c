//! JSON responses.

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;

use crate::odata::error::ErrorBody;

/// A response with `value` as its body.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json;charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let body = serde_json::to_vec(value).unwrap_or_default();
    (status, headers, body).into_response()
}

/// An error. It has no body yet: whoever nests the router writes the [`ErrorBody`] that the response carries, as it
/// writes its own errors.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let error = ErrorBody {
        code: code.to_owned(),
        message: message.to_owned(),
        ..ErrorBody::default()
    };
    (status, Extension(error)).into_response()
}
