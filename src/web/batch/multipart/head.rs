//! Lines and header fields of an HTTP message that stands in a part. Pure.
//!
//! hyper reads messages from connections only, and these are written with less care: lines end with LF alone, the version
//! is left out, URLs have blanks in them, and the blank line behind the last header belongs to the delimiter.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use memchr::memchr;

use super::super::item::Inner;

/// Takes header fields and the blank line behind them; the end of `bytes` will do for that, too. `Err` says what is wrong.
pub(super) fn fields(bytes: &mut &[u8]) -> Result<HeaderMap, &'static str> {
    let before = bytes.len();
    let mut fields = HeaderMap::new();
    while let Some(line) = line(bytes) {
        if line.is_empty() {
            break;
        }
        if fields.len() == FIELDS_MAX || before - bytes.len() > HEAD_BYTES_MAX {
            return Err("Its head is too long: 100 headers of 64 kB together are the limit.");
        }
        let (name, value) = field(line).ok_or("A line of its head is no `Name: value`.")?;
        fields.append(name, value);
    }
    Ok(fields)
}

/// Reads a request.
pub(super) fn request(bytes: &[u8]) -> Result<Inner, &'static str> {
    let mut left = bytes;
    let mut first = line(&mut left);
    // Some clients have one blank line too many (RFC 9112, section 2.2).
    while first.is_some_and(<[u8]>::is_empty) {
        first = line(&mut left);
    }
    let first = first.ok_or("It is empty.")?;
    if first.len() > HEAD_BYTES_MAX {
        return Err("Its URL is too long: 64 kB are the limit.");
    }
    let (method, url) = request_line(first)
        .ok_or("It does not begin with a line such as `GET Sessions HTTP/1.1`.")?;
    let headers = fields(&mut left)?;
    let body = body(left, &headers)?;
    Ok(Inner {
        method,
        url,
        headers,
        body,
    })
}

/// Method and URL of `GET URL HTTP/1.1`, whose version may be missing.
fn request_line(line: &[u8]) -> Option<(Method, String)> {
    let line = std::str::from_utf8(line).ok()?.trim();
    let (method, rest) = line.split_once(' ')?;
    let url = match rest.rsplit_once(' ') {
        Some((url, version)) if version.starts_with("HTTP/") => url,
        None if rest.starts_with("HTTP/") => return None,
        _ => rest,
    };
    let method = Method::from_bytes(method.as_bytes()).ok()?;
    Some((method, url.trim().to_owned()))
}

/// What is behind the head: all of it, or as much as it says.
fn body(left: &[u8], headers: &HeaderMap) -> Result<Bytes, &'static str> {
    let Some(len) = headers.get(header::CONTENT_LENGTH) else {
        return Ok(Bytes::copy_from_slice(left));
    };
    let len = len.to_str().ok().and_then(|len| len.parse().ok());
    let body = left.get(..len.unwrap_or(usize::MAX));
    body.map(Bytes::copy_from_slice)
        .ok_or("Its body is shorter than its `Content-Length`.")
}

fn field(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = memchr(b':', line)?;
    let (name, value) = line.split_at_checked(colon)?;
    let name = HeaderName::from_bytes(name).ok()?;
    let value = value.strip_prefix(b":")?.trim_ascii();
    Some((name, HeaderValue::from_bytes(value).ok()?))
}

/// Takes a line, and gives it without its end; `None` at the end.
fn line<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    if bytes.is_empty() {
        return None;
    }
    let end = memchr(b'\n', bytes).unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at_checked(end)?;
    *bytes = rest.strip_prefix(b"\n").unwrap_or(rest);
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Twice the longest question, so that the limit that is met first is that one.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const FIELDS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    /// `METHOD URL | name=value … | body`, or what is wrong.
    fn check(text: &str, expected: &str) {
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            let found = match request(text.as_bytes()) {
                Ok(inner) => {
                    let fields: Vec<String> = inner
                        .headers
                        .iter()
                        .map(|(name, value)| format!("{name}={}", value.to_str().unwrap()))
                        .collect();
                    let body = String::from_utf8_lossy(&inner.body).replace("\r\n", "\n");
                    format!(
                        "{} {} | {} | {body}",
                        inner.method,
                        inner.url,
                        fields.join(" ")
                    )
                }
                Err(wrong) => wrong.split(' ').take(4).collect::<Vec<_>>().join(" "),
            };
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn requests_in_every_spelling() {
        check("GET A HTTP/1.1\n\n", "GET A |  | ");
        check("GET A", "GET A |  | ");
        check("\n\nGET A HTTP/1.1\nHost: h\n\n\n", "GET A | host=h | \n");
        check(
            "GET A?$filter=B eq 5 HTTP/1.1",
            "GET A?$filter=B eq 5 |  | ",
        );
        check("GET A?$filter=B eq 5", "GET A?$filter=B eq 5 |  | ");
        check("GET  A  HTTP/1.0\n", "GET A |  | ");
        check("GET A\nX:1\nx:  2 \nY:", "GET A | x=1 x=2 y= | ");
        check("POST A/$query\n\n$top=1\n", "POST A/$query |  | $top=1\n");
        check(
            "POST A/$query\nContent-Length: 6\n\n$top=1\n\n",
            "POST A/$query | content-length=6 | $top=1",
        );
        check("patch A HTTP/1.1", "patch A |  | ");
    }

    #[test]
    fn what_is_no_request() {
        check("", "It is empty.");
        check("\n\n", "It is empty.");
        check("GET", "It does not begin");
        check("GET HTTP/1.1", "It does not begin");
        check("G\u{e9}T A", "It does not begin");
        check("GET A\nnonsense", "A line of its");
        check("GET A\n folded: 1", "A line of its");
        check("GET A\nX : 1", "A line of its");
        check("POST A\nContent-Length: 7\n\nabc", "Its body is shorter");
        check("POST A\nContent-Length: -1\n\nabc", "Its body is shorter");
        check(
            &format!("GET A\n{}", "X: 1\n".repeat(101)),
            "Its head is too",
        );
        check(
            &format!("GET A\nX: {}\n", "x".repeat(70_000)),
            "Its head is too",
        );
        check(&format!("GET {}", "x".repeat(70_000)), "Its URL is too");
        assert!(request(b"GET A\nX: \0").is_err());
        assert!(request(b"\xff\xfe A").is_err());
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes: Vec<u8>) {
            let _ = request(&bytes);
            let _ = fields(&mut &*bytes);
        }
    }
}
