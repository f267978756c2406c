//! From a path to whoever answers it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Router};
use bytes::Bytes;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Request, StatusCode, Uri};
use tower::ServiceExt;
use url::Url;

use super::access::{Access, Credentials, Scope};
use super::batch::{self, Locator, Means};
use super::exchange::{Exchange, exchange};
use super::host::{AllowedHosts, Authority};
use super::local::service_root;
use super::notes::{Notes, Place};
use super::odata::{self, Call};
use super::problem::{Problem, either};
use super::query;
use super::readings::Readings;
use super::request_id::RequestId;
use super::route::{Route, route, tidy};
use super::sites::Sites;
use super::source::Source;
use crate::odata::name::SiteId;

/// What answers.
pub(crate) struct Surface {
    source: Arc<dyn Source>,
    sites: Sites,
    operator: Router,
    public_url: Option<Url>,
    readings: Readings,
}

/// A request under a host name that is ours.
#[derive(Debug)]
pub(crate) struct Admitted<'a, B> {
    pub parts: &'a Parts,
    pub body: B,
    pub authority: &'a Authority,
    /// `None` for a client within this process.
    pub client: Option<IpAddr>,
    /// Taken out of the request.
    pub credentials: &'a Credentials,
    /// The request's name.
    pub id: RequestId,
    /// The names that are ours.
    pub hosts: &'a AllowedHosts,
}

impl Surface {
    /// The OData services of `source`, and `operator` for other paths. Paths and methods that `operator` does
    /// not know get our errors.
    pub(crate) fn new(source: Arc<dyn Source>, operator: Router, public_url: Option<Url>) -> Self {
        let known = Arc::clone(&source);
        let operator = operator
            .fallback(async move |request: axum::extract::Request| {
                not_found(&*known, request.uri().path())
            })
            .method_not_allowed_fallback(async || Problem::method_not_allowed(None));
        Self {
            sites: Sites {
                all: source.sites(),
                default: source.default_site(),
            },
            source,
            operator,
            public_url,
            readings: Readings::new(),
        }
    }

    /// Answers a request of any path, if its client has access to that.
    pub(crate) async fn answer<B>(
        &self,
        admitted: Admitted<'_, B>,
        access: &Access,
        notes: &Notes,
    ) -> Response
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let Admitted {
            parts,
            body,
            authority,
            client,
            credentials,
            id,
            hosts,
        } = admitted;
        let path = tidy(parts.uri.path());
        let route = route(&path);
        let site = match route {
            Route::Odata { site, .. } => self.sites.named(site),
            Route::Operator => None,
        };
        let (scheme, scope) = (access.scheme().as_str(), scope(&path, site));
        if let Some(response) = access.options(parts, credentials, scope) {
            return response;
        }
        let checked = access
            .check_page(parts, authority, scope)
            .and_then(|()| access.check_key(credentials, scope, client, notes));
        if let Err(problem) = checked {
            return problem.into_response();
        }
        let Route::Odata { root, below, .. } = route else {
            notes.facts().place = operator_place(&path).map(Place::Operator);
            // The router must not see another path than the one that was judged.
            let uri = operator_uri(&path, &parts.uri, scheme, authority);
            return self
                .operator(uri, Request::from_parts(parts.clone(), Body::new(body)))
                .await;
        };
        let Some(site) = site else {
            return not_found(&*self.source, parts.uri.path()).into_response();
        };
        let call = Call {
            site,
            root: service_root(self.public_url.as_ref(), scheme, authority, root),
            below,
            query: parts.uri.query(),
            request: parts,
            client,
            readings: &self.readings,
        };
        // Boxed, so that a plain question does not carry the room for what only others need.
        match exchange(below) {
            None => odata::serve(&*self.source, call, notes).await,
            Some(Exchange::Query { below }) => {
                let call = Call { below, ..call };
                let answered = query::serve(&*self.source, call, Body::new(body), notes);
                Box::pin(answered).await
            }
            Some(Exchange::Batch) => {
                let means = Means {
                    source: Arc::clone(&self.source),
                    locator: Locator {
                        hosts,
                        sites: &self.sites,
                        site,
                        scheme,
                        authority,
                        root,
                        public_url: self.public_url.as_ref(),
                    },
                    id,
                };
                Box::pin(batch::serve(means, call, Body::new(body), notes)).await
            }
        }
    }

    /// The answer of the operator's router to a request in absolute form; none has that form when its path cannot be one.
    async fn operator(&self, uri: Option<Uri>, mut request: Request<Body>) -> Response {
        let Some(uri) = uri else {
            return not_found(&*self.source, request.uri().path()).into_response();
        };
        *request.uri_mut() = uri;
        match self.operator.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// The known path that this is, or is below.
fn operator_place(path: &str) -> Option<&'static str> {
    let above = || {
        let (first, _) = path.strip_prefix('/')?.split_once('/')?;
        OPERATOR_FOLDERS
            .into_iter()
            .find(|folder| folder.strip_prefix('/') == Some(first))
    };
    let mut known = OPERATOR_PATHS.into_iter();
    known.find(|known| *known == path).or_else(above)
}

/// What a request is about, for who may ask: `site` is the one that its path leads to. Without a key there are the answers
/// to "are you there", and the looks of pages.
fn scope<'a>(path: &str, site: Option<&'a SiteId>) -> Scope<'a> {
    match site {
        Some(site) => Scope::Site(site),
        None if OPEN_PATHS.contains(&path) => Scope::Open,
        None => Scope::AllSites,
    }
}

/// The tidy path, in absolute form, so that the operator's page knows the address that was used.
fn operator_uri(path: &str, uri: &Uri, scheme: &str, authority: &Authority) -> Option<Uri> {
    let query = uri.query().map(|query| format!("?{query}"));
    let path = format!("{path}{}", query.unwrap_or_default());
    Uri::builder()
        .scheme(scheme)
        .authority(authority.as_str())
        .path_and_query(PathAndQuery::try_from(path).ok()?)
        .build()
        .ok()
}

/// Names the paths that there are, except at a path that is open to all: there nobody has shown a key.
fn not_found(source: &dyn Source, path: &str) -> Problem {
    if OPEN_PATHS.contains(&path) {
        let message = "This server does not have what is usually at this path.";
        return Problem::new(StatusCode::NOT_FOUND, "NotFound", message);
    }
    let mut known: Vec<String> = OPERATOR_PATHS.map(ToOwned::to_owned).into();
    known.extend(source.default_site().map(|_| "/monitorodata".to_owned()));
    let sites = source.sites();
    let services: Vec<String> = sites
        .iter()
        .map(|site| format!("/{site}/monitorodata"))
        .collect();
    let address = match (source.default_site(), &*services) {
        (Some(_), _) => "/monitorodata".to_owned(),
        (None, services) => services.join(", "),
    };
    known.extend(services);
    let near = nearest(path, &known);
    let hint = if near.is_empty() {
        String::new()
    } else {
        format!(" Did you mean {}?", either(&near))
    };
    let message = format!(
        "There is nothing at this path.{hint} The OData service is at {address}, and a page for people at /."
    );
    Problem::new(StatusCode::NOT_FOUND, "NotFound", message)
}

/// The paths most like `path`, best first, three at most.
fn nearest<'a>(path: &str, known: &'a [String]) -> Vec<&'a str> {
    let path = path.to_ascii_lowercase();
    let likeness = |candidate: &str| strsim::jaro_winkler(candidate, &path);
    let mut near: Vec<(f64, &str)> = known
        .iter()
        .map(|candidate| (likeness(candidate), candidate.as_str()))
        .filter(|(likeness, _)| *likeness > LIKENESS_MIN)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(3).map(|(_, path)| path).collect()
}

/// Known ones, for hints and for the log.
const OPERATOR_PATHS: [&str; 9] = [
    "/",
    "/explore",
    "/connect",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/status",
    "/api/cache/purge",
    "/api/cache/refresh",
];
/// Those with more paths below them.
const OPERATOR_FOLDERS: [&str; 3] = ["/assets", "/explore", "/connect"];
/// Those that need no key: "are you there", and style, script and icon of the pages.
const OPEN_PATHS: [&str; 5] = [
    "/healthz",
    "/readyz",
    "/assets/page.css",
    "/assets/page.js",
    "/assets/icon.svg",
];
/// Paths less alike than this (Jaro–Winkler, 0 to 1) are not offered.
const LIKENESS_MIN: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_paths_are_logged_without_what_is_below_them() {
        for (path, expected) in [
            ("/", Some("/")),
            ("/explore", Some("/explore")),
            ("/explore/main/Users", Some("/explore")),
            ("/assets/page.css", Some("/assets")),
            ("/assets", None),
            ("/metrics/x", None),
            ("/explorer", None),
        ] {
            assert_eq!(operator_place(path), expected, "{path}");
        }
    }

    #[test]
    fn only_a_few_paths_are_open_to_all() {
        let main = SiteId::new("main").unwrap();
        for (path, site, expected) in [
            ("/monitorodata/Users", Some(&main), Scope::Site(&main)),
            ("/monitorodata/$batch", Some(&main), Scope::Site(&main)),
            ("/mian/monitorodata", None, Scope::AllSites),
            ("/", None, Scope::AllSites),
            ("/metrics", None, Scope::AllSites),
            ("/api/cache/purge", None, Scope::AllSites),
            ("/explore", None, Scope::AllSites),
            ("/connect/power-bi", None, Scope::AllSites),
            ("/healthz", None, Scope::Open),
            ("/healthz/x", None, Scope::AllSites),
            ("/readyz", None, Scope::Open),
            ("/assets/page.css", None, Scope::Open),
            ("/assets", None, Scope::AllSites),
            ("/assets/page.css/x", None, Scope::AllSites),
            ("/assets/other.css", None, Scope::AllSites),
        ] {
            assert_eq!(scope(path, site), expected, "{path}");
        }
    }

    #[test]
    fn near_paths_are_named() {
        let known = [
            "/monitorodata",
            "/main/monitorodata",
            "/healthz",
            "/metrics",
        ];
        let known = known.map(ToOwned::to_owned);
        for (path, expected) in [
            ("/monitordata", "/monitorodata"),
            ("/mian/monitorodata", "/main/monitorodata"),
            ("/health", "/healthz"),
        ] {
            assert_eq!(nearest(path, &known).first(), Some(&expected), "{path}");
        }
        assert!(nearest("/x", &known).is_empty());
    }
}
