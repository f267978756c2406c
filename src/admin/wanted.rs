//! Which stored answers a request is about: `?site=&set=`.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

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

impl Wanted {
    /// Reads a query. Names without a value are as if they were not there, and so are unknown ones.
    pub(super) fn read(query: Option<&str>, sites: &[SiteId]) -> Result<Self, NoSuchSite> {
        let mut wanted = Self::default();
        let query = query.unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = Some(value).filter(|value| !value.is_empty());
            match &*name {
                "site" => {
                    let known = |value: &str| sites.iter().find(|site| site.as_str() == value);
                    let site = value.map(|value| known(&value).cloned().ok_or(NoSuchSite));
                    wanted.site = site.transpose()?;
                }
                "set" => wanted.set = value.map(std::borrow::Cow::into_owned),
                _ => {}
            }
        }
        Ok(wanted)
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
}
