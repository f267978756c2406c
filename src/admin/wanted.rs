//! Which stored answers a request is about: `?site=&set=`.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};
use http_body::Body;
use url::form_urlencoded;

use super::json::error;
use crate::gateway::Which;
use crate::odata::name::SiteId;

/// Which stored answers are meant; `None` is all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    site: Option<SiteId>,
    set: Option<String>,
}

/// A site was named that is not configured.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoSuchSite;

/// Why an order to change something is not followed. What is misspelt must not mean more than what was meant: without options,
/// all stored answers are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// An option that is not known here.
    Unknown(String),
    /// A known option without a value: a script's empty variable, perhaps.
    Empty(&'static str),
    /// A known option that comes again.
    Repeated(&'static str),
    /// A body, where nobody looks for options.
    Body,
    /// The site is not known.
    Site(NoSuchSite),
}

impl Wanted {
    /// Reads the query of a look. Names without a value are as if they were not there, and so are unknown ones.
    pub(super) fn read(query: Option<&str>, sites: &[SiteId]) -> Result<Self, NoSuchSite> {
        let mut wanted = Self::default();
        let query = query.unwrap_or_default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = Some(value).filter(|value| !value.is_empty());
            match &*name {
                SITE => {
                    let known = |value: &str| sites.iter().find(|site| site.as_str() == value);
                    let site = value.map(|value| known(&value).cloned().ok_or(NoSuchSite));
                    wanted.site = site.transpose()?;
                }
                SET => wanted.set = value.map(Cow::into_owned),
                _ => {}
            }
        }
        Ok(wanted)
    }

    /// Reads an order to change something: each option is known, has a value, and comes once, in the query.
    pub(super) fn ordered(request: &Request<impl Body>, sites: &[SiteId]) -> Result<Self, Refused> {
        // One in chunks tells no length, and may turn out to be empty; who sends one means something by it.
        let body = request.body();
        if !body.is_end_stream() && body.size_hint().exact() != Some(0) {
            return Err(Refused::Body);
        }
        let query = request.uri().query();
        let mut seen = Vec::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let known = [SITE, SET].into_iter().find(|known| *known == name);
            let known = known.ok_or_else(|| Refused::Unknown(name.into_owned()))?;
            if value.is_empty() {
                return Err(Refused::Empty(known));
            }
            if seen.contains(&known) {
                return Err(Refused::Repeated(known));
            }
            seen.push(known);
        }
        Self::read(query, sites).map_err(Refused::Site)
    }

    /// The same, for the gateway.
    pub(super) fn which(&self) -> Which<'_> {
        Which {
            site: self.site.as_ref(),
            set: self.set.as_deref(),
        }
    }
}

impl IntoResponse for NoSuchSite {
    fn into_response(self) -> Response {
        let message = "There is no site of that name; `/api/status` lists them.";
        error(StatusCode::NOT_FOUND, "NotFound", message)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let what = match self {
            Self::Site(no_such_site) => return no_such_site.into_response(),
            Self::Unknown(name) => {
                let name: String = name.chars().take(NAME_CHARS_MAX).collect();
                format!("There is no option `{name}` here.")
            }
            Self::Empty(name) => format!("The option `{name}` has no value."),
            Self::Repeated(name) => format!("The option `{name}` comes more than once."),
            Self::Body => "Options are read from the URL, and this request has a body.".to_owned(),
        };
        let message = format!(
            "{what} Nothing was done. The options are `?site=` and `?set=`, each once and with a value; leave both out to mean \
             all stored answers."
        );
        error(StatusCode::BAD_REQUEST, "InvalidRequest", &message)
    }
}

const SITE: &str = "site";
const SET: &str = "set";

/// So much of an unknown name is repeated.
const NAME_CHARS_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_wanted() {
        let main = SiteId::new("main").unwrap();
        let sites = [main.clone()];
        let wanted = |site: Option<&SiteId>, set: Option<&str>| {
            Ok(Wanted {
                site: site.cloned(),
                set: set.map(ToOwned::to_owned),
            })
        };
        for (query, expected) in [
            (None, wanted(None, None)),
            (Some(""), wanted(None, None)),
            (Some("site=&set="), wanted(None, None)),
            (
                Some("set=Sess%69ons&site=main&x=1"),
                wanted(Some(&main), Some("Sessions")),
            ),
            (Some("site=mian"), Err(NoSuchSite)),
            (Some("site=%00"), Err(NoSuchSite)),
        ] {
            assert_eq!(Wanted::read(query, &sites), expected, "{query:?}");
        }
    }

    #[test]
    fn an_order_is_taken_at_its_word_or_not_at_all() {
        let main = SiteId::new("main").unwrap();
        let sites = [main.clone()];
        let unknown = |name: &str| Err(Refused::Unknown(name.to_owned()));
        let wanted = |site: Option<&SiteId>, set: Option<&str>| {
            Ok(Wanted {
                site: site.cloned(),
                set: set.map(ToOwned::to_owned),
            })
        };
        for (path, expected) in [
            ("/", wanted(None, None)),
            ("/?", wanted(None, None)),
            ("/?set=Users", wanted(None, Some("Users"))),
            ("/?set=Users&site=main", wanted(Some(&main), Some("Users"))),
            ("/?site=mian", Err(Refused::Site(NoSuchSite))),
            ("/?sets=Users", unknown("sets")),
            ("/?Set=Users", unknown("Set")),
            ("/?site=main&entityset=Users", unknown("entityset")),
            ("/?Users", unknown("Users")),
            ("/?=Users", unknown("")),
            ("/?set=", Err(Refused::Empty("set"))),
            ("/?site=main&set", Err(Refused::Empty("set"))),
            ("/?site=&set=Users", Err(Refused::Empty("site"))),
            ("/?set=Users&set=Users", Err(Refused::Repeated("set"))),
            ("/?site=main&site=lab", Err(Refused::Repeated("site"))),
        ] {
            let request = Request::post(path).body(String::new()).unwrap();
            assert_eq!(Wanted::ordered(&request, &sites), expected, "{path}");
        }
        let told = axum::body::Body::from("set=Users");
        // Sent in chunks.
        let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>("set=Users")]);
        for body in [told, axum::body::Body::from_stream(chunks)] {
            let request = Request::post("/").body(body).unwrap();
            assert_eq!(Wanted::ordered(&request, &sites), Err(Refused::Body));
        }
    }
}
