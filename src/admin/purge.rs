//! Forgetting stored answers.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use serde::Serialize;
use url::Url;

use super::Desk;
use super::form;
use super::json::error;

/// `POST /api/cache/purge[?site=&set=]`. What waits to be made anew is struck from the list, too.
pub(super) async fn purge(State(desk): State<Desk>, request: Request) -> Response {
    if let Some(refusal) = refuse_cross_site(&desk, &request) {
        return refusal;
    }
    let wanted = match desk.wanted(request.uri().query()) {
        Ok(wanted) => wanted,
        Err(no_such_site) => return no_such_site.into_response(),
    };
    desk.shared.errands.strike(wanted.which());
    let purged = desk.shared.watched.purge(wanted.which()).await;
    tracing::info!(purged, "stored answers were forgotten on request");
    form::done(request.headers(), &Purged { purged })
}

/// What a web page of another origin is told that wants to change something.
pub(super) fn refuse_cross_site(desk: &Desk, request: &Request) -> Option<Response> {
    let public_url = desk.shared.settings.public_url.as_ref();
    let refused = is_cross_site(request.headers(), request.uri(), public_url);
    refused.then(|| {
        error(
            StatusCode::FORBIDDEN,
            "CrossSite",
            "A web page of another origin sent this. Send it from a terminal, or from this server's page.",
        )
    })
}

#[derive(Serialize)]
struct Purged {
    purged: usize,
}

/// Browsers say where a request comes from; terminals say nothing. `same-site` is not enough: another port of
/// this machine may be another user's.
fn is_cross_site(headers: &HeaderMap, uri: &Uri, public_url: Option<&Url>) -> bool {
    let site = headers
        .get("sec-fetch-site")
        .map(http::HeaderValue::as_bytes);
    let foreign_site = site.is_some_and(|site| site != b"same-origin" && site != b"none");
    let ours = [base(None, uri), base(public_url, uri)];
    let foreign_origin = headers.get(header::ORIGIN).is_some_and(|origin| {
        let origin = origin.to_str().unwrap_or_default();
        !ours.iter().any(|ours| is_origin_of(origin, ours))
    });
    foreign_site || foreign_origin
}

/// The address of this server as its clients know it.
fn base(public_url: Option<&Url>, uri: &Uri) -> String {
    match (public_url, uri.authority()) {
        (Some(url), _) => url.to_string(),
        (None, Some(authority)) => format!("{}://{authority}", uri.scheme_str().unwrap_or("http")),
        (None, None) => String::new(),
    }
}

fn is_origin_of(origin: &str, base: &str) -> bool {
    match (Url::parse(origin), Url::parse(base)) {
        (Ok(origin), Ok(base)) => origin.origin() == base.origin(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_and_terminals_may_purge() {
        let public: Url = "https://bi.example.com/citrix".parse().unwrap();
        for (name, value, expected) in [
            ("accept", "*/*", false),
            ("sec-fetch-site", "same-origin", false),
            ("sec-fetch-site", "none", false),
            ("sec-fetch-site", "same-site", true),
            ("sec-fetch-site", "cross-site", true),
            ("origin", "http://localhost:8484", false),
            ("origin", "https://bi.example.com", false),
            ("origin", "http://localhost:8485", true),
            ("origin", "https://evil.example", true),
            ("origin", "null", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            let uri = Uri::from_static("http://localhost:8484/api/cache/purge");
            let found = is_cross_site(&headers, &uri, Some(&public));
            assert_eq!(found, expected, "{name}: {value}");
        }
    }
}
