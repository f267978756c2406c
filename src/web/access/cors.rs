//! Which pages of other origins may read answers (the CORS protocol of the Fetch standard): those that the operator lists,
//! and none by default.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// The list.
#[derive(Debug)]
pub(super) struct Cors(Vec<String>);

/// What a response says about who may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Nothing: there is no list.
    Unlisted,
    /// It depends on who asks, and this origin may not.
    Nobody,
    /// This origin may.
    Origin(HeaderValue),
}

impl Cors {
    pub(super) fn new(origins: &[String]) -> Self {
        Self(origins.to_vec())
    }

    /// Whether this value of `Origin` is on the list. Browsers write an origin in one way, so bytes are compared.
    pub(super) fn allows(&self, origin: &[u8]) -> bool {
        self.0.iter().any(|listed| listed.as_bytes() == origin)
    }

    /// Who may read the answer to a request with these headers.
    pub(super) fn reader(&self, headers: &HeaderMap) -> Reader {
        if self.0.is_empty() {
            return Reader::Unlisted;
        }
        match headers.get(header::ORIGIN) {
            Some(origin) if self.allows(origin.as_bytes()) => Reader::Origin(origin.clone()),
            _ => Reader::Nobody,
        }
    }

    /// Whether an `OPTIONS` with these headers is a listed page's question whether it may ask.
    pub(super) fn is_preflight(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
            && matches!(self.reader(headers), Reader::Origin(_))
    }

    /// Whether it is that of another page. Our own pages need not ask.
    pub(super) fn is_stray_preflight(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
            && headers.contains_key(header::ORIGIN)
            && !self.is_preflight(headers)
    }
}

/// The answer to a listed page's question; the origin itself is added like to all answers.
pub(super) fn preflight() -> (StatusCode, [(HeaderName, HeaderValue); 3]) {
    (StatusCode::NO_CONTENT, PREFLIGHT)
}

impl Reader {
    /// Says so. Never with credentials: a page has to bring its key itself.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        if *self == Self::Unlisted {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Self::Origin(origin) = self {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

const PREFLIGHT: [(HeaderName, HeaderValue); 3] = [
    (
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, HEAD, POST, OPTIONS"),
    ),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "Authorization, Accept, Cache-Control, Content-Type, If-None-Match, OData-MaxVersion, OData-Version, Prefer",
        ),
    ),
    // Ten minutes.
    (
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("600"),
    ),
];

const EXPOSED: HeaderValue =
    HeaderValue::from_static("Cache-Status, ETag, OData-Version, Preference-Applied, X-Request-Id");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_listed_exactly_or_not_at_all() {
        let cors = Cors::new(&["https://app.example.com".to_owned()]);
        for (origin, listed) in [
            ("https://app.example.com", true),
            ("https://app.example.com:444", false),
            ("https://app.example.com/", false),
            ("http://app.example.com", false),
            ("https://sub.app.example.com", false),
            ("null", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, origin.parse().unwrap());
            let reader = cors.reader(&headers);
            assert_eq!(matches!(reader, Reader::Origin(_)), listed, "{origin}");
            assert_eq!(Cors::new(&[]).reader(&headers), Reader::Unlisted);
            let mut response = HeaderMap::new();
            reader.write(&mut response);
            assert_eq!(response[header::VARY], "Origin");
            let allowed = response.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            assert_eq!(allowed.is_some_and(|allowed| allowed == origin), listed);
            assert!(!response.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
        }
    }
}
