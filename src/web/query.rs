//! `…/$query`: a question whose options are in the body, because they are too long for a URL, or not for a log of URLs
//! (OData 4.01 URL Conventions, section 5.1.1.15).

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, header};

use super::access::without_key;
use super::list;
use super::notes::Notes;
use super::odata::{self, Call};
use super::problem::Problem;
use super::received::received;
use super::source::Source;
use crate::odata::question::QUESTION_BYTES_MAX;

/// Answers a call to `…/$query`, whose path is that of the question.
pub(crate) async fn serve(
    source: &dyn Source,
    call: Call<'_>,
    body: Body,
    notes: &Notes,
) -> Response {
    let method = &call.request.method;
    if method == Method::OPTIONS {
        return odata::options(METHODS);
    }
    if method != Method::POST {
        return method_not_allowed(Some(METHODS)).into_response();
    }
    let answered = post(source, call, body, notes).await;
    answered.unwrap_or_else(IntoResponse::into_response)
}

async fn post(
    source: &dyn Source,
    call: Call<'_>,
    body: Body,
    notes: &Notes,
) -> Result<Response, Problem> {
    is_text(&call.request.headers)?;
    let body = received(&call.request.headers, body, QUESTION_BYTES_MAX).await?;
    let query = combined(call.query, &body)?;
    let call = Call {
        query: Some(&query),
        ..call
    };
    odata::get(source, call, notes).await
}

/// Options in a body come with POST.
pub(crate) fn method_not_allowed(allow: Option<&'static str>) -> Problem {
    Problem {
        message: "The options of a query are sent to `$query` with POST. Send them so, or write them behind the `?` of \
                  the URL and leave `/$query` out."
            .into(),
        ..Problem::method_not_allowed(allow)
    }
}

/// Whether a body of this type can be options. curl says that it is a form, and means the same.
pub(crate) fn is_text(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(media_type) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let media_type = media_type.to_str().unwrap_or_default();
    let name = list::split(media_type, ';').next().unwrap_or_default();
    let is_text = MEDIA_TYPES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name));
    is_text.then_some(()).ok_or_else(|| {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            "The options of a query come as text. Send them with `Content-Type: text/plain`, written as they would be \
             behind the `?` of a URL.",
        )
    })
}

/// The options of a URL and those of a body, which is written as the part of a URL behind its `?`. An option that is
/// in both is given twice, and refused as such when the question is read. An access key is no option, wherever it was written.
pub(crate) fn combined(query: Option<&str>, body: &[u8]) -> Result<String, Problem> {
    let Ok(body) = std::str::from_utf8(body) else {
        let message =
            "The options of the query are not UTF-8. Write them percent-encoded, as in a URL.";
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "InvalidRequest",
            message,
        ));
    };
    let body = body.trim();
    let body = body.strip_prefix('?').unwrap_or(body);
    let pieces = [query.unwrap_or_default(), body];
    let pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
    let query = pieces.collect::<Vec<_>>().join("&");
    Ok(without_key(&query).into_owned())
}

const METHODS: &str = "POST, OPTIONS";
const MEDIA_TYPES: [&str; 2] = ["text/plain", "application/x-www-form-urlencoded"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_url_and_body_are_put_together() {
        for (query, body, expected) in [
            (None, "$top=1", "$top=1"),
            (Some("$top=1"), "", "$top=1"),
            (Some("$top=1"), "?$skip=2\r\n", "$top=1&$skip=2"),
            (Some(""), "$top=1&$top=2", "$top=1&$top=2"),
            (None, " \n", ""),
            (Some("$top=1"), "key=cop_a&$skip=2", "$top=1&$skip=2"),
            (None, "?+Key=cop_a\r\n", ""),
            (None, "$top=1&\r\nk%65y%20=cop_a", "$top=1"),
        ] {
            assert_eq!(combined(query, body.as_bytes()).unwrap(), expected);
        }
        assert_eq!(combined(None, b"\xff").unwrap_err().status, 400);
    }

    #[test]
    fn options_are_text() {
        for (media_type, expected) in [
            ("text/plain", true),
            ("Text/Plain; charset=utf-8", true),
            ("application/x-www-form-urlencoded", true),
            ("application/json", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            assert!(is_text(&headers).is_ok());
            headers.insert("content-type", media_type.parse().unwrap());
            assert_eq!(is_text(&headers).is_ok(), expected, "{media_type}");
        }
    }
}
