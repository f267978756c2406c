//! From a path to whoever answers it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Router};
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Method, Request, StatusCode, Uri};
use tower::ServiceExt;
use url::Url;

use super::access::{Access, Credentials, Scope};
use super::host::Authority;
use super::local::service_root;
use super::notes::{Notes, Place};
use super::odata::{self, Call};
use super::problem::{Problem, either};
use super::route::{Route, route, tidy};
use super::source::Source;
use crate::odata::name::SiteId;

/// What answers.
pub(crate) struct Surface {
    source: Arc<dyn Source>,
    sites: Vec<SiteId>,
    /// The site of `/monitorodata`.
    default_site: Option<SiteId>,
    operator: Router,
    public_url: Option<Url>,
}

/// A request under a host name that is ours.
#[derive(Debug)]
pub(crate) struct Admitted<B> {
    pub request: Request<B>,
    pub authority: Authority,
    /// `None` for a client within this process.
    pub client: Option<IpAddr>,
    /// Taken out of the request.
    pub credentials: Credentials,
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
            sites: source.sites(),
            default_site: source.default_site(),
            source,
            operator,
            public_url,
        }
    }

    /// Answers a request of any path, if its client has access to that.
    pub(crate) async fn answer<B>(
        &self,
        admitted: Admitted<B>,
        access: &Access,
        notes: &Notes,
    ) -> Response
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let Admitted {
            request,
            authority,
            client,
            credentials,
        } = admitted;
        let (mut parts, body) = request.into_parts();
        if let Some(response) = access.preflight(&parts) {
            return response;
        }
        let path = tidy(parts.uri.path());
        let route = route(&path);
        let site = match route {
            Route::Odata { site, .. } => self.site(site),
            Route::Operator => None,
        };
        let scope = scope(&parts.method, &path, site);
        let checked = access
            .check_page(&parts, &authority, scope)
            .and_then(|()| access.check_key(&credentials, scope, client, notes));
        if let Err(problem) = checked {
            return problem.into_response();
        }
        let Route::Odata { root, below, .. } = route else {
            notes.facts().place = operator_place(&path).map(Place::Operator);
            // The router must not see another path than the one that was judged.
            let scheme = access.scheme().as_str();
            let Some(uri) = operator_uri(&path, &parts.uri, scheme, &authority) else {
                return not_found(&*self.source, parts.uri.path()).into_response();
            };
            parts.uri = uri;
            let request = Request::from_parts(parts, Body::new(body));
            return self.operator(request).await;
        };
        let Some(site) = site else {
            return not_found(&*self.source, parts.uri.path()).into_response();
        };
        let call = Call {
            site,
            root: service_root(
                self.public_url.as_ref(),
                access.scheme().as_str(),
                &authority,
                root,
            ),
            below,
            request: &parts,
            client,
        };
        odata::serve(&*self.source, call, notes).await
    }

    /// The site of that name, whatever its case.
    fn site(&self, named: Option<&str>) -> Option<&SiteId> {
        let Some(name) = named else {
            return self.default_site.as_ref();
        };
        let mut sites = self.sites.iter();
        sites.find(|site| site.as_str().eq_ignore_ascii_case(name))
    }

    async fn operator(&self, request: Request<Body>) -> Response {
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
/// to "are you there", the looks of pages, and what may be asked.
fn scope<'a>(method: &Method, path: &str, site: Option<&'a SiteId>) -> Scope<'a> {
    let open = OPEN_PATHS.contains(&path) || path.starts_with(ASSETS);
    match site {
        _ if *method == Method::OPTIONS => Scope::Open,
        Some(site) => Scope::Site(site),
        None if open => Scope::Open,
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

fn not_found(source: &dyn Source, path: &str) -> Problem {
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
/// Those that need no key.
const OPEN_PATHS: [&str; 2] = ["/healthz", "/readyz"];
/// Below it, style sheets and scripts of the pages.
const ASSETS: &str = "/assets/";
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
        for (method, path, site, expected) in [
            (
                Method::GET,
                "/monitorodata/Users",
                Some(&main),
                Scope::Site(&main),
            ),
            (
                Method::POST,
                "/monitorodata/$batch",
                Some(&main),
                Scope::Site(&main),
            ),
            (
                Method::OPTIONS,
                "/monitorodata/Users",
                Some(&main),
                Scope::Open,
            ),
            (Method::GET, "/mian/monitorodata", None, Scope::AllSites),
            (Method::GET, "/", None, Scope::AllSites),
            (Method::GET, "/metrics", None, Scope::AllSites),
            (Method::POST, "/api/cache/purge", None, Scope::AllSites),
            (Method::GET, "/explore", None, Scope::AllSites),
            (Method::GET, "/connect/power-bi", None, Scope::AllSites),
            (Method::GET, "/healthz", None, Scope::Open),
            (Method::GET, "/healthz/x", None, Scope::AllSites),
            (Method::GET, "/readyz", None, Scope::Open),
            (Method::GET, "/assets/page.css", None, Scope::Open),
            (Method::GET, "/assets", None, Scope::AllSites),
        ] {
            let found = scope(&method, path, site);
            assert_eq!(found, expected, "{method} {path}");
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
