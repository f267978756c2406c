//! Where the URL of a request in a batch leads. Pure.
//!
//! It may be absolute, a path from the host's root, with a `Host` or without one, or a path from the service root, which
//! is where `$batch` is. It must stay within the site that the batch was sent to: who may ask that site was decided for the
//! batch as a whole.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

use super::super::access::without_key;
use super::super::exchange::{Exchange, exchange};
use super::super::host::{AllowedHosts, Authority};
use super::super::local::service_root;
use super::super::problem::Problem;
use super::super::query;
use super::super::route::{Route, route, tidy};
use super::super::sites::Sites;
use super::item::{Inner, METHODS, refusal};
use crate::odata::name::SiteId;

/// What the URLs in a batch are read with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Locator<'a> {
    /// Host names that are ours.
    pub hosts: &'a AllowedHosts,
    /// All sites.
    pub sites: &'a Sites,
    /// The site of the batch.
    pub site: &'a SiteId,
    /// `http`, or `https` over TLS that ends here.
    pub scheme: &'static str,
    /// Under which host it was sent.
    pub authority: &'a Authority,
    /// The service root's path, as the client typed it for the batch.
    pub root: &'a str,
    /// How clients reach us when something in front changes scheme, host or path.
    pub public_url: Option<&'a Url>,
}

/// A read, found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// GET or HEAD.
    pub method: Method,
    /// The service root for links in its answer.
    pub root: Bytes,
    /// The path below it, encoded.
    pub below: String,
    /// The query, encoded.
    pub query: Option<String>,
    /// The headers that count within a batch.
    pub headers: HeaderMap,
}

/// A path, and the address under which it was asked for.
struct Located<'a> {
    root: Bytes,
    below: Cow<'a, str>,
    query: Option<&'a str>,
}

impl Locator<'_> {
    /// Where a request leads. `is_id` tells names of requests of the batch, which URLs may refer to.
    pub(crate) fn locate(
        &self,
        inner: Inner,
        is_id: impl Fn(&str) -> bool,
    ) -> Result<Target, Problem> {
        // Spaces and the like are not for URLs, and stand in them all the same.
        let url = utf8_percent_encode(&inner.url, UNFIT_FOR_URLS).to_string();
        let url = url.split('#').next().unwrap_or_default();
        let located = self.read(url, &inner.headers)?;
        // Whoever sent the batch has shown a key.
        let query = located.query.map(|query| without_key(query).into_owned());
        if reference(&located.below).is_some_and(is_id) {
            return Err(no_references());
        }
        let (method, below, query) = match exchange(&located.below) {
            Some(Exchange::Batch) => {
                return Err(refusal(
                    "A batch cannot hold another batch: put its requests into this one.",
                ));
            }
            Some(Exchange::Query { below }) if inner.method == Method::POST => {
                query::is_text(&inner.headers)?;
                let query = query::combined(query.as_deref(), &inner.body)?;
                (Method::GET, below.to_owned(), Some(query))
            }
            None if inner.method == Method::GET || inner.method == Method::HEAD => {
                (inner.method, located.below.into_owned(), query)
            }
            Some(Exchange::Query { .. }) => return Err(query::method_not_allowed(Some("POST"))),
            None => return Err(Problem::method_not_allowed(Some(METHODS))),
        };
        let mut headers = inner.headers;
        for name in UNHEEDED {
            headers.remove(name);
        }
        Ok(Target {
            method,
            root: located.root,
            below,
            query,
            headers,
        })
    }

    fn read<'u>(&self, url: &'u str, headers: &HeaderMap) -> Result<Located<'u>, Problem> {
        let (authority, rest) = match absolute(url) {
            Some((authority, rest)) => (Some(authority), rest),
            None if url.starts_with('/') => (None, url),
            None => {
                let (path, query) = divided(url);
                let path = path.strip_prefix("./").unwrap_or(path);
                return Ok(Located {
                    root: service_root(self.public_url, self.scheme, self.authority, self.root),
                    below: below_root(path),
                    query,
                });
            }
        };
        let host = headers.get(header::HOST);
        let host = host.map(|host| host.to_str().unwrap_or_default());
        let authority = match authority.or(host) {
            Some(named) => Cow::Owned(self.hosts.named(named).ok_or_else(foreign_host)?),
            None => Cow::Borrowed(self.authority),
        };
        let (path, query) = divided(rest);
        let path = tidy(self.within_public_path(path));
        let Route::Odata { site, root, below } = route(&path) else {
            return Err(other_site());
        };
        if self.sites.named(site) != Some(self.site) {
            return Err(other_site());
        }
        Ok(Located {
            root: service_root(self.public_url, self.scheme, &authority, root),
            below: Cow::Owned(below.to_owned()),
            query,
        })
    }

    /// The path behind that of the public address, where it begins with it.
    fn within_public_path<'u>(&self, path: &'u str) -> &'u str {
        let public = self.public_url.map_or("/", Url::path);
        let rest = path.strip_prefix(public.trim_end_matches('/'));
        rest.filter(|rest| rest.starts_with('/')).unwrap_or(path)
    }
}

/// What may be the name of an earlier request, in place of the first segment. What the service calls so itself comes first.
fn reference(below: &str) -> Option<&str> {
    let name = below.split('/').next()?.strip_prefix('$')?;
    (!SYSTEM_RESOURCES.contains(&name)).then_some(name)
}

/// Authority and rest of an absolute URL of ours.
fn absolute(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let known = ["http", "https"];
    if !known.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    rest.split_at_checked(end)
}

/// Path and query.
fn divided(url: &str) -> (&str, Option<&str>) {
    match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url, None),
    }
}

/// A path from the service root, without slashes at its ends.
fn below_root(path: &str) -> Cow<'_, str> {
    if path.ends_with('/') || path.contains("//") {
        let tidy = tidy(path).into_owned();
        return Cow::Owned(tidy.trim_start_matches('/').to_owned());
    }
    Cow::Borrowed(path)
}

fn foreign_host() -> Problem {
    refusal(
        "Its URL, or its `Host`, does not name this server. Write the URL from the service root, as in `Sessions?$top=5`.",
    )
}

fn other_site() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "NotFound",
        "This request of the batch does not lead to the OData service that the batch was sent to. Write its URL from the \
         service root, as in `Sessions?$top=5`, and send what is for another site there.",
    )
}

fn no_references() -> Problem {
    Problem::new(
        StatusCode::NOT_IMPLEMENTED,
        "NotSupported",
        "This server does not support URLs that refer to an earlier request of the batch. Write the URL out.",
    )
}

/// At the service root, without `$` (OData 4.01 Protocol, section 11.7.4).
const SYSTEM_RESOURCES: [&str; 7] = [
    "all",
    "batch",
    "crossjoin",
    "entity",
    "id",
    "metadata",
    "root",
];

/// What is for the connection, or for whoever sent the batch. Answers in a batch are not compressed one by one.
const UNHEEDED: [HeaderName; 6] = [
    header::ACCEPT_ENCODING,
    header::AUTHORIZATION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::HOST,
];

/// What is not for URLs, without `%`, and without `#`, which ends them.
const UNFIT_FOR_URLS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

#[cfg(test)]
mod tests;
