//! JSON responses.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;

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

/// An error, in the form of all errors here.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let error = serde_json::json!({"error": {"code": code, "message": message}});
    json(status, &error)
}
