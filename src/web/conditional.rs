//! Does the client have this answer already? (RFC 9110, section 13.1.2)

use http::{HeaderMap, header};
use xxhash_rust::xxh3::xxh3_64;

use super::encoding::Coding;
use super::{hex, list};
use crate::cache::Digests;

/// The validator of a stored answer, as it is sent in this coding to a client with this service root. A strong one: equal
/// tags mean equal bytes (RFC 9110, section 8.8.1). Links begin with the service root, so it counts.
pub(crate) fn etag(digests: &Digests, coding: Coding, root: &[u8]) -> String {
    let (digest, suffix) = match coding {
        Coding::Identity => (digests.text, ""),
        Coding::Gzip => (digests.packed, "-gzip"),
    };
    #[expect(clippy::cast_possible_truncation, reason = "the other half")]
    let halves = [(digest >> 64) as u64, digest as u64].map(hex::digits);
    let root = hex::digits(xxh3_64(root));
    let mut tag = String::with_capacity(ETAG_BYTES_MAX);
    tag.push('"');
    tag.extend(halves.iter().flatten().map(|&digit| char::from(digit)));
    tag.push('-');
    tag.extend(root.map(char::from));
    tag.push_str(suffix);
    tag.push('"');
    tag
}

/// Whether `If-None-Match` names `etag`, by weak comparison: `W/` does not count.
pub(crate) fn client_has(headers: &HeaderMap, etag: &str) -> bool {
    list::members(headers, header::IF_NONE_MATCH)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Two quotes, two digests, what stands between them and `-gzip`.
const ETAG_BYTES_MAX: usize = 56;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_weakly() {
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
            assert_eq!(client_has(&headers, "\"abc\""), expected, "{condition}");
        }
        assert!(!client_has(&HeaderMap::new(), "\"abc\""));
    }

    #[test]
    fn whatever_changes_the_bytes_changes_the_tag() {
        let digests = |text, packed| Digests { text, packed };
        let tag = |text, packed, coding, root: &str| {
            etag(&digests(text, packed), coding, root.as_bytes())
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
