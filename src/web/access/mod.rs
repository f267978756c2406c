//! Who may ask: access keys, the pace of a client, and what browsers may do for pages of others.
//!
//! - [`keys`], [`credentials`], [`failures`]: who knows a key, how it is presented, and how loud wrong ones may be;
//! - [`pace`]: requests in a second, for each client of another machine;
//! - [`browser`], [`cors`]: what a browser says of the page behind a request, and which pages may read;
//! - [`headers`]: what every response tells browsers.
//!
//! Invariants: what nobody configured costs a request next to nothing; a key is looked at here and nowhere else, and is
//! gone from the request before anything below sees it. 401 and 403 come from here alone.

mod browser;
mod client;
mod cors;
mod credentials;
mod failures;
mod headers;
mod keys;
mod pace;

use std::net::IpAddr;
use std::num::NonZeroU32;

use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Method, Request, StatusCode, header};
use url::Url;

use self::browser::{Kind, Page, is_allowed};
use self::cors::Cors;
use self::failures::Failures;
use self::keys::{Keys, Known};
use self::pace::Pace;
use super::host::Authority;
use super::notes::Notes;
use super::odata::options;
use super::problem::Problem;
use super::refusal::Refusal;
use crate::odata::name::SiteId;

pub use keys::Key;

pub(crate) use credentials::{Credentials, without_key};
pub(crate) use headers::{Scheme, Seal};

/// What the operator decided about access.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Who may ask; nobody is asked for a key when there is none.
    pub keys: Vec<Key>,
    /// Origins whose pages may read answers, as browsers write them: `https://app.example.com`.
    pub cors_origins: Vec<String>,
    /// How many requests a client of another machine may send in a second, in the long run; `None` is any number.
    pub requests_per_second: Option<NonZeroU32>,
}

/// What a request asks for, as far as that decides who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope<'a> {
    /// What anybody may know.
    Open,
    /// One site's data.
    Site(&'a SiteId),
    /// What is of all sites: the operator's paths, and names of sites that there are not.
    AllSites,
}

/// The rules in force.
#[derive(Debug)]
pub(crate) struct Access {
    keys: Keys,
    failures: Failures,
    pace: Option<Pace>,
    cors: Cors,
    public_url: Option<Url>,
    scheme: Scheme,
}

impl Access {
    /// The rules for a server that is reached by this transport, and under `public_url` where there is one.
    pub(crate) fn new(settings: Settings, public_url: Option<Url>, scheme: Scheme) -> Self {
        Self {
            keys: Keys::new(settings.keys),
            failures: Failures::default(),
            pace: settings.requests_per_second.map(Pace::new),
            cors: Cors::new(&settings.cors_origins),
            public_url,
            scheme,
        }
    }

    /// How requests come.
    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Counts a request against its client's pace.
    pub(crate) fn pace(&self, client: Option<IpAddr>) -> Result<(), Problem> {
        match &self.pace {
            Some(pace) => pace.admit(client),
            None => Ok(()),
        }
    }

    /// The answer to `OPTIONS` where it is one for all paths: to the browser of a listed page, and to whoever shows no key to
    /// `scope`, because what may be asked differs by path, and so tells which there are. `None` for any other request.
    pub(crate) fn options(
        &self,
        request: &Parts,
        credentials: &Credentials,
        scope: Scope<'_>,
    ) -> Option<Response> {
        if request.method != Method::OPTIONS {
            return None;
        }
        if self.cors.is_preflight(&request.headers) {
            return Some(cors::preflight().into_response());
        }
        (!self.may_know(credentials, scope)).then(|| options(METHODS))
    }

    /// Whether a request asks for a page that is not listed whether it may ask: its browser gives up at the answer.
    pub(crate) fn is_stray_preflight<B>(&self, request: &Request<B>) -> bool {
        request.method() == Method::OPTIONS && self.cors.is_stray_preflight(request.headers())
    }

    /// Refuses what a browser sends for a page that is not ours.
    pub(crate) fn check_page(
        &self,
        request: &Parts,
        authority: &Authority,
        scope: Scope<'_>,
    ) -> Result<(), Problem> {
        let kind = Kind::of(&request.method, matches!(scope, Scope::Site(_)));
        let page = Page::of(
            &request.headers,
            |origin| self.is_own(origin, authority),
            |origin| self.cors.allows(origin),
        );
        if is_allowed(kind, page) {
            return Ok(());
        }
        let message = match kind {
            Kind::Write => {
                "A web page of another origin sent this. Send it from a terminal, or from this server's page."
            }
            Kind::Free | Kind::Read | Kind::Exchange => {
                "A web page of another origin asked for this. Open the address itself, or have the administrator add \
                 the page's origin to `server.cors_origins`."
            }
        };
        let problem = Problem::new(StatusCode::FORBIDDEN, "CrossSite", message);
        Err(problem.counted_as(Refusal::CrossSite))
    }

    /// Refuses whoever needs a key for `scope` and has none. Notes the name of the key that was used.
    pub(crate) fn check_key(
        &self,
        credentials: &Credentials,
        scope: Scope<'_>,
        client: Option<IpAddr>,
        notes: &Notes,
    ) -> Result<(), Problem> {
        if self.keys.is_empty() || scope == Scope::Open {
            return Ok(());
        }
        if credentials.presented().next().is_none() {
            return Err(unauthorized(NO_KEY, Refusal::NoKey));
        }
        // Before anything is said of wrong ones: many clients may share an address, and one of them may have an old key.
        let Some(key) = self.key(credentials) else {
            self.failures.note(client)?;
            return Err(unauthorized(WRONG_KEY, Refusal::WrongKey));
        };
        notes.facts().key = Some(key.name());
        if key.opens(scope) {
            Ok(())
        } else {
            Err(unauthorized(OTHER_SITE, Refusal::OtherSite))
        }
    }

    /// Whether whoever asks may learn what there is in `scope`: shows a key to it, or needs none for anything.
    fn may_know(&self, credentials: &Credentials, scope: Scope<'_>) -> bool {
        self.keys.is_empty() || self.key(credentials).is_some_and(|key| key.opens(scope))
    }

    /// The key that a request shows, when it is one of ours.
    fn key(&self, credentials: &Credentials) -> Option<&Known> {
        let mut presented = credentials.presented();
        presented.find_map(|text| self.keys.find(text.as_bytes()))
    }

    /// Whether requests have to show a key.
    pub(crate) fn asks_for_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// What the response to this request has to say to browsers.
    pub(crate) fn seal<B>(&self, request: &Request<B>) -> Seal {
        let host = request.uri().host().or_else(|| {
            let line = request.headers().get(header::HOST)?;
            line.to_str().ok()
        });
        Seal::new(self.cors.reader(request.headers()), self.scheme, host)
    }

    fn is_own(&self, origin: &Url, authority: &Authority) -> bool {
        let typed = format!("{}://{}", self.scheme.as_str(), authority.as_str());
        let typed = Url::parse(&typed).ok();
        let ours = typed.iter().chain(&self.public_url);
        ours.into_iter().any(|url| url.origin() == origin.origin())
    }
}

/// 401, with the ways to present a key.
fn unauthorized(message: &'static str, refusal: Refusal) -> Problem {
    Problem {
        challenges: true,
        refusal: Some(refusal),
        ..Problem::new(StatusCode::UNAUTHORIZED, "AccessKey", message)
    }
}

/// What anybody is told that a path answers, whether there is one or not.
const METHODS: &str = "GET, HEAD, POST, OPTIONS";

const NO_KEY: &str = "This server wants an access key, and the request has none. In Power BI or Excel choose Basic with the \
     key as the password and any user name; elsewhere send it as a bearer token, or as `?key=`. The administrator makes \
     keys with `citrix-odata-proxy key`.";

const WRONG_KEY: &str = "The access key is not known here. Check that all of it was pasted, and that it was not replaced: \
     in Power BI under Data source settings > Edit permissions. The administrator makes keys with \
     `citrix-odata-proxy key`.";

const OTHER_SITE: &str = "The access key is for other sites than this one. Ask for a site that it is for, as in \
     `/NAME/monitorodata`, or have the administrator add the site to the key in the settings.";
