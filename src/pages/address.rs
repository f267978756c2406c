//! How clients reach this server.

use http::{HeaderMap, HeaderName, Uri, header};
use url::Url;

use crate::odata::name::SiteId;

/// The address of this server as its clients know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Without a slash at its end: `http://localhost:8484`, `https://bi.example.com/citrix`.
    base: String,
    /// What stands before our paths for the browser that asks: empty, or `/citrix`.
    path: String,
}

impl Address {
    /// The public one, else that under which this request came: `uri` is absolute.
    ///
    /// The public path is known to what stands in front alone: a browser on this machine, which asks us directly, must not
    /// be led there.
    pub(super) fn of(public_url: Option<&Url>, uri: &Uri, headers: &HeaderMap) -> Self {
        if let Some(url) = public_url {
            let path = if is_at(url, uri) || is_forwarded(headers) {
                url.path()
            } else {
                ""
            };
            return Self {
                base: url.as_str().trim_end_matches('/').to_owned(),
                path: path.trim_end_matches('/').to_owned(),
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

/// Whether a request for `uri` came under the host and port of `url`. A reverse proxy may leave out the port.
fn is_at(url: &Url, uri: &Uri) -> bool {
    let (Some(public), Some(ours)) = (url.host_str(), uri.host()) else {
        return false;
    };
    let port = uri.port_u16();
    public.eq_ignore_ascii_case(ours) && (port.is_none() || port == url.port_or_known_default())
}

/// Whether something in front says that it passed the request on: IIS and Apache do, and put our own host into `Host`.
fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDED.iter().any(|name| headers.contains_key(name))
}

/// What reverse proxies add to a request, and browsers do not.
const FORWARDED: [HeaderName; 4] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

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
                "/explore",
            ),
            (
                public("https://bi.example.com/c/"),
                &Uri::from_static("http://BI.example.com/"),
                "https://bi.example.com/c/explore",
                "/c/explore",
            ),
        ] {
            let address = Address::of(url.as_ref(), uri, &HeaderMap::new());
            assert_eq!(address.absolute("/explore"), absolute);
            assert_eq!(address.link("/explore"), link);
        }
    }

    #[test]
    fn the_public_path_is_for_those_who_came_by_it() {
        let standard = "https://bi.example.com/c";
        for (public, asked, passed_on_by, expected) in [
            (standard, "http://bi.example.com/", None, "/c/explore"),
            (standard, "http://bi.example.com:443/", None, "/c/explore"),
            // On the machine itself, or past what stands in front.
            (standard, "http://localhost:8484/", None, "/explore"),
            (standard, "http://bi.example.com:8484/", None, "/explore"),
            (standard, "http://c.bi.example.com/", None, "/explore"),
            ("https://bi:444/c", "http://bi:444/", None, "/c/explore"),
            ("https://bi:444/c", "http://bi/", None, "/c/explore"),
            ("https://bi:444/c", "http://bi:443/", None, "/explore"),
            ("http://[::1]:80/c", "http://[::1]:80/", None, "/c/explore"),
            ("http://[::1]:80/c", "http://[::1]:81/", None, "/explore"),
            // By a reverse proxy that calls us by our own name.
            (
                standard,
                "http://localhost:8484/",
                Some("x-forwarded-for"),
                "/c/explore",
            ),
            (
                standard,
                "http://localhost:8484/",
                Some("via"),
                "/c/explore",
            ),
            (standard, "http://localhost:8484/", Some("dnt"), "/explore"),
        ] {
            let url = Url::parse(public).unwrap();
            let mut headers = HeaderMap::new();
            if let Some(name) = passed_on_by {
                headers.insert(name, HeaderValue::from_static("1"));
            }
            let address = Address::of(Some(&url), &Uri::from_static(asked), &headers);
            assert_eq!(address.link("/explore"), expected, "{public} {asked}");
            let copied = address.absolute("/explore");
            assert_eq!(copied, format!("{}/explore", url.as_str()));
        }
    }

    #[test]
    fn the_default_site_needs_no_name() {
        let uri = Uri::from_static("http://localhost/");
        let address = Address::of(None, &uri, &HeaderMap::new());
        let [main, lab] = ["main", "lab"].map(|name| SiteId::new(name).unwrap());
        for (site, expected) in [
            (&main, "http://localhost/monitorodata"),
            (&lab, "http://localhost/lab/monitorodata"),
        ] {
            assert_eq!(address.service_root(site, Some(&main)), expected);
        }
    }
}
