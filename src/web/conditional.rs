//! Does the client have this answer already? (RFC 9110, section 13.1.2)

use bytes::Bytes;
use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderValue, header};
use xxhash_rust::xxh3::xxh3_64;

use super::encoding::Coding;
use super::{hex, list};
use crate::cache::Digests;

/// The validator of a stored answer, as it is sent in this coding to a client with this service root. A strong one: equal
/// tags mean equal bytes (RFC 9110, section 8.8.1). Links begin with the service root, so it counts. There is no error: digits
/// are fit for a header.
pub(crate) fn etag(
    digests: &Digests,
    coding: Coding,
    root: &[u8],
) -> Result<HeaderValue, InvalidHeaderValue> {
    let (digest, suffix) = match coding {
        Coding::Identity => (digests.text, &b""[..]),
        Coding::Gzip => (digests.packed, &b"-gzip"[..]),
    };
    #[expect(clippy::cast_possible_truncation, reason = "the other half")]
    let halves = [(digest >> 64) as u64, digest as u64].map(hex::digits);
    let root = hex::digits(xxh3_64(root));
    let [high, low] = halves;
    let pieces: [&[u8]; 7] = [b"\"", &high, &low, b"-", &root, suffix, b"\""];
    HeaderValue::from_maybe_shared(Bytes::from(pieces.concat()))
}

/// Whether `If-None-Match` names `etag`, by weak comparison: `W/` does not count.
pub(crate) fn client_has(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    list::members(headers, header::IF_NONE_MATCH)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_weakly() {
        let abc = HeaderValue::from_static("\"abc\"");
        for (condition, expected) in [
            (r#"W/"abc""#, true),
            (r#""abc""#, true),
            (r#""x", W/"abc""#, true),
            (r#""x,y","abc""#, true),
            ("*", true),
            (r#"W/"ab""#, false),
            ("abc", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("if-none-match", condition.parse().unwrap());
            assert_eq!(client_has(&headers, &abc), expected, "{condition}");
        }
        assert!(!client_has(&HeaderMap::new(), &abc));
    }

    #[test]
    fn whatever_changes_the_bytes_changes_the_tag() {
        let digests = |text, packed| Digests { text, packed };
        let tag = |text, packed, coding, root: &str| {
            etag(&digests(text, packed), coding, root.as_bytes()).unwrap()
        };
        let (identity, gzip) = (Coding::Identity, Coding::Gzip);
        let this = tag(1, 2, identity, "http://a/m");
        assert_eq!(this, tag(1, 3, identity, "http://a/m"), "the same text");
        for other in [
            tag(2, 2, identity, "http://a/m"),
            tag(1, 2, identity, "http://b/m"),
            tag(1, 2, gzip, "http://a/m"),
            tag(2, 1, gzip, "http://a/m"),
        ] {
            assert_ne!(this, other);
        }
        let packed = tag(1, 2, gzip, "http://a/m");
        assert_ne!(packed, tag(1, 3, gzip, "http://a/m"));
        assert_eq!(
            packed,
            "\"00000000000000000000000000000002-".to_owned()
                + &format!("{:016x}", xxh3_64(b"http://a/m"))
                + "-gzip\""
        );
    }
}
