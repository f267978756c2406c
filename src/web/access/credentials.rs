//! How a client presents a key, and how it is taken out of its request.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{StatusCode, Uri, header};
use percent_encoding::percent_decode_str;

use crate::web::problem::Problem;

/// The keys that a request presents, each in one way.
#[derive(Default)]
pub(crate) struct Credentials {
    header: Option<String>,
    query: Option<String>,
}

impl Credentials {
    /// Takes them out of a request, so that nothing that answers it sees them. A key in the query is taken out whether keys
    /// are `wanted` or not: clients may go on sending one after the keys were given up, and it is for nobody else.
    pub(crate) fn take(request: &mut Parts, wanted: bool) -> Result<Self, Problem> {
        let mut credentials = Self::default();
        if wanted && let Some(line) = request.headers.remove(header::AUTHORIZATION) {
            credentials.header = line.to_str().ok().and_then(of_header);
        }
        if let Some(query) = request.uri.query()
            && query
                .split('&')
                .any(|option| value_of_key(option).is_some())
        {
            let mut values = query.split('&').filter_map(value_of_key);
            credentials.query = values
                .find(|value| !value.is_empty())
                .map(|value| percent_decode_str(value).decode_utf8_lossy().into_owned());
            request.uri = with_query(&request.uri, &without_key(query)).ok_or_else(unreadable)?;
        }
        Ok(credentials)
    }

    /// What may be a key: at most two texts.
    pub(crate) fn presented(&self) -> impl Iterator<Item = &str> {
        [&self.header, &self.query]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}

/// Never what they are.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// The key in `Authorization`: a bearer token, or the password of Basic (RFC 7617). A blank text is none: that is what
/// report tools send when they try without.
fn of_header(line: &str) -> Option<String> {
    let (scheme, rest) = line.trim().split_once(' ')?;
    let rest = rest.trim();
    let text = if scheme.eq_ignore_ascii_case("bearer") {
        rest.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = BASE64.decode(rest).ok()?;
        let pair = String::from_utf8(decoded).ok()?;
        pair.split_once(':')?.1.to_owned()
    } else {
        return None;
    };
    (!text.is_empty()).then_some(text)
}

/// The options of a question without access keys, in whatever way the options came: what is left in would go on to Citrix.
pub(crate) fn without_key(query: &str) -> Cow<'_, str> {
    let is_key = |option: &str| value_of_key(option).is_some();
    if !query.split('&').any(is_key) {
        return Cow::Borrowed(query);
    }
    let kept: Vec<&str> = query.split('&').filter(|option| !is_key(option)).collect();
    Cow::Owned(kept.join("&"))
}

/// The value of the query option `key`, still encoded. The name is read as questions read names: decoded, a `+` as a
/// blank, without blanks around it; and in any case.
fn value_of_key(option: &str) -> Option<&str> {
    let (name, value) = option.split_once('=').unwrap_or((option, ""));
    // Short-cuts most names without decoding them.
    if name.len() < NAME.len() || name.starts_with('$') {
        return None;
    }
    let name = name.replace('+', " ");
    let name = percent_decode_str(&name).decode_utf8_lossy();
    name.trim().eq_ignore_ascii_case(NAME).then_some(value)
}

/// The address with another query; with none, when that is empty.
fn with_query(uri: &Uri, query: &str) -> Option<Uri> {
    let path = match query {
        "" => uri.path().to_owned(),
        query => format!("{}?{query}", uri.path()),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}

fn unreadable() -> Problem {
    let message = "The URL cannot be read once the key is taken out. Write the path with a slash at its beginning.";
    Problem::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
}

const NAME: &str = "key";

/// Some clients leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_headers() {
        for (line, expected) in [
            ("Bearer cop_a", Some("cop_a")),
            ("bearer   cop_a ", Some("cop_a")),
            // :cop_a, any:cop_a, a:b:c
            ("Basic OmNvcF9h", Some("cop_a")),
            ("BASIC YW55OmNvcF9h", Some("cop_a")),
            ("Basic YTpiOmM=", Some("b:c")),
            ("Basic YTpiOmM", Some("b:c")),
            // any: and any
            ("Basic YW55Og==", None),
            ("Basic YW55", None),
            ("Basic !", None),
            ("Basic", None),
            ("Bearer ", None),
            ("Negotiate YW55OmNvcF9h", None),
            ("", None),
        ] {
            assert_eq!(of_header(line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn the_key_leaves_the_query_and_nothing_else_does() {
        for (uri, left, key) in [
            ("/S?key=cop_a", "/S", Some("cop_a")),
            (
                "/S?$top=1&key=cop_a&x=%26",
                "/S?$top=1&x=%26",
                Some("cop_a"),
            ),
            ("/S?Key=a%2Fb&$top=1", "/S?$top=1", Some("a/b")),
            ("/S?k%65y=a&$top=1", "/S?$top=1", Some("a")),
            ("/S?key=a&key=b", "/S", Some("a")),
            // A blank one is none, as in the header.
            ("/S?key", "/S", None),
            ("/S?key=&$top=1", "/S?$top=1", None),
            ("/S?key=&key=b", "/S", Some("b")),
            ("/S?+key=a&$top=1", "/S?$top=1", Some("a")),
            ("/S?%20key%09=a", "/S", Some("a")),
            ("/S?%C2%A0key+=a", "/S", Some("a")),
            ("/S?monkey=a&keys=b&ke=c", "/S?monkey=a&keys=b&ke=c", None),
            ("/S?$filter=key%20eq%201", "/S?$filter=key%20eq%201", None),
            ("/S?", "/S?", None),
            ("http://h:1/S?key=a", "http://h:1/S", Some("a")),
        ] {
            let (mut parts, ()) = http::Request::get(uri).body(()).unwrap().into_parts();
            let credentials = Credentials::take(&mut parts, false).unwrap();
            assert_eq!(parts.uri.to_string(), left, "{uri}");
            assert_eq!(credentials.query.as_deref(), key, "{uri}");
            assert!(!format!("{credentials:?}").contains("cop"));
        }
    }

    #[test]
    fn the_header_is_taken_where_keys_are_wanted() {
        for wanted in [false, true] {
            let request = http::Request::get("/S").header("authorization", "Bearer a");
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            let credentials = Credentials::take(&mut parts, wanted).unwrap();
            assert_eq!(credentials.presented().count(), usize::from(wanted));
            assert_eq!(parts.headers.is_empty(), wanted);
        }
    }
}
