//! What every response tells browsers.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::cors::Reader;

/// How requests come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// As they are.
    Http,
    /// Over TLS that ends here.
    Https,
}

/// What is added to a response on its way out.
#[derive(Debug)]
pub(crate) struct Seal {
    reader: Reader,
    strict_transport: bool,
}

impl Scheme {
    /// As in an address.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl Seal {
    /// For the answer to a request under this host name. Browsers are not told to use TLS for `localhost` for a year: that
    /// would be for every other server on their machine, too.
    pub(super) fn new(reader: Reader, scheme: Scheme, host: Option<&str>) -> Self {
        let local = |host: &str| {
            let name = host.split(':').next().unwrap_or_default();
            name.eq_ignore_ascii_case("localhost")
        };
        Self {
            reader,
            strict_transport: scheme == Scheme::Https && !host.is_none_or(local),
        }
    }

    /// Adds the headers that are not there yet.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in &ALWAYS {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        if !matches!(self.reader, Reader::Origin(_)) {
            let name = CROSS_ORIGIN_RESOURCE_POLICY;
            headers.entry(name).or_insert(SAME_ORIGIN);
        }
        self.reader.write(headers);
        if self.strict_transport {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, ONE_YEAR);
        }
    }
}

static ALWAYS: [(HeaderName, HeaderValue); 2] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
];

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const ONE_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(reader: Reader, scheme: Scheme, host: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("origin"));
        Seal::new(reader, scheme, Some(host)).write(&mut headers);
        headers
    }

    #[test]
    fn what_is_said_already_stays() {
        let headers = sealed(Reader::Unlisted, Scheme::Http, "localhost");
        assert_eq!(headers[header::REFERRER_POLICY], "origin");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
        assert_eq!(headers.len(), 3);
    }

    #[test]
    fn a_listed_origin_may_take_the_answer_in() {
        let origin = HeaderValue::from_static("https://app.example.com");
        let headers = sealed(Reader::Origin(origin), Scheme::Http, "localhost");
        assert!(!headers.contains_key("cross-origin-resource-policy"));
    }

    #[test]
    fn browsers_keep_to_tls_where_it_is_and_not_for_all_of_their_machine() {
        for (scheme, host, expected) in [
            (Scheme::Http, "bi.example.com", false),
            (Scheme::Https, "bi.example.com", true),
            (Scheme::Https, "bi.example.com:8443", true),
            (Scheme::Https, "localhost", false),
            (Scheme::Https, "LocalHost:8484", false),
        ] {
            let headers = sealed(Reader::Unlisted, scheme, host);
            let said = headers.contains_key(header::STRICT_TRANSPORT_SECURITY);
            assert_eq!(said, expected, "{host}");
        }
    }
}
