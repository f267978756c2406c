//! Forgetting stored answers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri, header};
use serde::Serialize;
use url::Url;

use super::Operator;
use super::json::{error, json};
use super::page::base;
use crate::odata::name::SiteId;

/// `POST /api/cache/purge[?site=&set=]`.
pub(super) async fn purge(State(operator): State<Arc<Operator>>, request: Request) -> Response {
    let public_url = operator.settings.public_url.as_ref();
    if is_cross_site(request.headers(), request.uri(), public_url) {
        return error(
            StatusCode::FORBIDDEN,
            "CrossSite",
            "A web page of another origin sent this. Send it from a terminal, or from this server's page.",
        );
    }
    let wanted = Wanted::read(request.uri().query().unwrap_or_default());
    let site = wanted.site.as_deref().map(|name| operator.site(name));
    if let Some(None) = site {
        let message = "There is no site of that name; `/api/status` lists them.";
        return error(StatusCode::NOT_FOUND, "NotFound", message);
    }
    let purged = operator
        .watched
        .purge(site.flatten().as_ref(), wanted.set.as_deref())
        .await;
    tracing::info!(purged, "stored answers were forgotten on request");
    json(StatusCode::OK, &Purged { purged })
}

#[derive(Serialize)]
struct Purged {
    purged: usize,
}

impl Operator {
    fn site(&self, name: &str) -> Option<SiteId> {
        let site = SiteId::new(name)?;
        let sites = self.watched.status().sites;
        sites.into_iter().map(|s| s.site).find(|s| *s == site)
    }
}

/// What to forget; `None` is all.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    site: Option<String>,
    set: Option<String>,
}

impl Wanted {
    fn read(query: &str) -> Self {
        let mut wanted = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = Some(value.into_owned()).filter(|value| !value.is_empty());
            match &*name {
                "site" => wanted.site = value,
                "set" => wanted.set = value,
                _ => {}
            }
        }
        wanted
    }
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

    #[test]
    fn reads_what_to_forget() {
        let wanted = |site: Option<&str>, set: Option<&str>| Wanted {
            site: site.map(ToOwned::to_owned),
            set: set.map(ToOwned::to_owned),
        };
        assert_eq!(Wanted::read(""), wanted(None, None));
        assert_eq!(Wanted::read("site=&set="), wanted(None, None));
        assert_eq!(
            Wanted::read("set=Sess%69ons&site=main&x=1"),
            wanted(Some("main"), Some("Sessions"))
        );
    }
}
