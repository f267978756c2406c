//! What is said to whoever had something done: numbers to a program, and the page again to a browser without a script.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;

use super::json::json;

/// It is done: `numbers` say what.
pub(super) fn done(headers: &HeaderMap, numbers: &impl Serialize) -> Response {
    if !is_of_a_form(headers) {
        return json(StatusCode::OK, numbers);
    }
    // Relative, so that it works behind anything that puts a path in front.
    let headers = [
        (header::LOCATION, "../../"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// Browsers that send a form name HTML among the types that they accept, and programs do not.
fn is_of_a_form(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT).iter();
    let mut types = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    types.any(|range| {
        let name = range.split(';').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("text/html")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_without_a_script_are_sent_back_to_the_page() {
        for (accept, expected) in [
            (None, StatusCode::OK),
            (Some("*/*"), StatusCode::OK),
            (Some("application/json"), StatusCode::OK),
            (Some("text/plain, x/text/html"), StatusCode::OK),
            (Some("Text/HTML"), StatusCode::SEE_OTHER),
            (
                Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
                StatusCode::SEE_OTHER,
            ),
            (
                Some("application/xml, text/html;q=0.9"),
                StatusCode::SEE_OTHER,
            ),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, accept.parse().unwrap());
            }
            let response = done(&headers, &[7]);
            assert_eq!(response.status(), expected, "{accept:?}");
            let location = response.headers().get(header::LOCATION);
            let form = expected == StatusCode::SEE_OTHER;
            assert_eq!(location.is_some_and(|value| value == "../../"), form);
        }
    }
}
