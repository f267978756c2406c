//! How clients reach this server.

use http::Uri;
use url::Url;

use crate::odata::name::SiteId;

/// The address of this server as its clients know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Without a slash at its end: `http://localhost:8484`, `https://bi.example.com/citrix`.
    base: String,
    /// Its path: empty, or `/citrix`.
    path: String,
}

impl Address {
    /// The public one, else that under which this request came: `uri` is absolute.
    pub(super) fn of(public_url: Option<&Url>, uri: &Uri) -> Self {
        if let Some(url) = public_url {
            return Self {
                base: url.as_str().trim_end_matches('/').to_owned(),
                path: url.path().trim_end_matches('/').to_owned(),
            };
        }
        let scheme = uri.scheme_str().unwrap_or("http");
        let base = uri
            .authority()
            .map(|authority| format!("{scheme}://{authority}"));
        Self {
            base: base.unwrap_or_default(),
            path: String::new(),
        }
    }

    /// The address of one of our paths, for people and programs to copy. `path` begins with a slash.
    pub(super) fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A link to one of our paths in a page: without the host, so that it works behind anything that keeps the path.
    pub(super) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.path)
    }

    /// The service root of a site. That of the default site has no name in it.
    pub(super) fn service_root(&self, site: &SiteId, default: Option<&SiteId>) -> String {
        if default == Some(site) {
            self.absolute("/monitorodata")
        } else {
            self.absolute(&format!("/{site}/monitorodata"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_the_clients_or_the_public_one() {
        let uri = Uri::from_static("http://[::1]:8484/connect");
        let tls = Uri::from_static("https://bi:8484/");
        let public = |url: &str| Url::parse(url).ok();
        for (url, uri, absolute, link) in [
            (None, &uri, "http://[::1]:8484/explore", "/explore"),
            (None, &tls, "https://bi:8484/explore", "/explore"),
            (
                public("https://bi.example.com"),
                &uri,
                "https://bi.example.com/explore",
                "/explore",
            ),
            (
                public("https://bi.example.com/c/"),
                &uri,
                "https://bi.example.com/c/explore",
                "/c/explore",
            ),
        ] {
            let address = Address::of(url.as_ref(), uri);
            assert_eq!(address.absolute("/explore"), absolute);
            assert_eq!(address.link("/explore"), link);
        }
    }

    #[test]
    fn the_default_site_needs_no_name() {
        let address = Address::of(None, &Uri::from_static("http://localhost/"));
        let [main, lab] = ["main", "lab"].map(|name| SiteId::new(name).unwrap());
        for (site, expected) in [
            (&main, "http://localhost/monitorodata"),
            (&lab, "http://localhost/lab/monitorodata"),
        ] {
            assert_eq!(address.service_root(site, Some(&main)), expected);
        }
    }
}
