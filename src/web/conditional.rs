//! Does the client have this answer already? (RFC 9110, section 13.1.2)

use http::{HeaderMap, header};

use super::list;

/// The weak validator of a stored answer. Weak, because its text differs between clients in the address that
/// links begin with, and between codings.
pub(crate) fn etag(digest: &str) -> String {
    format!("W/\"{digest}\"")
}

/// Whether `If-None-Match` names `etag`, by weak comparison: `W/` does not count.
pub(crate) fn client_has(headers: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    list::members(headers, header::IF_NONE_MATCH)
        .into_iter()
        .any(|tag| tag == "*" || opaque(tag) == opaque(etag))
}

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
            assert_eq!(client_has(&headers, &etag("abc")), expected, "{condition}");
        }
        assert!(!client_has(&HeaderMap::new(), &etag("abc")));
    }
}
