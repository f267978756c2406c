//! From a path to whoever answers it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::uri::{PathAndQuery, Scheme};
use http::{StatusCode, Uri};
use tower::ServiceExt;
use url::Url;

use super::host::Authority;
use super::local::service_root;
use super::notes::Notes;
use super::odata::{self, Call};
use super::problem::{Problem, either};
use super::route::{Route, route};
use super::source::Source;
use crate::odata::name::SiteId;

/// What answers.
pub(crate) struct Surface {
    source: Arc<dyn Source>,
    operator: Router,
    public_url: Option<Url>,
}

impl Surface {
    /// The OData services of `source`, and `operator` for other paths. Paths and methods that `operator` does
    /// not know get our errors.
    pub(crate) fn new(source: Arc<dyn Source>, operator: Router, public_url: Option<Url>) -> Self {
        let known = Arc::clone(&source);
        let operator = operator
            .fallback(async move |request: Request| not_found(&*known, request.uri().path()))
            .method_not_allowed_fallback(async || Problem::method_not_allowed(None));
        Self {
            source,
            operator,
            public_url,
        }
    }

    fn site(&self, named: Option<&str>) -> Option<SiteId> {
        match named {
            Some(name) => SiteId::new(name).filter(|site| self.source.sites().contains(site)),
            None => self.source.default_site(),
        }
    }

    async fn odata(&self, call: Call<'_>, notes: &Notes) -> Response {
        odata::serve(&*self.source, call, notes).await
    }

    async fn operator(&self, request: Request) -> Response {
        match self.operator.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Answers a request of any path.
pub(crate) async fn dispatch(State(surface): State<Arc<Surface>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let notes = parts.extensions.get().cloned().unwrap_or_default();
    let Some(authority) = parts.extensions.get::<Authority>().cloned() else {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    };
    match route(parts.uri.path()) {
        Route::Odata { site, root, below } => {
            let Some(site) = surface.site(site.as_deref()) else {
                return not_found(&*surface.source, parts.uri.path()).into_response();
            };
            let call = Call {
                site,
                root: service_root(surface.public_url.as_ref(), &authority, &root),
                below: &below,
                request: &parts,
            };
            surface.odata(call, &notes).await
        }
        Route::Operator { path } => {
            if OPERATOR_PATHS.contains(&&*path) {
                notes.facts().shape = Some(path.clone());
            }
            if let Some(uri) = operator_uri(&path, &parts.uri, &authority) {
                parts.uri = uri;
            }
            surface.operator(Request::from_parts(parts, body)).await
        }
    }
}

/// The tidy path, in absolute form, so that the operator's page knows the address that was used.
fn operator_uri(path: &str, uri: &Uri, authority: &Authority) -> Option<Uri> {
    let query = uri.query().map(|query| format!("?{query}"));
    let path = format!("{path}{}", query.unwrap_or_default());
    Uri::builder()
        .scheme(Scheme::HTTP)
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
const OPERATOR_PATHS: [&str; 6] = [
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/status",
    "/api/cache/purge",
];
/// Paths less alike than this (Jaro–Winkler, 0 to 1) are not offered.
const LIKENESS_MIN: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;

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
