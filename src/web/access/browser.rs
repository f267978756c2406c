//! What a browser says of the page behind a request, and what such a page may do. Pure.
//!
//! A page of a stranger that somebody on this machine looks at can make the browser send requests here, with the
//! passwords that the browser knows. Browsers say so (Fetch Metadata, `Origin`); terminals and report tools say nothing.
//!
//! That is enough: it needs no token in pages, no cookie and no state. Clients that say nothing are no browsers of today, and
//! what changes something asks for `Origin` as well.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use url::Url;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Asks what may be asked.
    Free,
    /// Reads, with GET or HEAD.
    Read,
    /// Reads, with a body that says what: OData's `$batch` and `$query`.
    Exchange,
    /// May change something.
    Write,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    site: Site,
    /// The browser's window goes there, with its address line, so that no page reads the answer.
    navigates: bool,
    origin: Origin,
}

/// `Sec-Fetch-Site`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Site {
    /// Not said: no browser of today.
    Unsaid,
    /// Our own page.
    Own,
    /// No page at all: the address line, a bookmark.
    NoPage,
    /// Any other. `same-site` is not enough to be ours: another port of this machine may be another user's.
    Foreign,
}

/// `Origin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Unsaid,
    Own,
    /// On the operator's list of those that may read.
    Listed,
    /// `null`: the browser does not say which it is. That is said of our own forms, too, since our pages have a
    /// `Referrer-Policy` of `no-referrer`.
    Hidden,
    Foreign,
}

impl Kind {
    /// What a request with this method does to a service of OData, or to one of the operator's paths.
    pub(super) fn of(method: &Method, is_odata: bool) -> Self {
        match *method {
            Method::OPTIONS => Self::Free,
            Method::GET | Method::HEAD => Self::Read,
            _ if is_odata => Self::Exchange,
            _ => Self::Write,
        }
    }
}

impl Page {
    /// What a request's headers say. The functions judge its origin, when it has one.
    pub(super) fn of(
        headers: &HeaderMap,
        is_own: impl FnOnce(&Url) -> bool,
        is_listed: impl FnOnce(&[u8]) -> bool,
    ) -> Self {
        let said = |name| headers.get(name).map(HeaderValue::as_bytes);
        let site = match said(SEC_FETCH_SITE) {
            None => Site::Unsaid,
            Some(b"same-origin") => Site::Own,
            Some(b"none") => Site::NoPage,
            Some(_) => Site::Foreign,
        };
        let navigates = site == Site::Foreign
            && said(SEC_FETCH_MODE) == Some(b"navigate")
            && said(SEC_FETCH_DEST) == Some(b"document");
        let origin = match headers.get(header::ORIGIN) {
            None => Origin::Unsaid,
            Some(origin) if origin == "null" => Origin::Hidden,
            Some(origin) if is_listed(origin.as_bytes()) => Origin::Listed,
            Some(origin) => {
                let origin = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
                match origin {
                    Some(origin) if is_own(&origin) => Origin::Own,
                    _ => Origin::Foreign,
                }
            }
        };
        Self {
            site,
            navigates,
            origin,
        }
    }
}

/// Whether a page may have its browser do this.
pub(super) fn is_allowed(kind: Kind, page: Page) -> bool {
    let foreign = page.site == Site::Foreign;
    match kind {
        Kind::Free => true,
        // An old browser says its origin and no more; what it may not read, it does not show to the page.
        Kind::Read => !foreign || page.navigates || page.origin == Origin::Listed,
        Kind::Exchange => page.origin == Origin::Listed || is_own(page),
        // A list of readers is no list of writers.
        Kind::Write => is_own(page),
    }
}

/// Whether nothing is said of another page.
fn is_own(page: Page) -> bool {
    match page.origin {
        Origin::Unsaid | Origin::Own => page.site != Site::Foreign,
        Origin::Hidden => page.site == Site::Own,
        Origin::Listed | Origin::Foreign => false,
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

#[cfg(test)]
mod tests {
    use super::*;

    /// `site`, `mode`, `dest` and `origin`, `-` for one that is not said.
    fn page(text: &str) -> Page {
        let names = [
            SEC_FETCH_SITE,
            SEC_FETCH_MODE,
            SEC_FETCH_DEST,
            header::ORIGIN,
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in names.into_iter().zip(text.split(' ')) {
            if value != "-" {
                headers.insert(name, value.parse().unwrap());
            }
        }
        Page::of(
            &headers,
            |origin| origin.as_str() == "http://localhost:8484/",
            |origin| origin == b"https://app.example.com",
        )
    }

    /// What is said, then whether GET, POST to a service, and POST to the operator's paths are allowed.
    const PAGES: &[(&str, bool, bool, bool)] = &[
        // Terminals and report tools.
        ("- - - -", true, true, true),
        // Our own pages, the address line.
        ("same-origin cors empty -", true, true, true),
        (
            "same-origin cors empty http://localhost:8484",
            true,
            true,
            true,
        ),
        ("none navigate document -", true, true, true),
        // A form of ours, and what pretends to be one.
        ("same-origin navigate document null", true, true, true),
        ("none navigate document null", true, false, false),
        (
            "same-origin cors empty https://evil.example",
            true,
            false,
            false,
        ),
        // Scripts, pictures and frames of other pages; another port of this machine.
        ("cross-site no-cors image -", false, false, false),
        ("cross-site no-cors script -", false, false, false),
        ("cross-site navigate iframe -", false, false, false),
        (
            "cross-site cors empty https://evil.example",
            false,
            false,
            false,
        ),
        (
            "same-site cors empty http://localhost:3000",
            false,
            false,
            false,
        ),
        ("same-site no-cors empty -", false, false, false),
        ("cross-site cors empty null", false, false, false),
        ("cross-site - - -", false, false, false),
        ("new-word cors empty -", false, false, false),
        // Links, and forms.
        ("cross-site navigate document -", true, false, false),
        ("same-site navigate document -", true, false, false),
        (
            "cross-site navigate document https://evil.example",
            true,
            false,
            false,
        ),
        // Old browsers.
        ("- - - https://evil.example", true, false, false),
        ("- - - null", true, false, false),
        ("- - - http://localhost:8485", true, false, false),
        ("- - - http://localhost:8484", true, true, true),
        // The list.
        (
            "cross-site cors empty https://app.example.com",
            true,
            true,
            false,
        ),
        ("- - - https://app.example.com", true, true, false),
        (
            "cross-site cors empty https://app.example.com.evil.example",
            false,
            false,
            false,
        ),
        (
            "cross-site cors empty http://app.example.com",
            false,
            false,
            false,
        ),
    ];

    #[test]
    fn only_our_own_pages_and_those_on_the_list_may_read_and_only_our_own_may_write() {
        for &(said, read, exchange, write) in PAGES {
            let page = page(said);
            let found =
                [Kind::Read, Kind::Exchange, Kind::Write].map(|kind| is_allowed(kind, page));
            assert_eq!(found, [read, exchange, write], "{said}");
            assert!(is_allowed(Kind::Free, page));
        }
    }

    #[test]
    fn methods_read_or_write() {
        for (method, odata, operator) in [
            (Method::GET, Kind::Read, Kind::Read),
            (Method::HEAD, Kind::Read, Kind::Read),
            (Method::OPTIONS, Kind::Free, Kind::Free),
            (Method::POST, Kind::Exchange, Kind::Write),
            (Method::DELETE, Kind::Exchange, Kind::Write),
            (Method::TRACE, Kind::Exchange, Kind::Write),
        ] {
            assert_eq!(Kind::of(&method, true), odata, "{method}");
            assert_eq!(Kind::of(&method, false), operator, "{method}");
        }
    }
}
