//! The spans of attempts, for traces: one each, from its token to the last byte of its body, as OpenTelemetry names what
//! HTTP clients do. A query is not told, nor a key: of an address its host and the entity set alone.

use http::StatusCode;
use tracing::Span;
use tracing::field::Empty;
use url::Url;

use super::verdict::Failed;
use crate::telemetry::TRACES;

/// An attempt begins, after so many others for the same page. Disabled unless traces are on.
pub(super) fn begin(root: &Url, target: &str, before: u32, transaction: &str) -> Span {
    tracing::trace_span!(
        target: TRACES,
        "page",
        otel.name = %format_args!("GET {}", set_of(target)),
        otel.kind = "client",
        otel.status_code = Empty,
        error.type = Empty,
        http.request.method = "GET",
        http.request.resend_count = (before > 0).then_some(before),
        http.response.status_code = Empty,
        server.address = root.host_str(),
        server.port = root.port_or_known_default(),
        odata.set = set_of(target),
        citrix.transaction_id = transaction,
        body_bytes = Empty,
    )
}

/// Within an attempt: its response has this status.
pub(super) fn answered(status: StatusCode) {
    Span::current().record("http.response.status_code", status.as_u16());
}

/// Within an attempt: its response has a body of so many bytes, unzipped.
pub(super) fn received(bytes: usize) {
    Span::current().record("body_bytes", bytes);
}

/// The attempt has failed. Its span ends here, and not after the pause.
pub(super) fn failed(span: Span, failed: &Failed) {
    if !span.is_disabled() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", &*failed.kind());
    }
    drop(span);
}

/// The name at the beginning of a target below the service root: an entity set, `$metadata`, or nothing for the service
/// document. What is no name may be anything that somebody typed, a user's address for one: `?`, as in the log.
fn set_of(target: &str) -> &str {
    let target = target.trim_start_matches('/');
    let word = target.split(['(', '/', '?']).next().unwrap_or_default();
    let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = word.len() <= NAME_BYTES_MAX && word.bytes().all(is_of_a_name);
    if is_name || word == "$metadata" {
        word
    } else {
        "?"
    }
}

/// The longest name of an entity set (OData CSDL 4.0 §17.2).
const NAME_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_target_the_set_alone_is_told() {
        for (target, expected) in [
            ("", ""),
            ("?$format=json", ""),
            ("$metadata", "$metadata"),
            ("Users?$filter=UserName eq 'Smith'", "Users"),
            ("/Users", "Users"),
            ("Users(Smith)/Sessions?$top=1", "Users"),
            ("Sessions/$count", "Sessions"),
            ("ada.smith@example.com", "?"),
            ("Smith,%20John?$top=1", "?"),
            (&"x".repeat(129), "?"),
        ] {
            assert_eq!(set_of(target), expected, "{target}");
        }
    }
}
